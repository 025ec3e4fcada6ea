/** Claim: a table function that makes five rows of each record, topic to topic. */

import { sqlPathClaim } from './sql-path.ts';

export const explode = sqlPathClaim({
  name: 'explode',
  about: 'EXPLODE of five, topic to topic',
  atLeast: 0.3,
  keys: 100_000,
  sinkKind: 'STREAM',
  statement: (sink) =>
    `CREATE STREAM ${sink} AS SELECT "k", EXPLODE(ARRAY["qty", "qty" + 1, "qty" + 2, "qty" + 3, "qty" + 4]) AS "each" FROM source;`,
});
