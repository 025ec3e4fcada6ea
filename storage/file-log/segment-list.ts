/** The segments of a partition in order of offset, found by offset; the last one is the active one. */

import { assert, firstNotBefore, itemAt, type OpenFile } from '../../base/index.ts';
import type { ReadPoint, SegmentFiles } from './read-partition.ts';
import type { Segment } from './segment.ts';

/** A segment that is not written to any more. */
export interface ClosedSegment {
  readonly segment: Segment;
  /** Where the segment behind it begins. */
  readonly nextOffset: number;
}

export class SegmentList implements SegmentFiles {
  #segments: Segment[];

  constructor(segments: Segment[] = []) {
    this.#segments = segments;
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get active(): Segment | undefined {
    return this.#segments.at(-1);
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }

  /** All but the active one. */
  closed(): readonly ClosedSegment[] {
    const closed: ClosedSegment[] = [];
    for (const [i, next] of this.#segments.entries()) {
      const segment = this.#segments[i - 1];
      if (segment !== undefined) closed.push({ segment, nextOffset: next.baseOffset });
    }
    return closed;
  }

  append(segment: Segment): void {
    const last = this.active;
    assert(
      last === undefined || segment.baseOffset > last.baseOffset,
      () => `a segment with offset ${segment.baseOffset} cannot follow ${last?.path}`,
    );
    this.#segments.push(segment);
  }

  /** Removes the segments that lie wholly below an offset, and answers them; the active one stays. */
  removeBelow(offset: number): readonly Segment[] {
    const count = this.closed().filter(({ nextOffset }) => nextOffset <= offset).length;
    return this.#segments.splice(0, count);
  }

  /** Whether these are closed segments of this list, next to each other. */
  holdsTogether(segments: readonly Segment[]): boolean {
    const first = this.#firstOf(segments);
    return (
      first >= 0 &&
      first + segments.length < this.#segments.length &&
      segments.every((segment, i) => this.#segments[first + i] === segment)
    );
  }

  /** Replaces some segments by one. */
  replace(originals: readonly Segment[], by: Segment): void {
    assert(this.holdsTogether(originals), 'the segments to be replaced are there');
    assert(by.baseOffset === originals[0]?.baseOffset, 'the new segment begins where the old ones begin');
    this.#segments.splice(this.#firstOf(originals), originals.length, by);
  }

  #firstOf(segments: readonly Segment[]): number {
    const [first] = segments;
    return first === undefined ? -1 : this.#segments.indexOf(first);
  }

  find(offset: number): ReadPoint | undefined {
    const segment = this.#segments[Math.max(0, this.#behind(offset) - 1)];
    return segment && { base: segment.baseOffset, ...segment.index.lookup(offset) };
  }

  open(base: number): { readonly file: OpenFile; readonly size: number } {
    const segment = this.#segments[this.#behind(base) - 1];
    assert(segment?.baseOffset === base, () => `there is no segment with offset ${base}`);
    return segment;
  }

  after(base: number): number | undefined {
    return this.#segments[this.#behind(base)]?.baseOffset;
  }

  /** The index of the first segment that begins behind the offset. */
  #behind(offset: number): number {
    const segments = this.#segments;
    return firstNotBefore(segments.length, (i) => itemAt(segments, i).baseOffset <= offset);
  }
}
