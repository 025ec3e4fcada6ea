/**
 * One SELECT or PRINT, and its rows as they come: what /query-stream and /query have in common.
 *
 * The connection is the back-pressure: what the client does not take is not produced. A fault before the first rows of
 * a pull query is an ordinary error; one after them, or of a push query that has started, is the last thing sent. The
 * query ends with its connection. An answer that cannot be finished is cut off. The lines of a PRINT are plain text.
 */

import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { QueryHandle, QueryOptions } from '../sql/index.ts';
import { closed } from './drained.ts';
import { faultOf, RequestError } from './errors.ts';
import { cutOff, http2StreamOf, isGone, startAnswer } from './exchange.ts';
import { FrameWriter } from './frames.ts';
import { PlainWriter } from './line-writer.ts';
import { errorCodes, mediaTypes } from './protocol.ts';
import type { RouteContext } from './route.ts';
import { rowWriter } from './row-json.ts';
import type { RowShape } from './row-shapes.ts';

export interface QueryToAnswer extends QueryOptions {
  readonly sql: string;
  /** Undefined: the client takes nothing but the plain text of a PRINT. */
  readonly shape: RowShape | undefined;
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
    handle = await context.openQueries.open(() =>
      context.engine.query(sql, { ...options, deletions: shape?.deletions }),
    );
    if (shape === undefined && handle.kind !== 'print')
      throw new RequestError(errorCodes.notAcceptable, 'the rows of a SELECT cannot be had as plain text');
    rows = handle.kind === 'pull' ? await begun(handle.rows(), reply.raw) : handle.rows();
  } catch (error) {
    if (handle !== undefined) await context.openQueries.close(handle.id);
    const fault = faultOf(error, { statementText: sql });
    if (fault.status >= 500) request.log.error({ err: error, route: request.routeOptions.url }, 'query failed');
    return reply.code(fault.status).type(mediaTypes.json).send(JSON.stringify(fault.body));
  }
  reply.hijack();
  try {
    // A client may have left while the query was being started: no further event will report it.
    if (isGone(reply.raw)) return reply;
    if (shape === undefined || handle.kind === 'print') await streamPrint(handle, rows, reply.raw, context);
    else await streamRows(handle, rows, reply.raw, shape, context);
  } catch (error) {
    request.log.error({ err: error, queryId: handle.id }, 'query failed while running');
    cutOff(reply.raw);
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
const streamPrint = async (
  handle: QueryHandle,
  rows: Rows,
  response: ServerResponse,
  { limits }: RouteContext,
): Promise<void> => {
  const out = startAnswer(response, { 'content-type': mediaTypes.text });
  response.flushHeaders();
  const writer = new PlainWriter(out, limits.maxUnsentBytes);
  await whileConnected(handle, out, async () => {
    for await (const batch of rows) {
      if (out.destroyed) break;
      await writer.lines(mapped(batch, ([line]) => `${String(line)}\n`));
    }
    await writer.end();
  });
};

const streamRows = async (
  handle: QueryHandle,
  rows: Rows,
  response: ServerResponse,
  shape: RowShape,
  { limits, openQueries }: RouteContext,
): Promise<void> => {
  const out = startAnswer(response, { 'content-type': shape.mediaType });
  const stream = shape.framed ? http2StreamOf(response) : undefined;
  const writer =
    stream === undefined
      ? new PlainWriter(out, limits.maxUnsentBytes)
      : new FrameWriter(stream, handle.kind === 'push');
  const write = rowWriter(handle.columns.map(({ type }) => type));
  const deletedAt = handle.deletions === true ? handle.columns.length : -1;
  await whileConnected(handle, out, async () => {
    await writer.head(shape.head(handle));
    try {
      for await (const batch of rows) {
        if (out.destroyed) break;
        await writer.lines(mapped(batch, (row) => shape.row(write(row), row[deletedAt] === true)));
      }
      const atLimit = handle.kind === 'push' && openQueries.has(handle.id);
      if (atLimit && shape.limitReached !== '') await writer.lines([shape.limitReached]);
    } catch (error) {
      await writer.lines([shape.fault(faultOf(error).body)]);
    }
    if (shape.end !== '') await writer.lines([shape.end]);
    await writer.end();
  });
};

/** Sends an answer, and closes its query as soon as the client is gone. */
const whileConnected = async (handle: QueryHandle, out: Writable, send: () => Promise<void>): Promise<void> => {
  const gone = closed(out).then(() => handle.close());
  // Awaited below; when it fails before, that is no unhandled rejection, which would end the process.
  gone.catch(() => undefined);
  await send();
  await gone;
};

function* mapped<A, B>(items: readonly A[], map: (item: A) => B): Generator<B> {
  for (const item of items) yield map(item);
}
