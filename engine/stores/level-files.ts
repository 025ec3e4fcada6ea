/**
 * LevelDB's own files, verified before LevelDB opens them.
 *
 * LevelDB reads the blocks of its table files without looking at their checksums, and our build of it ends the whole
 * process (an assertion) when a damaged block makes no sense. So all blocks of all live table files are read here
 * first: 4 MB at a time, some 2 GB/s from the page cache. What LevelDB verifies by itself (the write-ahead log) is left
 * to it.
 *
 *   CURRENT        name of the manifest
 *   MANIFEST-n     a log of version edits: which table files are live, and how large they are
 *   n.ldb          blocks, each followed by its compression (1 byte) and its masked CRC-32C (4 bytes); the last 48 bytes say where index and meta index lie
 *
 * A log is a row of records within blocks of 32 KiB: masked CRC-32C (4), length (2), type (1: whole, 2: first, 3:
 * middle, 4: last), data. Integers are little-endian.
 */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '../../base/index.ts';

/** What is wrong with the files of a database; undefined: nothing that is seen here. An empty or missing directory is a
 *  new database. */
export const damageInFiles = async (directory: string): Promise<string | undefined> => {
  const files: readonly string[] = await readdir(directory).catch(() => []);
  if (!files.includes('CURRENT')) {
    // LevelDB would make a new database over what is there.
    return files.some((file) => /\.(ldb|sst|log)$/.test(file)) ? 'the file CURRENT is missing' : undefined;
  }
  try {
    const manifest = (await readFile(join(directory, 'CURRENT'), 'latin1')).trimEnd();
    if (!/^MANIFEST-\d+$/.test(manifest)) throw new Damage('CURRENT names no manifest');
    if (!files.includes(manifest)) throw new Damage(`${manifest} is missing`);
    for (const [number, size] of liveTables(await readFile(join(directory, manifest)), manifest)) {
      const name = String(number).padStart(6, '0');
      const file = [`${name}.ldb`, `${name}.sst`].find((each) => files.includes(each));
      if (file === undefined) throw new Damage(`${name}.ldb is missing`);
      const bytes = await readFile(join(directory, file));
      if (bytes.length !== size) throw new Damage(`${file} has ${bytes.length} bytes where ${size} were written`);
      verifyTable(bytes, file);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  }
};

class Damage extends Error {}

const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)) >>>
  0;

/** Checksums are stored rotated and shifted: a plain one would be weak over data that itself contains checksums. */
const unmasked = (stored: number): number => {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

/** Reads along bytes that were verified before; running out of them is damage. */
class Cursor {
  readonly bytes: Uint8Array;
  readonly name: string;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number, name: string) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.name = name;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  /** An unsigned number of up to 53 bits, seven bits a byte. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      if (this.at >= this.end) break;
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new Damage(`${this.name} is damaged`);
  }

  skip(length: number): void {
    this.at += length;
    if (this.at > this.end) throw new Damage(`${this.name} is damaged`);
  }
}

// ---- tables

const footerBytes = 48;
const trailerBytes = 5;
const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

const verifyTable = (bytes: Uint8Array, name: string): void => {
  const blocksEnd = bytes.length - footerBytes;
  if (blocksEnd < 0 || magic.some((byte, i) => bytes[bytes.length - 8 + i] !== byte))
    throw new Damage(`${name} has no valid end`);
  const footer = new Cursor(bytes, blocksEnd, bytes.length - 8, name);
  const verifyNext = (handle: Cursor): Cursor => {
    const start = handle.varint();
    const end = start + handle.varint();
    if (end + trailerBytes > blocksEnd) throw new Damage(`${name} is damaged`);
    if (crc32c(bytes, start, end + 1) !== unmasked(readU32(bytes, end + 1)))
      throw new Damage(`${name} is damaged between bytes ${start} and ${end}`);
    return new Cursor(bytes, start, end, name);
  };
  const metaIndex = verifyNext(footer);
  const index = verifyNext(footer);
  for (const block of [metaIndex, index]) for (const handle of valuesOf(block)) verifyNext(handle);
};

/** The values of an uncompressed block, whose entries are: bytes shared with the key before, other bytes of the key,
 *  bytes of the value, key, value. */
const valuesOf = ({ bytes, at, end, name }: Cursor): Cursor[] => {
  const restarts = end - at < 4 ? 0 : readU32(bytes, end - 4);
  const entries = new Cursor(bytes, at, end - 4 - restarts * 4, name);
  const values: Cursor[] = [];
  while (entries.more) {
    entries.varint();
    const keyBytes = entries.varint();
    const valueBytes = entries.varint();
    entries.skip(keyBytes + valueBytes);
    values.push(new Cursor(bytes, entries.at - valueBytes, entries.at, name));
  }
  return values;
};

// ---- the manifest

const logBlockBytes = 32_768;
const headerBytes = 7;
const recordTypes = { whole: 1, first: 2, last: 4 } as const;

/** The records of a log, up to one that was not written to its end. */
const recordsOf = (bytes: Uint8Array, name: string): Uint8Array[] => {
  const records: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const left = logBlockBytes - (at % logBlockBytes);
    if (left < headerBytes) {
      at += left;
      continue;
    }
    const end = at + headerBytes + ((bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8));
    if (end > bytes.length) break;
    if (crc32c(bytes, at + 6, end) !== unmasked(readU32(bytes, at)))
      throw new Damage(`${name} is damaged at byte ${at}`);
    const type = bytes[at + 6] as number;
    if (type === recordTypes.whole || type === recordTypes.first) parts = [];
    parts.push(bytes.subarray(at + headerBytes, end));
    if (type === recordTypes.whole || type === recordTypes.last) records.push(Buffer.concat(parts));
    at = end;
  }
  return records;
};

const tags = { comparator: 1, log: 2, nextFile: 3, sequence: 4, compaction: 5, deleted: 6, added: 7, formerLog: 9 };

/** The size of each live table file, by its number. */
const liveTables = (manifest: Uint8Array, name: string): ReadonlyMap<number, number> => {
  const live = new Map<number, number>();
  for (const record of recordsOf(manifest, name)) {
    const edit = new Cursor(record, 0, record.length, name);
    while (edit.more) {
      switch (edit.varint()) {
        case tags.comparator:
          edit.skip(edit.varint());
          break;
        case tags.log:
        case tags.nextFile:
        case tags.sequence:
        case tags.formerLog:
          edit.varint();
          break;
        case tags.compaction:
          edit.varint();
          edit.skip(edit.varint());
          break;
        case tags.deleted:
          edit.varint();
          live.delete(edit.varint());
          break;
        case tags.added: {
          edit.varint();
          const number = edit.varint();
          live.set(number, edit.varint());
          edit.skip(edit.varint());
          edit.skip(edit.varint());
          break;
        }
        default:
          throw new Damage(`${name} holds something unknown`);
      }
    }
  }
  return live;
};
