/**
 * What the steps of one pull query keep in memory: rows that are sorted, groups, one side of a join. Each counts what
 * it keeps; beyond the limit of the query it ends with an error.
 *
 * The count is an estimate of what a value takes in the memory of the process, from above for texts (two bytes for each
 * unit), so that the limit holds whatever the rows are.
 */

import { UserError } from '../../../base/index.ts';
import { arrayValue, mapValue, type Value } from '../../types/value.ts';

export const memoryProperty = 'millrace.query.memory.bytes';
export const defaultMemoryBytes = 64 << 20;

export class QueryMemory {
  readonly #limit: number;
  #taken = 0;

  constructor(limitBytes: number = defaultMemoryBytes) {
    this.#limit = limitBytes;
  }

  /** `what` keeps so much more, or less. */
  take(bytes: number, what: string): void {
    this.#taken += bytes;
    if (this.#taken <= this.#limit) return;
    throw new UserError(
      'SQL_PULL_TOO_LARGE',
      `${what} needs more than the ${this.#limit} bytes that a query may keep`,
      {
        hint: `Read fewer rows (WHERE), sort with a LIMIT, keep fewer columns, or raise the limit: SET '${memoryProperty}' = '…';`,
      },
    );
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** What an entry of a Map or Set takes beside its key and value. */
export const entryBytes = 64;

const arrayBytes = 48;

export const bytesOfRow = (row: readonly Value[]): number => {
  let bytes = arrayBytes;
  for (let i = 0; i < row.length; i++) bytes += 8 + bytesOf(row[i] as Value);
  return bytes;
};

/** What a value takes beside the place where it stands. */
export const bytesOf = (value: Value): number => {
  if (typeof value === 'string') return 24 + 2 * value.length;
  if (typeof value === 'number') return 16;
  if (value === null || typeof value === 'boolean') return 0;
  if (typeof value === 'bigint') return 32;
  if (value instanceof Uint8Array) return 128 + value.length;
  if (!(value instanceof Map)) return bytesOfRow(arrayValue(value));
  let bytes = arrayBytes;
  for (const [key, member] of mapValue(value)) bytes += entryBytes + bytesOf(key) + bytesOf(member);
  return bytes;
};
