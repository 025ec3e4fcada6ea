/** Claim: a one-minute tumbling sum by ten thousand keys, every update emitted, changelog on. */

import { sqlPathClaim } from './sql-path.ts';

export const tumblingSum = sqlPathClaim({
  name: 'tumbling-sum',
  about: 'one-minute tumbling sum, 1e4 keys, every update emitted, changelog on',
  atLeast: 0.35,
  keys: 10_000,
  sinkKind: 'TABLE',
  statement: (sink) =>
    `CREATE TABLE ${sink} AS SELECT "k", SUM("amount") AS "sum" FROM source WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY "k";`,
});
