/**
 * One SELECT or PRINT, and its rows as they come: what /query-stream and /query have in common.
 *
 * The connection is the back-pressure: what the client does not take is not produced. A fault before the first rows of
 * a pull query is an ordinary error; one after them, or of a push query that has started, is the last thing sent. The
 * query ends with its connection. The lines of a PRINT are plain text.
 */

import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QueryHandle, QueryOptions } from '../sql/index.ts';
import { closed, drained } from './drained.ts';
import { faultOf } from './errors.ts';
import { hasFrames, isGone, startAnswer } from './exchange.ts';
import { writeFrames } from './frames.ts';
import { mediaTypes } from './protocol.ts';
import type { RouteContext } from './route.ts';
import { rowWriter } from './row-json.ts';
import type { RowShape } from './row-shapes.ts';

export interface QueryToAnswer extends QueryOptions {
  readonly sql: string;
  readonly shape: RowShape;
}

export const answerQuery = async (
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { sql, shape, ...options }: QueryToAnswer,
): Promise<FastifyReply> => {
  let handle: QueryHandle | undefined;
  let rows: Rows;
  try {
    handle = await context.openQueries.open(() => context.engine.query(sql, options));
    rows = handle.kind === 'pull' ? await begun(handle.rows(), reply.raw) : handle.rows();
  } catch (error) {
    if (handle !== undefined) await context.openQueries.close(handle.id);
    const fault = faultOf(error, { statementText: sql });
    if (fault.status >= 500) request.log.error({ err: error, route: request.routeOptions.url }, 'query failed');
    return reply.code(fault.status).type(mediaTypes.json).send(JSON.stringify(fault.body));
  }
  reply.hijack();
  try {
    if (handle.kind === 'print') await streamLines(handle, rows, reply.raw);
    else await streamRows(handle, rows, reply.raw, shape, context);
  } catch (error) {
    request.log.error({ err: error, queryId: handle.id }, 'query failed while running');
  } finally {
    await context.openQueries.close(handle.id);
  }
  return reply;
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
  shape: RowShape,
  { limits, openQueries }: RouteContext,
): Promise<void> => {
  const write = rowWriter(handle.columns.map(({ type }) => type));
  const framed = shape.framed && hasFrames(response);
  // A client may have left while the query was being started: no further event will report it.
  if (isGone(response)) return;
  const out = startAnswer(response, { 'content-type': shape.mediaType });
  const gone = closed(out).then(() => handle.close());
  // Awaited below; when it fails before, that is no unhandled rejection, which would end the process.
  gone.catch(() => undefined);
  if (framed) await writeFrames(out, [shape.head(handle)], true);
  else out.write(shape.head(handle));
  try {
    for await (const batch of rows) {
      if (out.destroyed) break;
      if (framed) {
        await writeFrames(
          out,
          batch.map((row) => shape.row(write(row))),
          handle.kind === 'push',
        );
        continue;
      }
      let text = '';
      for (const row of batch) {
        text += shape.row(write(row));
        if (text.length >= limits.maxUnsentBytes) {
          if (!out.write(text)) await drained(out);
          text = '';
        }
      }
      if (text !== '' && !out.write(text)) await drained(out);
    }
    const atLimit = handle.kind === 'push' && openQueries.has(handle.id);
    if (atLimit && shape.limitReached !== '' && !out.destroyed) out.write(shape.limitReached);
  } catch (error) {
    if (!out.destroyed) out.write(shape.fault(faultOf(error).body));
  }
  if (shape.end !== '' && !out.destroyed) out.write(shape.end);
  if (!out.destroyed) out.end();
  await gone;
};
