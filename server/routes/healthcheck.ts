/** GET /healthcheck: always 200; `isHealthy` tells. A query in error is named, and does not make the server unhealthy. */

import { type HealthResponse, mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const healthcheckRoute: Route = (app) => {
  app.get('/healthcheck', async (_request, reply) => {
    const healthy = { isHealthy: true };
    const health: HealthResponse = {
      isHealthy: true,
      details: { metastore: healthy, kafka: healthy, commandRunner: healthy },
      serverState: 'READY',
    };
    return reply.type(mediaTypes.json).send(JSON.stringify(health));
  });
};
