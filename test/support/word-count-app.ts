/** An application as a module, for the tests of threads: counts words, and does what its config asks for besides. */

import { type RecordErrorPolicies, StreamsBuilder, serdes, type Topology } from '../../millrace.ts';

export interface AppConfig {
  readonly input: string;
  readonly output: string;
  /** The word that ends the thread which meets it, the first time. */
  readonly deadly?: { readonly word: string; readonly times: Int32Array };
  /** Another topology in each thread. */
  readonly differs?: Int32Array;
}

const { string, json } = serdes;

export default async ({ input, output, deadly, differs }: AppConfig): Promise<Topology> => {
  const builder = new StreamsBuilder();
  const name = differs === undefined ? 'counts' : `counts-${Atomics.add(differs, 0, 1)}`;
  builder
    .stream(input, { key: string, value: json<string>() })
    .peek((_key, word) => {
      if (deadly !== undefined && word === deadly.word && Atomics.sub(deadly.times, 0, 1) > 0) process.exit(3);
    })
    .groupBy((_key, word) => word, { key: string })
    .count({ store: name })
    .toStream()
    .mapValues(String, { value: string })
    .to(output);
  return builder.build();
};

export const onError: RecordErrorPolicies = {
  deserialization: ({ value }) => (value?.length === 1 ? 'continue' : 'fail'),
};
