/**
 * Memory for entries: blocks of whole 8-byte units inside segments, addressed by one 31-bit number.
 *
 *   address = segment number << 17 | unit within the segment          0 is no address
 *   block   = word 0: units << 8 | flags, then whatever the owner keeps; flag 1: the block is in use
 *   free    = word 0: units << 8, word 1: next, word 2: previous block of the same size class (a free block
 *             of one unit has no links and waits for its segment's end)
 *
 * Segments begin at 4 KiB and double up to 1 MiB, so that a small store stays small and a large one never copies itself
 * to grow. A block above 256 KiB has a segment of its own, that goes when the block is freed. Freed blocks are kept by
 * size (exact below 512 units, by power of two above) and reused; a larger one is cut when nothing fits. Blocks are
 * never joined: that would undo the exact sizes which steady state lives on. Instead the owner moves what is left in
 * the emptiest segment elsewhere and releases the segment (`emptiest`, `walk`, `release`), while `wasteful` is true.
 *
 * The garbage collector sees one array per segment. Limits: 16 GiB in ordinary segments, 128 MiB in one block.
 */

import { assert } from '../../base/index.ts';

const unitBits = 17;
/** The part of an address that lies within a segment. */
export const unitMask = (1 << unitBits) - 1;
export const segmentShift = unitBits;

export const inUse = 1;

const firstSegmentUnits = 512;
const segmentUnits = 1 << unitBits;
const largestSharedUnits = 1 << 15;
const largestUnits = (1 << 24) - 1;
const largestSegments = 1 << 14;
const exactClasses = 512;
const classCount = exactClasses + 9;

const classOf = (units: number): number => (units < exactClasses ? units : exactClasses + 22 - Math.clz32(units));

const noBytes = new Uint8Array(0);
const noWords = new Int32Array(0);
const noView = new DataView(noWords.buffer);

export class Slab {
  /** All see the same memory, by segment number. */
  readonly bytes: Uint8Array[] = [];
  readonly words: Int32Array[] = [];
  readonly views: DataView[] = [];
  /** Bytes of blocks in use. */
  liveBytes = 0;
  /** Bytes of all segments. */
  reservedBytes = 0;

  readonly #liveUnits: number[] = [];
  readonly #vacant: number[] = [];
  readonly #free = new Int32Array(classCount);
  #open = -1;
  #openAt = 0;
  #openEnd = 0;

  /** A block of `units` units. Its content is arbitrary but for word 0. */
  allocate(units: number): number {
    let address = units < exactClasses ? (this.#free[units] as number) : 0;
    if (address !== 0) this.#unlink(address, units);
    else if (units > largestSharedUnits) address = this.#ownSegment(units);
    else if (units <= this.#openEnd - this.#openAt) {
      address = (this.#open << unitBits) | this.#openAt;
      this.#openAt += units;
    } else {
      address = this.#cut(units);
      if (address === 0) {
        this.#openSegment(units);
        address = (this.#open << unitBits) | this.#openAt;
        this.#openAt += units;
      }
    }
    const segment = address >>> unitBits;
    (this.words[segment] as Int32Array)[(address & unitMask) << 1] = (units << 8) | inUse;
    this.#liveUnits[segment] = (this.#liveUnits[segment] as number) + units;
    this.liveBytes += units << 3;
    return address;
  }

  free(address: number): void {
    const segment = address >>> unitBits;
    const units = this.unitsOf(address);
    this.#liveUnits[segment] = (this.#liveUnits[segment] as number) - units;
    this.liveBytes -= units << 3;
    if (units > largestSharedUnits) this.#drop(segment);
    else this.#link(address, units);
  }

  unitsOf(address: number): number {
    return ((this.words[address >>> unitBits] as Int32Array)[(address & unitMask) << 1] as number) >>> 8;
  }

  /** True when so much is reserved and unused that moving blocks is worth it. */
  get wasteful(): boolean {
    const unused = this.reservedBytes - this.liveBytes;
    return unused > 2 * (segmentUnits << 3) && unused * 2 > this.liveBytes;
  }

  /** The full-sized segment with the fewest units in use, or −1; never the one that allocation takes from. */
  emptiest(): number {
    let found = -1;
    for (let segment = 0; segment < this.words.length; segment++) {
      if (segment === this.#open || (this.words[segment] as Int32Array).length !== segmentUnits * 2) continue;
      if (found < 0 || (this.#liveUnits[segment] as number) < (this.#liveUnits[found] as number)) found = segment;
    }
    return found;
  }

  /** Takes the free blocks of a segment out of reach, so that what is moved out of it is not moved into it again. */
  close(segment: number): void {
    this.#eachBlock(segment, (address, word) => {
      if ((word & inUse) === 0) this.#unlink(address, word >>> 8);
    });
  }

  /** Visits the blocks in use of a closed segment; the visitor may move them. */
  walk(segment: number, visit: (address: number) => void): void {
    this.#eachBlock(segment, (address, word) => {
      if ((word & inUse) !== 0) visit(address);
    });
  }

  /** Marks a block of a closed segment as moved away, without offering it for reuse. */
  abandon(address: number): void {
    const segment = address >>> unitBits;
    const units = this.unitsOf(address);
    (this.words[segment] as Int32Array)[(address & unitMask) << 1] = units << 8;
    this.#liveUnits[segment] = (this.#liveUnits[segment] as number) - units;
    this.liveBytes -= units << 3;
  }

  /** Gives the memory of a closed segment back, once nothing in it is in use. */
  release(segment: number): void {
    assert(this.#liveUnits[segment] === 0, `segment ${segment} is released while blocks of it are in use`);
    this.#drop(segment);
  }

  #eachBlock(segment: number, visit: (address: number, word: number) => void): void {
    const words = this.words[segment] as Int32Array;
    for (let unit = 0; unit < words.length >>> 1; ) {
      const word = words[unit << 1] as number;
      visit((segment << unitBits) | unit, word);
      unit += word >>> 8;
    }
  }

  #link(address: number, units: number): void {
    const words = this.words[address >>> unitBits] as Int32Array;
    const at = (address & unitMask) << 1;
    words[at] = units << 8;
    if (units < 2) return;
    const index = classOf(units);
    const next = this.#free[index] as number;
    words[at + 1] = next;
    words[at + 2] = 0;
    if (next !== 0) (this.words[next >>> unitBits] as Int32Array)[((next & unitMask) << 1) + 2] = address;
    this.#free[index] = address;
  }

  #unlink(address: number, units: number): void {
    if (units < 2) return;
    const words = this.words[address >>> unitBits] as Int32Array;
    const at = (address & unitMask) << 1;
    const next = words[at + 1] as number;
    const previous = words[at + 2] as number;
    if (next !== 0) (this.words[next >>> unitBits] as Int32Array)[((next & unitMask) << 1) + 2] = previous;
    if (previous !== 0) (this.words[previous >>> unitBits] as Int32Array)[((previous & unitMask) << 1) + 1] = next;
    else this.#free[classOf(units)] = next;
  }

