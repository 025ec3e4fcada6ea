/**
 * Spans: texts of a block that are left where they stand.
 *
 * A text that is only copied from a record to the next one, or tested against a constant, need not become a string: it
 * is looked for in a cache, made, and its characters are taken out again one by one. Asked for the *span slot* of a
 * column, a scanner puts a small whole number in the place of the text: where its bytes, UTF-8 without escapes, begin
 * within the block's bytes, and how many they are. Writers copy them from there.
 *
 * The vector of a span slot holds spans, NULLs, and also texts: where the bytes hold an escape, where a span does not
 * fit the number, where a record was read in the plain form. So a scanner may answer with texts always, and what reads
 * a span slot has to take both. Bytes that are no UTF-8 mean the text that they are decoded to, as everywhere.
 *
 * Rows with spans are lent as any others, together with the bytes (`StreamRecord.valueBytes`). Only the sink right
 * behind a scan is given them.
 */

import { type Code, code, readUtf8 } from '../../base/index.ts';
import type { SqlType } from '../types/type.ts';

/** Begin and length in 31 bits, so that a span never takes memory of its own. */
const lengthBits = 8;
export const longestSpan = (1 << lengthBits) - 1;
const spansBelow = 1 << (31 - lengthBits);

export const spanStart = (span: number): number => span >>> lengthBits;
export const spanLength = (span: number): number => span & longestSpan;

/** The text that a span stands for. */
export const spanText = (bytes: Uint8Array, span: number): string =>
  readUtf8(bytes, span >>> lengthBits, (span >>> lengthBits) + (span & longestSpan));

/** Where the spans of a column lie, beside its texts in the slot of the column. */
export const spanSlot = (columnCount: number, slot: number): number => columnCount + slot;

/** The column whose texts or spans lie in a slot. */
export const columnOfSlot = (columnCount: number, slot: number): number =>
  slot < columnCount ? slot : slot - columnCount;

/** The columns whose texts or spans lie in these slots, once each. */
export const columnsOfSlots = (columnCount: number, slots: readonly number[]): readonly number[] =>
  slots.every((slot) => slot < columnCount)
    ? slots
    : [...new Set(slots.map((slot) => columnOfSlot(columnCount, slot)))];

/** Whether the spans of a column can be asked for. */
export const hasSpans = ({ type }: { readonly type: SqlType }): boolean => type.kind === 'STRING';

/** In a generated scanner: the span of the bytes from `s` to `p`, or where that does not fit, their text by the
 *  constant `utf8` (`readUtf8`). */
export const spanCode = (utf8: number): Code =>
  code`(p - s <= ${longestSpan} && s < ${spansBelow} ? s << ${lengthBits} | (p - s) : k${utf8}(bytes, s, p))`;
