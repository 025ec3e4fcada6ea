/** POST /ksql: statements in, entities out. All are validated before the first runs; the first failure ends the request
 *  and names what ran. */

import { ExecutionError, type StatementResult } from '../../sql/index.ts';
import { objectField, readJsonBody, textField } from '../body.ts';
import { commandBefore } from '../command-before.ts';
import { faultOf } from '../errors.ts';
import { writeExactJson } from '../exact-json.ts';
import { type Entity, mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

export const ksqlRoute: Route = (app, { engine, limits }) => {
  app.post('/ksql', { config: { produces: [mediaTypes.ksql, mediaTypes.json] } }, async (request, reply) => {
    const body = await readJsonBody(request.raw, limits);
    const sql = textField(body, 'ksql');
    await commandBefore(body, engine, limits);
    try {
      const results = await engine.execute(sql, {
        properties: objectField(body, 'streamsProperties'),
        variables: objectField(body, 'sessionVariables'),
      });
      return reply.send(writeExactJson(entitiesOf(results)));
    } catch (error) {
      const [cause, context] =
        error instanceof ExecutionError
          ? [error.cause, { statementText: error.statementText, entities: entitiesOf(error.done) }]
          : [error, { statementText: sql }];
      const fault = faultOf(cause, context);
      if (fault.status >= 500) request.log.error({ err: cause, route: '/ksql' }, 'statement failed');
      return reply.code(fault.status).send(writeExactJson(fault.body));
    }
  });
};

/** SET, UNSET, DEFINE, UNDEFINE and INSERT VALUES answer nothing, as in ksqlDB. */
const entitiesOf = (results: readonly StatementResult[]): Entity[] =>
  results.flatMap(({ kind, statementText, warnings, ...fields }) =>
    kind === 'settings' || kind === 'defined' || kind === 'inserted'
      ? []
      : [{ '@type': kind, statementText, warnings: warnings.map((message) => ({ message })), ...fields }],
  );
