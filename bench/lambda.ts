/** Claim: a lambda over an array of ten elements, topic to topic. */

import { sqlPathClaim } from './sql-path.ts';

export const lambda = sqlPathClaim({
  name: 'lambda',
  about: 'a lambda over ten elements, topic to topic',
  atLeast: 0.25,
  keys: 100_000,
  sinkKind: 'STREAM',
  statement: (sink) =>
    `CREATE STREAM ${sink} AS SELECT "k", TRANSFORM(
       ARRAY["qty", "qty" + 1, "qty" + 2, "qty" + 3, "qty" + 4, "qty" + 5, "qty" + 6, "qty" + 7, "qty" + 8, "qty" + 9],
       x => x * 2) AS "doubled" FROM source;`,
});
