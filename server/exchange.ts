/**
 * One request and its response, of either version of HTTP: what the two do not have in common.
 *
 * Fastify sees a response of HTTP/2 through Node's compatible API. That has no `destroyed` and no `writableNeedDrain`,
 * and it ends a request body that was cut off as if it were whole. So bodies are read from, and streamed answers are
 * written to, the HTTP/2 stream itself.
 */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';

/** Types give these as of HTTP/1.1, because Fastify is typed by the server that listens. */
type AnyRequest = IncomingMessage | Http2ServerRequest;
type AnyResponse = ServerResponse | Http2ServerResponse;

/** Throws when the client leaves before the end of the body. A reader that stops early leaves the answer as it is. */
export const bodyOf = (request: AnyRequest): AsyncIterable<Buffer> =>
  request instanceof Http2ServerRequest ? bodyOfStream(request.stream) : request;

async function* bodyOfStream(stream: ServerHttp2Stream): AsyncGenerator<Buffer> {
  for await (const part of stream.iterator({ destroyOnReturn: false })) yield part as Buffer;
  // The iterator also ends, without an error, when the client resets the stream.
  if (stream.aborted) throw new Error('the client cancelled the request');
}

/** Writes the head of a streamed answer; the answer is what is written to the result. Never write an empty text to it:
 *  when one ends a group of writes to an HTTP/2 stream, Node frees the texts before it while they are still to be
 *  sent. */
export const startAnswer = (response: AnyResponse, headers: OutgoingHttpHeaders): Writable => {
  if (!(response instanceof Http2ServerResponse)) return response.writeHead(200, headers);
  return response.writeHead(200, headers).stream;
};

/** Ends a streamed answer that cannot be finished, so that the client sees that it is not whole. */
export const cutOff = (response: AnyResponse): void => {
  if (response instanceof Http2ServerResponse) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
};

/** Whether the client has left, before or while it is answered. */
export const isGone = (response: AnyResponse): boolean =>
  response instanceof Http2ServerResponse ? response.stream.destroyed : response.destroyed;

/** The stream of an answer over HTTP/2, which reaches the client in frames. */
export const http2StreamOf = (response: AnyResponse): ServerHttp2Stream | undefined =>
  response instanceof Http2ServerResponse ? response.stream : undefined;

/** The name that the client called the server by. */
export const authorityOf = (request: AnyRequest): string | undefined =>
  request instanceof Http2ServerRequest ? request.authority || request.headers.host : request.headers.host;

/** How long the rest of a body is thrown away after its request was refused. */
const DISCARD_MS = 1_000;

/** After a fault nothing more of the request is used: the connection (HTTP/1.1) ends with the answer, the stream
 *  (HTTP/2) soon after it. */
export const stopReading = (request: AnyRequest, response: AnyResponse): void => {
  if (request.complete) return;
  if (!(response instanceof Http2ServerResponse)) {
    response.setHeader('connection', 'close');
    return;
  }
  // A client that is still sending may lose the answer when its stream is reset at once, as node:http2 does where
  // nobody reads: what arrives is thrown away for a while.
  const { stream } = response;
  stream.resume();
  const late = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), DISCARD_MS);
  stream.once('close', () => clearTimeout(late));
};
