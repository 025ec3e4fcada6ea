/**
 * Records as text, for tests that read like a manual: a line each,
 *
 *   key: value @timestamp
 *
 * where `-` is a null key or value, and the time may be left out. Text stands as it is; everything else is JSON, whole
 * numbers beyond the safe ones included. A key within a window is printed as `key@[start,end)`, one of a session as
 * `key@[start,end]`.
 */

import { UserError } from '../base/index.ts';
import type { Windowed } from './dsl/windowed.ts';
import type { Forms, PipedRecord, TestRecord } from './test-records.ts';

const line = /^(.*?)(?: @(-?\d+))?$/;

/** The records that the lines name; empty lines are passed over. Throws RECORD_TEXT_INVALID on a line that is not a
 *  record. Windowed keys cannot be read. */
export const parseRecords = <K, V>(text: string, forms: Forms<K, V>): PipedRecord<K, V>[] =>
  text
    .split('\n')
    .map((written) => written.trim())
    .filter((written) => written !== '')
    .map((written) => {
      const [, record = '', time] = line.exec(written) ?? [];
      const { key, value } = keyAndValue(record, forms, written);
      return { key, value, ...(time !== undefined && { timestamp: Number(time) }) };
    });

/** A key that is JSON may hold a colon itself: the first colon behind which both parts can be read separates them. */
const keyAndValue = <K, V>(
  record: string,
  forms: Forms<K, V>,
  written: string,
): { readonly key: K | null; readonly value: V | null } => {
  let why: unknown;
  for (let colon = record.indexOf(':'); colon >= 0; colon = record.indexOf(':', colon + 1)) {
    try {
      return {
        key: read(record.slice(0, colon), forms.key.name) as K | null,
        value: read(record.slice(colon + 1).trim(), forms.value.name) as V | null,
      };
    } catch (error) {
      why = error;
    }
  }
  throw new UserError('RECORD_TEXT_INVALID', `"${written}" is not a record`, {
    hint: 'Write key: value @timestamp, with - for null; what is not text is JSON.',
    cause: why,
  });
};

const isText = (serde: string): boolean => serde === 'string' || serde === 'uuid';

const read = (text: string, serde: string): unknown => {
  if (text === '-') return null;
  if (isText(serde)) return text;
  return /^-?\d{16,}$/.test(text) ? BigInt(text) : (JSON.parse(text) as unknown);
};

/** A line for each record. Times are left out where they are 0. */
export const printRecords = <K, V>(records: readonly TestRecord<K, V>[], forms: Forms<K, V>): string => {
  const closing = forms.key.name.startsWith('session-windowed') ? ']' : ')';
  return records
    .map(({ key, value, timestamp }) => {
      const time = timestamp === 0 ? '' : ` @${timestamp}`;
      return `${isWindowed(key) ? `${print(key.key)}@[${key.start},${key.end}${closing}` : print(key)}: ${print(value)}${time}`;
    })
    .join('\n');
};

const print = (value: unknown): string => {
  if (value === null) return '-';
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? '-';
};

const isWindowed = (key: unknown): key is Windowed<unknown> =>
  typeof key === 'object' && key !== null && 'key' in key && 'start' in key && 'end' in key;
