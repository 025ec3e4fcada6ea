/** Claim: count and sum by a hundred thousand keys, every update emitted, changelog on. */

import { sqlPathClaim } from './sql-path.ts';

export const countSumStatement = (sink: string): string =>
  `CREATE TABLE ${sink} AS SELECT "k", COUNT(*) AS "count", SUM("amount") AS "sum" FROM source GROUP BY "k";`;

export const countSum = sqlPathClaim({
  name: 'count-sum',
  about: 'count and sum by 1e5 keys, every update emitted, changelog on',
  atLeast: 0.35,
  keys: 100_000,
  sinkKind: 'TABLE',
  statement: countSumStatement,
});
