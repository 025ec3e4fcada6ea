/** GET /info (and /): what runs here, what the last start found and repaired, and the state of the persistent
 *  queries. */

import { type InfoResponse, mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const infoRoute: Route = (app, { engine, version, dataDirectory }) => {
  app.get('/', async (_request, reply) => reply.redirect('/info', 307));
  app.get('/info', { config: { produces: [mediaTypes.json, mediaTypes.ksql] } }, async (_request, reply) => {
    const { housekeepingFailure, ...report } = engine.report;
    const info: InfoResponse = {
      KsqlServerInfo: { version, kafkaClusterId: 'millrace', ksqlServiceId: 'default_', serverStatus: 'RUNNING' },
      millrace: {
        dataDirectory,
        ...report,
        housekeepingFailure: housekeepingFailure ?? null,
        state: engine.state,
        queries: (await engine.queries()).map(({ statement: _, ...query }) => query),
      },
    };
    return reply.send(JSON.stringify(info));
  });
};
