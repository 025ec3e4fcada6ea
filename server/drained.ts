/** Back-pressure of a response: resolves when the client has received what was written, or is gone. */

import type { Writable } from 'node:stream';

export const drained = (out: Writable): Promise<void> =>
  new Promise((resolve) => {
    if (out.destroyed || !out.writableNeedDrain) {
      resolve();
      return;
    }
    const done = (): void => {
      out.off('drain', done).off('close', done);
      resolve();
    };
    out.once('drain', done).once('close', done);
  });

/** Resolves when the response is complete or its client gone; never rejects. */
export const closed = (out: Writable): Promise<void> =>
  new Promise((resolve) => {
    if (out.closed) resolve();
    else out.once('close', resolve);
  });
