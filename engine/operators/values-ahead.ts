/**
 * Values of a source's rows, read some rows ahead: reading and processing take turns by groups of rows and not row by
 * row, so that the code of each stays in the processor's cache while it runs (docs/design/speed.md).
 *
 * Rows of a block are taken in order. What reading a row has thrown is kept until the row is taken: the rows before it
 * are processed first.
 */

import { type Block, LastBlock } from '../block.ts';
import type { Serde } from '../serde.ts';

export interface ReadFields<V> {
  readonly value: Pick<Serde<V>, 'read' | 'lends'>;
  /** When given, the key is read too, to see that it is sound. */
  readonly key?: Pick<Serde<unknown>, 'read'>;
}

/** Most rows, and bytes of values (with the row that passes it), of a group. */
const mostRows = 512;
const mostBytes = 64 * 1024;

export class ValuesAhead<V> {
  readonly #fields: ReadFields<V>;
  readonly #mostRows: number;
  readonly #last = new LastBlock();
  readonly #values: (V | null)[] = [];
  /** The rows of the group are [first, end); those before `next` were taken. */
  #first = 0;
  #next = 0;
  #end = 0;
  /** The last row of the group, where it cannot be read; −1: it can. */
  #failedRow = -1;
  #error: unknown;

  constructor(fields: ReadFields<V>) {
    this.#fields = fields;
    this.#mostRows = fields.value.lends === true ? 1 : mostRows;
  }

  /** The rows that are taken now are this block's, from `row` on. Where they do not follow those before (a transaction
   *  was rolled back, say) they are read again. */
  open(block: Block, row: number): void {
    if (this.#last.isOther(block) || row !== this.#next) this.#end = row;
  }

  /** The value of a row; throws what its serde has thrown. */
  take(block: Block, row: number): V | null {
    this.#next = row + 1;
    if (row >= this.#end) this.#read(block, row);
    if (row === this.#failedRow) {
      // Asked for again, it is read again.
      this.#end = row;
      throw this.#error;
    }
    const index = row - this.#first;
    const value = this.#values[index] as V | null;
    this.#values[index] = null;
    return value;
  }

  #read({ columns }: Block, first: number): void {
    const { key, value } = this.#fields;
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = columns;
    const values = this.#values;
    const mostEnd = Math.min(columns.count, first + this.#mostRows);
    this.#first = first;
    this.#failedRow = -1;
    let row = first;
    try {
      for (let left = mostBytes; row < mostEnd && left > 0; row++) {
        const start = valueStart[row] as number;
        const end = valueEnd[row] as number;
        if (key !== undefined && (keyStart[row] as number) >= 0)
          key.read(bytes, keyStart[row] as number, keyEnd[row] as number);
        values[row - first] = start < 0 ? null : value.read(bytes, start, end);
        left -= end - start;
      }
    } catch (error) {
      this.#failedRow = row++;
      this.#error = error;
    }
    this.#end = row;
  }
}