  /** Takes a larger free block and gives the rest of it back; 0 when there is none. */
  #cut(units: number): number {
    let index = classOf(units);
    if (units >= exactClasses) {
      // This class holds blocks of up to twice the size, smaller ones too: look at some.
      let address = this.#free[index] as number;
      for (let tries = 16; address !== 0 && tries > 0; tries--) {
        if (this.unitsOf(address) >= units) return this.#cutBlock(address, units);
        address = (this.words[address >>> unitBits] as Int32Array)[((address & unitMask) << 1) + 1] as number;
      }
    }
    for (index++; index < classCount; index++) {
      const address = this.#free[index] as number;
      if (address !== 0) return this.#cutBlock(address, units);
    }
    return 0;
  }

  #cutBlock(address: number, units: number): number {
    const all = this.unitsOf(address);
    this.#unlink(address, all);
    if (all > units) this.#link(address + units, all - units);
    return address;
  }

  #openSegment(units: number): void {
    const rest = this.#openEnd - this.#openAt;
    if (rest > 0) this.#link((this.#open << unitBits) | this.#openAt, rest);
    let size = firstSegmentUnits;
    while (size < segmentUnits && (size < units + 1 || size << 3 < this.reservedBytes)) size <<= 1;
    this.#open = this.#add(size);
    this.#openAt = 0;
    this.#openEnd = size;
    if (this.#open === 0) {
      (this.words[0] as Int32Array)[0] = 1 << 8; // address 0 means none
      this.#openAt = 1;
    }
  }

  #ownSegment(units: number): number {
    assert(units <= largestUnits, `an entry of ${units * 8} bytes is too large for a store`);
    // The first segment of all must be an ordinary one: its address 0 means none.
    if (this.words.length === 0) this.#openSegment(1);
    return this.#add(units) << unitBits;
  }

  #add(units: number): number {
    const memory = new ArrayBuffer(units << 3);
    const segment = this.#vacant.pop() ?? this.words.length;
    assert(segment < largestSegments, 'a store holds more than its address space (16 GiB)');
    this.bytes[segment] = new Uint8Array(memory);
    this.words[segment] = new Int32Array(memory);
    this.views[segment] = new DataView(memory);
    this.#liveUnits[segment] = 0;
    this.reservedBytes += units << 3;
    return segment;
  }

  #drop(segment: number): void {
    this.reservedBytes -= (this.bytes[segment] as Uint8Array).length;
    this.bytes[segment] = noBytes;
    this.words[segment] = noWords;
    this.views[segment] = noView;
    this.#vacant.push(segment);
  }
}
