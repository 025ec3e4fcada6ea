/** Claim: two tables of a hundred thousand keys, joined by key; each side changes half of the time, every result out.
 *  Rows are text: what is measured is the join, and not how fast a value is parsed. */

import { serdes } from '../engine/index.ts';
import { dslPathClaim } from './dsl-path.ts';
import { narrow } from './records.ts';

const KEYS = 100_000;

export const tableTableJoin = dslPathClaim({
  name: 'table-table-join',
  about: 'inner join of two tables of 1e5 keys, both sides change, every result out, changelogs on',
  atLeast: 0.3,
  inputs: (records) =>
    ['left', 'right'].map((topic) => ({
      topic,
      records: records / 2,
      counted: true,
      record: (i) => narrow.record(i, KEYS),
    })),
  build(builder, sink) {
    const rows = { key: serdes.bytes, value: serdes.string };
    const left = builder.table('left', rows);
    const right = builder.table('right', rows);
    left
      .join(right, (a, b) => `[${a},${b}]`, { value: serdes.string })
      .toStream()
      .to(sink);
  },
  // But for the first rows of each key, each record finds a row of the other side.
  outputs: (records) => records - 2 * KEYS,
});
