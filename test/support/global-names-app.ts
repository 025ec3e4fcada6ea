/** An application that joins words with a global table of names. */

import { type GlobalKTable, StreamsBuilder, serdes, type Topology } from '../../engine/public.ts';

const { string } = serdes;
const texts = { key: string, value: string };

export const built = (): { readonly topology: Topology; readonly names: GlobalKTable<string, string> } => {
  const builder = new StreamsBuilder();
  const names = builder.globalTable('names', texts);
  builder
    .stream('words', texts)
    .join(
      names,
      (_key, word) => word,
      (word, name) => `${word} ${name}`,
      { value: string },
    )
    .foreach(() => undefined);
  return { topology: builder.build(), names };
};

export default (): Topology => built().topology;
