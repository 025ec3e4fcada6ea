/**
 * Reading framed records by the schema of their writer: what the formats share whose data cannot be read without it.
 *
 * A decoder is made for each schema that records name, when the first of its records comes, and kept with the reader.
 */

import { codegenAllowed } from '../../base/index.ts';
import type { KnownSchema } from '../registry/schema.ts';
import type { Row, Value } from '../types/value.ts';
import { type FormatOptions, type RowReader, type Scanner, SerdeError, scanOne } from './format.ts';
import type { ScanRows } from './generated/scan-code.ts';
import { columnsOfSlots } from './text-span.ts';
import { framingBytes, schemaIdAt } from './writer-schemas.ts';

/** Reads the data in `bytes[at, end)` of a record that begins at `start`; false when it is null. Values of `into` that
 *  are not wanted stay as they are. */
export type ReadData = (bytes: Uint8Array, start: number, at: number, end: number, into: Row) => boolean;

/** How the records of one schema are read. */
export interface Decoder {
  readonly read: ReadData;
  /** Generated code for records that are framed with this id, which answers with the first that names another one;
   *  undefined where the plain form has to do. */
  scan(id: number): ScanRows | undefined;
}

/** What is known of a schema: how its records are read, or why they cannot be. */
interface Known {
  readonly decoder?: Decoder;
  readonly fault?: string;
  /** Made when the first records are scanned. */
  scan?: ScanRows | undefined;
  readonly scans: boolean;
}

class Decoders {
  readonly #known = new Map<number, Known>();
  readonly #options: FormatOptions;
  readonly #make: (schema: KnownSchema) => Decoder;

  constructor(options: FormatOptions, make: (schema: KnownSchema) => Decoder) {
    this.#options = options;
    this.#make = make;
  }

  /** Undefined: there is no schema with this id, as far as is known. */
  get(id: number): Known | undefined {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const { schema: own, writers } = this.#options;
    const schema = own?.id === id ? own : writers?.get(id);
    if (schema === undefined) return undefined;
    const made = this.#decoderOf(schema);
    this.#known.set(id, made);
    return made;
  }

  #decoderOf(schema: KnownSchema): Known {
    try {
      return { decoder: this.#make(schema), scans: codegenAllowed() };
    } catch (error) {
      // A schema that is none, or of another format, is a fault of its records.
      return { fault: error instanceof Error ? error.message : String(error), scans: false };
    }
  }

  /** The decoder of the record that stands here. */
  of(bytes: Uint8Array, start: number, end: number): Decoder {
    const id = schemaIdAt(bytes, start, end);
    if (id < 0) throw new SerdeError('the bytes do not begin with a zero byte and the id of a schema');
    const known = this.get(id);
    if (known === undefined) throw new SerdeError(`there is no schema with the id ${id}`);
    if (known.decoder === undefined) throw new SerdeError(`the schema with the id ${id}: ${known.fault}`);
    return known.decoder;
  }
}

const readerOf = (decoders: Decoders, wanted: readonly number[]): RowReader => ({
  read(bytes, start, end, into) {
    const { read } = decoders.of(bytes, start, end);
    if (read(bytes, start, start + framingBytes, end, into)) return true;
    for (const slot of wanted) into[slot] = null;
    return false;
  },
});

export const schemaReader = (
  options: FormatOptions,
  wanted: readonly number[],
  make: (schema: KnownSchema) => Decoder,
): RowReader => readerOf(new Decoders(options, make), wanted);

export const schemaScanner = (
  columnCount: number,
  options: FormatOptions,
  wanted: readonly number[],
  make: (schema: KnownSchema) => Decoder,
): Scanner => {
  const decoders = new Decoders(options, make);
  const reader = readerOf(decoders, columnsOfSlots(columnCount, wanted));
  const scratch: Row = new Array<Value>(columnCount).fill(null);
  return {
    wanted,
    scan(bytes, starts, ends, from, to, into) {
      const slow = (row: number): void =>
        scanOne(reader, bytes, starts[row] as number, ends[row] as number, row, wanted, scratch, into);
      let view: DataView | undefined;
      for (let at = from; at < to; ) {
        const start = starts[at] as number;
        const id = start < 0 ? -1 : schemaIdAt(bytes, start, ends[at] as number);
        const known = id < 0 ? undefined : decoders.get(id);
        const scan = known?.scans === true ? (known.scan ??= known.decoder?.scan(id)) : undefined;
        if (scan === undefined) {
          slow(at++);
          continue;
        }
        view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        at = scan(bytes, view, starts, ends, at, to, into.vectors, into.status, slow);
      }
    },
  };
};
