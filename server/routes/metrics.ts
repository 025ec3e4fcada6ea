/** GET /metrics: what queries and threads do, in the text format of Prometheus. */

import { prometheusText } from '../../engine/index.ts';
import type { Route } from '../route.ts';

/** Of the text format; a version that every Prometheus reads. */
const mediaType = 'text/plain; version=0.0.4; charset=utf-8';

export const metricsRoute: Route = (app, { engine }) => {
  app.get('/metrics', async (_request, reply) => reply.type(mediaType).send(prometheusText(await engine.metrics())));
};
