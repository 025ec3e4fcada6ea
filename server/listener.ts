/**
 * HTTP/1.1 and HTTP/2 on one port, without TLS.
 *
 * A connection whose first bytes are the preface of HTTP/2 is HTTP/2 ("prior knowledge", RFC 9113 §3.3); any other is
 * HTTP/1.1. `Upgrade: h2c` is ignored, as RFC 9113 has dropped it: such a request is answered over HTTP/1.1. Requests
 * of both versions reach one handler; what differs in their responses is in `exchange.ts`.
 *
 * At shutdown an HTTP/2 connection gets GOAWAY, its open streams have a second to end, and then its socket is
 * destroyed.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { nodeHttp } from '../base/node/index.ts';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListenerLimits {
  /** Requests under way at once on one HTTP/2 connection. */
  readonly maxStreamsPerConnection: number;
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** How long a connection may take to send its first bytes: as long as Node allows for the headers of HTTP/1.1. */
const FIRST_BYTES_MS = 60_000;
/** How long a connection of HTTP/1.1 may be idle. */
const KEEP_ALIVE_MS = 72_000;
const SHUTDOWN_GRACE_MS = 1_000;

/** A server for both versions. `closeHttp2Sessions` is called by Fastify at shutdown, before `close`. */
export const createListener = (
  handler: RequestHandler,
  { maxStreamsPerConnection }: ListenerLimits,
): Server & { closeHttp2Sessions(): void } => {
  // Without a limit for a whole request: /inserts-stream may take for ever, the other endpoints have their own.
  const http1 = nodeHttp().createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, handler);
  const http2 = createHttp2(
    { settings: { maxConcurrentStreams: maxStreamsPerConnection, enablePush: false } },
    // The compatible API of node:http2 has what Fastify uses of a request and a response.
    handler as unknown as Parameters<typeof createHttp2>[1],
  );
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });

  // A session that has closed leaves its socket open until the client closes it too, which one that reads no more
  // does not.
  const socketsOfSessions = new Set<Socket>();
  const undecided = new Set<Socket>();
  const takeHttp1 = http1.listeners('connection');
  http1.removeAllListeners('connection');
  http1.on('connection', (socket: Socket) => {
    undecided.add(socket);
    startsAsHttp2(socket, (isHttp2) => {
      undecided.delete(socket);
      if (isHttp2) {
        // A server of HTTP/1.1 keeps a socket open that its client has ended; a session has to end with it.
        socket.allowHalfOpen = false;
        socketsOfSessions.add(socket);
        http2.emit('connection', socket);
      } else for (const take of takeHttp1) take.call(http1, socket);
    });
    socket.once('close', () => {
      undecided.delete(socket);
      socketsOfSessions.delete(socket);
    });
  });

  return Object.assign(http1, {
    closeHttp2Sessions() {
      for (const socket of undecided) socket.destroy();
      for (const session of sessions) session.close();
      for (const socket of socketsOfSessions) {
        const grace = setTimeout(() => socket.destroy(), SHUTDOWN_GRACE_MS);
        socket.once('close', () => clearTimeout(grace));
      }
    },
  });
};

/** Looks at the first bytes and puts them back. A connection that ends or fails before them, or keeps them too long, is
 *  destroyed and not decided. */
const startsAsHttp2 = (socket: Socket, decide: (isHttp2: boolean) => void): void => {
  const late = setTimeout(() => socket.destroy(), FIRST_BYTES_MS);
  let seen: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    clearTimeout(late);
    socket.off('readable', look).off('error', stop).off('close', stop);
  };
  const look = (): void => {
    const part = socket.read() as Buffer | null;
    if (part === null) {
      if (socket.readableEnded) socket.destroy();
      return;
    }
    seen = seen.length === 0 ? part : Buffer.concat([seen, part]);
    const length = Math.min(seen.length, preface.length);
    const matches = preface.compare(seen, 0, length, 0, length) === 0;
    if (matches && length < preface.length) return;
    stop();
    socket.unshift(seen);
    decide(matches);
  };
  socket.on('readable', look).on('error', stop).on('close', stop);
};
