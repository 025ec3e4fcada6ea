/** `JSON.parse` that keeps integers beyond 2^53 exact, as bigints. Ordinary texts take the ordinary way. */

const longDigits = /\d{16}/;
const integer = /^-?\d+$/;

export const parseExactJson = (text: string): unknown =>
  longDigits.test(text)
    ? JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
        typeof value === 'number' &&
        !Number.isSafeInteger(value) &&
        context?.source !== undefined &&
        integer.test(context.source)
          ? BigInt(context.source)
          : value,
      )
    : JSON.parse(text);

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
