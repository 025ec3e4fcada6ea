/** The media type of an answer, by the Accept header of its request (RFC 9110 §12.5.1). */

import { RequestError } from './errors.ts';
import { errorCodes } from './protocol.ts';

/** The first of `offered` where nothing is asked for. Of several types that are asked for that of the highest weight is
 *  taken, then the one that is named first. Throws a `RequestError` (406) when none of them is offered. */
export const acceptedType = <T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T => {
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').map(rangeOf);
  const refused = new Set(ranges.filter(({ weight }) => weight === 0).map(({ type }) => type));
  const wanted = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  for (const range of wanted) {
    const found = offered.find((type) => covers(range.type, nameOf(type)) && !refused.has(nameOf(type)));
    if (found !== undefined) return found;
  }
  throw new RequestError(
    errorCodes.notAcceptable,
    `the request accepts "${accept}", and what it asks for can be had as ${offered.map(nameOf).join(', ')}`,
  );
};

const rangeOf = (text: string): { readonly type: string; readonly weight: number } => {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
};

/** Without its parameters. */
const nameOf = (type: string): string => type.split(';')[0] as string;

const covers = (range: string, type: string): boolean =>
  range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
