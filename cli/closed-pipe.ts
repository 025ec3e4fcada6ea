/** A reader of the output that goes away, as `| head` does: no error, but nobody reads any more. */

import type { Writable } from 'node:stream';

export const whenReaderLeaves = (out: Writable, left: () => void): void => {
  out.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    left();
  });
};
