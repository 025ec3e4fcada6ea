/**
 * GET /status: how far the commands have come, all of them, or the one of an id that an answer of /ksql named.
 *
 * A name in an id is the same with backticks and without. A command whose id was used again is known by its last use.
 */

import { RequestError } from '../errors.ts';
import { type CommandStatusesResponse, type CommandStatusResponse, errorCodes, mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const statusRoute: Route = (app, { engine }) => {
  const config = { produces: [mediaTypes.ksql, mediaTypes.json] } as const;
  app.get('/status', { config }, async (_request, reply) => {
    const statuses = Array.from(engine.commands, ([id, { status }]) => [id, status] as const);
    const all: CommandStatusesResponse = { commandStatuses: Object.fromEntries(statuses) };
    return reply.send(JSON.stringify(all));
  });
  app.get<{ Params: { type: string; entity: string; action: string } }>(
    '/status/:type/:entity/:action',
    { config },
    async (request, reply) => {
      const { type, entity, action } = request.params;
      const name = /^`(.*)`$/s.exec(entity)?.[1] ?? entity;
      const id = `${type}/\`${name}\`/${action}`;
      const found = engine.commands.get(id);
      if (found === undefined) {
        throw new RequestError(
          errorCodes.notFound,
          `there is no command "${id}". GET /status lists those that there are.`,
        );
      }
      const { status, message, queryId } = found;
      const answer: CommandStatusResponse = { status, message, queryId };
      return reply.send(JSON.stringify(answer));
    },
  );
};
