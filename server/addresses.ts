/**
 * The addresses at which the server listens: that of a host, and for `localhost` both of the loopback interface, since
 * clients try the one or the other first.
 */

import type { Server } from 'node:http';
import { createServer } from 'node:net';

export const LOOPBACK = '127.0.0.1';
const LOOPBACK_6 = '::1';

/** The first has to be there; the others are used where the machine has them. */
export const addressesOf = (host: string): readonly [string, ...string[]] =>
  host === 'localhost' ? [LOOPBACK, LOOPBACK_6] : [host];

export const isLoopback = (host: string): boolean =>
  addressesOf(host).every((one) => one === LOOPBACK || one === LOOPBACK_6);

/** Takes connections for a server at another address; gives what ends that, or undefined where the machine has no such
 *  address. */
export const listenAlsoAt = (server: Server, host: string, port: number): Promise<(() => Promise<void>) | undefined> =>
  new Promise((resolve, reject) => {
    // As node:http makes its own.
    const other = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket));
    other.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(undefined);
      else reject(error);
    });
    other.listen({ host, port }, () => resolve(() => new Promise((ended) => void other.close(() => ended()))));
  });
