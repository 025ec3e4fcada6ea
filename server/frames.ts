/**
 * Lines of a streamed answer, in pieces that clients can read one by one.
 *
 * Over HTTP/2 the known clients parse frame by frame: a frame has to hold whole lines, of a push query a single one.
 * Node joins what is written while something is still unsent, so the next piece is written when the one before has
 * left. HTTP/1.1 has no frames that a client sees: there everything goes out in one piece.
 */

import type { Writable } from 'node:stream';

/** A frame of HTTP/2 holds this much unless the client allows more. */
const FRAME_BYTES = 16_384;

/** Writes lines as frames: each line its own, or as many as fit. */
export const writeFrames = (out: Writable, lines: readonly string[], oneEach: boolean): Promise<void> =>
  new Promise((resolve) => {
    let at = 0;
    const next = (): void => {
      if (at === lines.length || out.destroyed) {
        resolve();
        return;
      }
      let text = lines[at++] as string;
      if (!oneEach)
        while (at < lines.length && text.length + (lines[at] as string).length <= FRAME_BYTES / 3) text += lines[at++];
      out.write(text, next);
    };
    next();
  });
