/** Segments that are not part of the log any more, until their files are removed. What the file system refuses is tried
 *  again at the next call. */

import { FileError } from '../../base/index.ts';
import type { Segment } from './segment.ts';

export class RemovedSegments {
  #segments: Segment[] = [];

  add(segments: readonly Segment[]): void {
    this.#segments.push(...segments);
  }

  /** Removes the files; answers why some could not be removed, undefined when all are. */
  removeFiles(): FileError | undefined {
    let failure: FileError | undefined;
    this.#segments = this.#segments.filter((segment) => {
      try {
        segment.remove();
        return false;
      } catch (cause) {
        if (!(cause instanceof FileError)) throw cause;
        failure = cause;
        return true;
      }
    });
    return failure;
  }
}
