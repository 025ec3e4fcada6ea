/** The endpoints, one per file. */

import type { Route } from '../route.ts';
import { closeQueryRoute } from './close-query.ts';
import { completeRoute } from './complete.ts';
import { healthcheckRoute } from './healthcheck.ts';
import { infoRoute } from './info.ts';
import { insertsStreamRoute } from './inserts-stream.ts';
import { isValidPropertyRoute } from './is-valid-property.ts';
import { ksqlRoute } from './ksql.ts';
import { metricsRoute } from './metrics.ts';
import { queryRoute } from './query.ts';
import { queryStreamRoute } from './query-stream.ts';
import { schemaRegistryRoute } from './schema-registry.ts';
import { statusRoute } from './status.ts';

export const routes: readonly Route[] = [
  ksqlRoute,
  queryStreamRoute,
  queryRoute,
  insertsStreamRoute,
  closeQueryRoute,
  statusRoute,
  isValidPropertyRoute,
  completeRoute,
  infoRoute,
  healthcheckRoute,
  metricsRoute,
  schemaRegistryRoute,
];
