/** `JSON.parse` that keeps numbers exact: integers beyond 2^53 are bigints, and fractions of more digits than a double
 *  holds are their text (`NumberText`). Ordinary texts take the ordinary way. */

import { NumberText } from '../sql/index.ts';

/** Sixteen digits, perhaps with a point among them. */
const longDigits = /\d[\d.]{14}\d/;
const integer = /^-?\d+$/;

export const parseExactJson = (text: string): unknown =>
  longDigits.test(text)
    ? JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
        typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined
          ? exactNumber(context.source, value)
          : value,
      )
    : JSON.parse(text);

const exactNumber = (source: string, value: number): unknown =>
  integer.test(source) ? BigInt(source) : longDigits.test(source) ? new NumberText(source) : value;

/** The reverse: bigints are written as the integers that they are. */
export const writeExactJson = (value: unknown): string => {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map(writeExactJson).join(',')}]`;
      return `{${Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .map(([name, field]) => `${JSON.stringify(name)}:${writeExactJson(field)}`)
        .join(',')}}`;
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'undefined':
    case 'function':
    case 'symbol':
      return 'null';
  }
};
