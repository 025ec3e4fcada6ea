/**
 * The memory of recent entries (`recent-entries.ts`):
 *
 *   segment   64 KiB, of units of 8 bytes
 *   entry     word 0   position of the entry of the same chain that came before, 0: none
 *             word 1   name length
 *             word 2   value length
 *             word 3   state
 *             then     time (f64) · the latest time of the chain before it (f64) · name · value
 *   name      the key of the entry in the changelog (`layout.ts`); it ends with the order, of 12 bytes
 */

import { equalBytes } from '../../base/index.ts';
import { kinds, timeBytes } from './layout.ts';

export const unitBits = 13;
export const unitsOfSegment = 1 << unitBits;
export const segmentBytes = unitsOfSegment * 8;
export const headerBytes = 32;
/** A time and a sequence. */
export const orderBytes = timeBytes + 4;
/** Before all. */
export const noTime = Number.NEGATIVE_INFINITY;

/**
 * - `updated`: it was committed with another value, which is noted
 * - `removing`: it is committed, and the open transaction has removed it; its value may have been changed before, and
 *   is noted then
 */
export const states = { there: 0, updated: 1, removed: 2, removing: 3 } as const;

export interface Segment {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  /** The unit behind its last entry. */
  end: number;
  /** Of its entries. */
  earliest: number;
  latest: number;
  /** Entries that were not removed. */
  count: number;
  /** Those of them that the open transaction has appended. */
  open: number;
  /** The store's position and number of changelog records of the last commit before its first entry. */
  position: number;
  records: number;
}

const stateWord = (position: number): number => ((position & (unitsOfSegment - 1)) << 1) + 3;

/** The state of an entry of a segment. */
export const stateAt = ({ words }: Segment, position: number): number => words[stateWord(position)] as number;

export const setState = ({ words }: Segment, position: number, state: number): void => {
  words[stateWord(position)] = state;
};

export const timeAt = ({ numbers }: Segment, position: number): number =>
  numbers[(position & (unitsOfSegment - 1)) + 2] as number;

export const newSegment = (bytes: number): Segment => {
  const memory = new ArrayBuffer(bytes);
  return {
    bytes: new Uint8Array(memory),
    view: new DataView(memory),
    words: new Int32Array(memory),
    numbers: new Float64Array(memory),
    end: 0,
    earliest: Number.POSITIVE_INFINITY,
    latest: noTime,
    count: 0,
    open: 0,
    position: 0,
    records: 0,
  };
};

/** In the place of a segment that is gone, and that nothing refers to. */
export const hole = newSegment(0);

/** Whether there is a position, and it is not before another one. */
export const isFrom = (position: number, first: number): boolean => position !== 0 && position >= first;

/** The first unit of all is none. */
export const firstUnit = (segment: number): number => (segment === 0 ? 1 : 0);

export const unitsOf = (nameLength: number, valueLength: number): number =>
  (headerBytes + nameLength + valueLength + 7) >>> 3;

// ---- names

/** Bytes of a name whose key has so many. */
export const nameBytes = (keyLength: number): number =>
  1 + (keyLength < 0x80 ? 1 : keyLength < 0x4000 ? 2 : 3) + keyLength + orderBytes;

/** Bytes of the key in a name of so many. */
export const keyBytes = (nameLength: number): number => {
  const bytes = nameLength - orderBytes - 2;
  return bytes < 0x80 ? bytes : bytes - 1 < 0x4000 ? bytes - 1 : bytes - 2;
};

/** Writes what comes before the key; answers with where that begins. */
export const writeNameStart = (bytes: Uint8Array, start: number, keyLength: number): number => {
  let at = start;
  bytes[at++] = kinds.data;
  let rest = keyLength;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
};

/** Whether the entry at a unit of a segment has this key. */
export const hasKey = (
  bytes: Uint8Array,
  words: Int32Array,
  unit: number,
  key: Uint8Array,
  start: number,
  end: number,
): boolean => {
  const nameLength = words[(unit << 1) + 1] as number;
  if (nameLength !== nameBytes(end - start)) return false;
  const keyEnd = (unit << 3) + headerBytes + nameLength - orderBytes;
  return equalBytes(bytes, keyEnd - (end - start), keyEnd, key, start, end);
};
