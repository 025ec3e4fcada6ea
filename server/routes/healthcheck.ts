/**
 * GET /healthcheck: always 200, as in ksqlDB; the body's `isHealthy` holds the result.
 *
 * The log (`kafka`) is unhealthy once a sync has failed, since nothing is acknowledged until the next start, and while
 * it refuses writes, because the disk is full, most often: the newest one, within the last minute, or those of a query
 * that goes on trying. `message` has the reason. The `commandRunner` is unhealthy while there are statements in the
 * statement log that could not be applied. A query in ERROR makes nothing unhealthy: `/info` names it, with the reason.
 */

import { type HealthResponse, mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const healthcheckRoute: Route = (app, { engine }) => {
  app.get('/healthcheck', { config: { produces: [mediaTypes.json, mediaTypes.ksql] } }, async (_request, reply) => {
    const { fault } = engine;
    const details = {
      metastore: { isHealthy: true },
      kafka: fault === undefined ? { isHealthy: true } : { isHealthy: false, message: fault.message },
      commandRunner: { isHealthy: engine.report.failedStatements.length === 0 },
    };
    const isHealthy = Object.values(details).every((part) => part.isHealthy);
    const health: HealthResponse = { isHealthy, details, serverState: 'READY' };
    return reply.send(JSON.stringify(health));
  });
};
