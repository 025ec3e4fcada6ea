/** Claim: count and sum by a hundred thousand keys with an emit cache: of each key the last update of each commit. */

import { countSumStatement } from './count-sum.ts';
import { sqlPathClaim } from './sql-path.ts';

export const countSumCached = sqlPathClaim({
  name: 'count-sum-cached',
  about: 'count and sum by 1e5 keys, the last update of each key at each commit emitted, changelog on',
  atLeast: 0.9,
  keys: 100_000,
  sinkKind: 'TABLE',
  statement: (sink) => `SET 'cache.max.bytes.buffering' = '10485760'; ${countSumStatement(sink)}`,
});
