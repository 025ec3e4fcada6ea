/** Claim: a filter that passes about half, and a projection with an expression, topic to topic. */

import { sqlPathClaim } from './sql-path.ts';

export const filterProject = sqlPathClaim({
  name: 'filter-project',
  about: 'filter + project, topic to topic',
  atLeast: 0.7,
  keys: 100_000,
  sinkKind: 'STREAM',
  statement: (sink) =>
    `CREATE STREAM ${sink} AS SELECT "k", "id", "user", "region", "amount" * "qty" AS "total" FROM source
       WHERE "amount" > 500 AND "qty" <> 9 AND "region" <> 'none';`,
});
