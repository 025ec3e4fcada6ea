/** POST /complete: what can stand at a place of a text that is being written. Nothing runs. */

import { readJsonBody, textField } from '../body.ts';
import { RequestError } from '../errors.ts';
import { errorCodes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const completeRoute: Route = (app, { engine, limits }) => {
  app.post('/complete', async (request, reply) => {
    const body = await readJsonBody(request.raw, limits);
    const sql = textField(body, 'sql');
    const { cursor = sql.length } = body;
    if (typeof cursor !== 'number' || !Number.isInteger(cursor) || cursor < 0 || cursor > sql.length) {
      throw new RequestError(errorCodes.badRequest, `"cursor" is a whole number from 0 to the length of "sql"`);
    }
    return reply.send(await engine.complete(sql, cursor));
  });
};
