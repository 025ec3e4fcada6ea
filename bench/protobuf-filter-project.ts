/** Claim: filter and project in the format PROTOBUF, topic to topic, against JSON.parse of the same rows. */

import { sqlPathClaim } from './sql-path.ts';

export const protobufFilterProject = sqlPathClaim({
  name: 'protobuf-filter-project',
  about: 'filter + project, topic to topic, in PROTOBUF',
  atLeast: 1,
  keys: 100_000,
  sinkKind: 'STREAM',
  valueFormat: 'PROTOBUF',
  statement: (sink) =>
    `CREATE STREAM ${sink} AS SELECT "k", "id", "user", "region", "amount" * "qty" AS "total" FROM source
       WHERE "amount" > 500 AND "qty" <> 9 AND "region" <> 'none';`,
});
