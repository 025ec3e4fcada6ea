/**
 * POST /query-stream: the rows of one SELECT, push or pull, as they come; or the lines of one PRINT, as plain text.
 *
 * Delimited by default (a header line, then a JSON array a line); `Accept: application/json` gets the same as one JSON
 * array. The connection is the back-pressure: what the client does not take is not produced. A fault before the first
 * rows of a pull query is an ordinary error; one after them, or of a push query that has started, is a last line of
 * `@type` generic_error. The query ends with its connection.
 */

import type { ServerResponse } from 'node:http';
import { printType, type QueryHandle } from '../../sql/index.ts';
import { objectField, parametersField, positionField, readJsonBody, textField } from '../body.ts';
import { closed, drained } from '../drained.ts';
import { faultOf } from '../errors.ts';
import { isGone, startAnswer } from '../exchange.ts';
import { mediaTypes, type QueryHeader } from '../protocol.ts';
import type { Route, RouteContext } from '../route.ts';
import { rowWriter } from '../row-json.ts';

export const queryStreamRoute: Route = (app, context) => {
  app.post('/query-stream', async (request, reply) => {
    const body = await readJsonBody(request.raw, context.limits);
    const sql = textField(body, 'sql');
    const properties = objectField(body, 'properties');
    const variables = objectField(body, 'sessionVariables');
    const parameters = parametersField(body);
    const from = positionField(body, 'from');
    let handle: QueryHandle | undefined;
    let rows: Rows;
    try {
      handle = await context.openQueries.open(() =>
        context.engine.query(sql, { properties, variables, parameters, from }),
      );
      rows = handle.kind === 'pull' ? await begun(handle.rows(), reply.raw) : handle.rows();
    } catch (error) {
      if (handle !== undefined) await context.openQueries.close(handle.id);
      const fault = faultOf(error, { statementText: sql });
      if (fault.status >= 500) request.log.error({ err: error, route: '/query-stream' }, 'query failed');
      return reply.code(fault.status).type(mediaTypes.json).send(JSON.stringify(fault.body));
    }
    reply.hijack();
    const asArray = (request.headers.accept ?? '').includes(mediaTypes.json);
    try {
      if (handle.kind === 'print') await streamLines(handle, rows, reply.raw);
      else await streamRows(handle, rows, reply.raw, asArray, context);
    } catch (error) {
      request.log.error({ err: error, queryId: handle.id }, 'query failed while running');
    } finally {
      await context.openQueries.close(handle.id);
    }
    return reply;
  });
};

type Rows = ReturnType<QueryHandle['rows']>;

/** The same rows, with the first batch that has any at hand: what fails on the way to it fails here. */
const begun = async (rows: Rows, out: ServerResponse): Promise<Rows> => {
  const iterator = rows[Symbol.asyncIterator]();
  let first: Awaited<ReturnType<typeof iterator.next>> | undefined;
  do first = await iterator.next();
  while (first.done !== true && first.value.length === 0 && !isGone(out));
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const result = first ?? (await iterator.next());
        first = undefined;
        return result;
      },
      return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    }),
  };
};

/** The lines of a PRINT. The head goes out at once: the first line may be long in coming. */
const streamLines = async (handle: QueryHandle, rows: Rows, response: ServerResponse): Promise<void> => {
  if (isGone(response)) return;
  const out = startAnswer(response, { 'content-type': mediaTypes.text });
  response.flushHeaders();
  const gone = closed(out).then(() => handle.close());
  gone.catch(() => undefined);
  for await (const batch of rows) {
    if (out.destroyed) break;
    if (batch.length > 0 && !out.write(batch.map(([line]) => `${String(line)}\n`).join(''))) await drained(out);
  }
  if (!out.destroyed) out.end();
  await gone;
};

const streamRows = async (
  handle: QueryHandle,
  rows: Rows,
  response: ServerResponse,
  asArray: boolean,
  { limits }: RouteContext,
): Promise<void> => {
  const header: QueryHeader = {
    queryId: handle.id,
    columnNames: handle.columns.map(({ name }) => name),
    columnTypes: handle.columns.map(({ type }) => printType(type)),
  };
  // A line is sent with its end, so that a client need not wait for the next one to know that it is whole.
  const [open, before, after, close] = asArray ? ['[', ',', '', ']'] : ['', '', '\n', ''];
  const write = rowWriter(handle.columns.map(({ type }) => type));
  // A client may have left while the query was being started: no further event will report it.
  if (isGone(response)) return;
  const out = startAnswer(response, { 'content-type': asArray ? mediaTypes.json : mediaTypes.delimited });
  const gone = closed(out).then(() => handle.close());
  // Awaited below; when it fails before, that is no unhandled rejection, which would end the process.
  gone.catch(() => undefined);
  out.write(open + JSON.stringify(header) + after);
  try {
    for await (const batch of rows) {
      if (out.destroyed) break;
      let text = '';
      for (const row of batch) {
        text += before + write(row) + after;
        if (text.length >= limits.maxUnsentBytes) {
          if (!out.write(text)) await drained(out);
          text = '';
        }
      }
      if (text !== '' && !out.write(text)) await drained(out);
    }
  } catch (error) {
    if (!out.destroyed) out.write(before + JSON.stringify(faultOf(error).body) + after);
  }
  if (close !== '' && !out.destroyed) out.write(close);
  if (!out.destroyed) out.end();
  await gone;
};
