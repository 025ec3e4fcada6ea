/** The topology of `threads.ts`, which each thread loads for itself. */

import { StreamsBuilder, serdes, type Topology } from 'millrace/engine';

const { int64, string } = serdes;

export default (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('words', { key: string, value: string })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to('counts', { key: string, value: int64 });
  return builder.build();
};
