/** Functions on JSON text. */

import { unreachable, utf8Bytes } from '../../base/index.ts';
import { SerdeError } from '../formats/format.ts';
import { jsonText as quoted } from '../formats/json-output.ts';
import { JsonInput } from '../formats/json-text.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { ScalarType } from '../types/kinds.ts';
import { definitionOf } from '../types/scalars/index.ts';
import { textOf } from '../types/text.ts';
import { type CollectionType, isScalar, type SqlType } from '../types/type.ts';
import { arrayValue, mapValue, type Value } from '../types/value.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

/** `$.a.b[0]["c"]` as names and positions. */
const parsePath = (path: string): readonly (string | number)[] => {
  const steps: (string | number)[] = [];
  const bad = (): never => {
    throw new EvaluationError(`the JSON path '${path}' is not of the form $.name[0]`);
  };
  if (!path.startsWith('$')) bad();
  const part = /\.([^.[\]]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y;
  part.lastIndex = 1;
  for (let at = 1; at < path.length; at = part.lastIndex) {
    const match = part.exec(path);
    if (match === null) return bad();
    const [, name, position, quoted] = match;
    if (position !== undefined) steps.push(Number(position));
    else steps.push(name ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return steps;
};

const input = new JsonInput();

/** Goes to the value at the path, the last one where a name comes twice; false when there is none. */
const seek = (steps: readonly (string | number)[]): boolean => {
  for (const step of steps) {
    const token = input.token();
    let found = -1;
    if (token === 'object' && typeof step === 'string') {
      input.at++;
      input.blanks();
      while (input.peek() === 34) {
        const name = input.text();
        input.blanks();
        input.expect(58, '":"');
        if (name === step) found = input.at;
        input.skip();
        input.blanks();
        if (input.peek() === 125) break;
        input.expect(44, '"," or "}"');
      }
    } else if (token === 'array' && typeof step === 'number') {
      input.at++;
      input.blanks();
      for (let i = 0; input.peek() !== 93; i++) {
        if (i === step) found = input.at;
        input.skip();
        input.blanks();
        if (input.peek() === 93) break;
        input.expect(44, '"," or "]"');
      }
    }
    if (found < 0) return false;
    input.at = found;
  }
  return true;
};

const extract = (text: string, steps: readonly (string | number)[]): string | null => {
  const bytes = utf8Bytes(text);
  try {
    input.open(bytes, 0, bytes.length);
    // The whole value has to be JSON, whatever part of it is asked for; what follows it is not looked at.
    input.skip();
    input.finish();
    input.open(bytes, 0, bytes.length);
    if (!seek(steps) || input.token() === 'null') return null;
    return input.token() === 'text' ? input.text() : input.valueText();
  } catch (error) {
    if (error instanceof SerdeError) throw new EvaluationError(error.message, { cause: error });
    throw error;
  }
};

/** What `read` makes of a JSON text that begins with a token of this kind, undefined for other or bad text. */
const parsed = <T>(text: string, kind: 'object' | 'array' | undefined, read: () => T): T | undefined => {
  const bytes = utf8Bytes(text);
  try {
    input.open(bytes, 0, bytes.length);
    input.skip();
    input.finish();
    input.open(bytes, 0, bytes.length);
    return kind === undefined || input.token() === kind ? read() : undefined;
  } catch (error) {
    if (error instanceof SerdeError) return undefined;
    throw error;
  }
};

/** The elements of the array here, each as `read` makes it. */
const elements = <T>(read: () => T): T[] => {
  const found: T[] = [];
  input.at++;
  input.blanks();
  while (input.peek() !== 93) {
    found.push(read());
    input.blanks();
    if (input.peek() === 44) input.expect(44, '","');
  }
  return found;
};

/** The fields of the object here, the last one where a name comes twice. */
const fields = <T>(read: () => T): Map<string, T> => {
  const found = new Map<string, T>();
  input.at++;
  input.blanks();
  while (input.peek() !== 125) {
    const name = input.text();
    input.blanks();
    input.expect(58, '":"');
    found.set(name, read());
    input.blanks();
    if (input.peek() === 44) input.expect(44, '","');
  }
  return found;
};

const asJson = (): string => input.valueText();

/** The same with numbers that have no exponent, if that takes few zeros. */
const asPlainJson = (): string => input.valueText(true);

/** A text without its quotes, anything else as JSON. */
const plain = (): string => (input.token() === 'text' ? input.text() : input.valueText());

const printObject = (found: ReadonlyMap<string, string>): string =>
  `{${[...found].map(([name, value]) => `${quoted(name)}:${value}`).join(',')}}`;

/** One JSON value of several: objects are merged, everything else becomes one array. */
const concatenated = (texts: readonly string[]): string | null => {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return parsed(only, undefined, asPlainJson) ?? null;
  const objects = texts.map((text) => parsed(text, 'object', () => fields(asPlainJson)));
  if (objects.every((each) => each !== undefined)) return printObject(new Map(objects.flatMap((each) => [...each])));
  const parts = texts.map(
    (text) => parsed(text, 'array', () => elements(asPlainJson)) ?? parsed(text, undefined, () => [asPlainJson()]),
  );
  return parts.every((part) => part !== undefined) ? `[${parts.flat().join(',')}]` : null;
};

/** Prints values that are not NULL as JSON: logical types as text, since JSON has no numbers that mean them. */
const scalarJson = (type: ScalarType): ((value: Value) => string) => {
  const { carrier, logical } = definitionOf(type);
  const print = textOf(type);
  if (logical) return (value) => quoted(print(value));
  switch (carrier) {
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'decimal':
      return print;
    case 'double':
      return (value) => (Number.isFinite(value) ? print(value) : quoted(print(value)));
    case 'text':
    case 'bytes':
      return (value) => quoted(print(value));
    default:
      return unreachable(carrier);
  }
};

/** Prints values as JSON: fields of structs and entries of maps in the order of their names. */
export const jsonOf = (type: SqlType): ((value: Value) => string) => {
  const print = isScalar(type) ? scalarJson(type) : collectionJson(type);
  return (value) => (value === null ? 'null' : print(value));
};

const collectionJson = (type: CollectionType): ((value: Value) => string) => {
  switch (type.kind) {
    case 'ARRAY': {
      const element = jsonOf(type.element);
      return (value) => `[${arrayValue(value).map(element).join(',')}]`;
    }
    case 'MAP': {
      const member = jsonOf(type.value);
      return (value) => {
        const entries = Array.from(mapValue(value), ([name, each]): [string, string] => [name, member(each)]);
        return printObject(new Map(entries.sort(byName)));
      };
    }
    case 'STRUCT': {
      const fields = type.fields
        .map((field, i) => [field.name, { i, print: jsonOf(field.type) }] as const)
        .sort(byName);
      return (value) => {
        const row = arrayValue(value);
        return printObject(new Map(fields.map(([name, { i, print }]) => [name, print(row[i] ?? null)])));
      };
    }
    default:
      return unreachable(type);
  }
};

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** Whether the element here is a value of SQL: a whole number equals only whole numbers, a DOUBLE only others. */
const elementTest = (type: SqlType): ((value: Value) => boolean) => {
  const carrier = isScalar(type) && !definitionOf(type).logical ? definitionOf(type).carrier : undefined;
  return (value) => {
    const token = input.token();
    const text = plain();
    if (value === null) return token === 'null';
    switch (carrier) {
      case undefined:
      case 'decimal':
      case 'bytes':
        return false;
      case 'boolean':
        return token === String(value);
      case 'int32':
      case 'int64':
        return token === 'number' && !/[.eE]/.test(text) && text === String(value);
      case 'double':
        return token === 'number' && /[.eE]/.test(text) && Number(text) === value;
      case 'text':
        return token === 'text' && text === value;
      default:
        return unreachable(carrier);
    }
  };
};

export const json: Family = {
  category: 'JSON',
  functions: [
    define({
      signature: 'EXTRACTJSONFIELD(STRING, STRING) -> STRING',
      doc:
        'The value at a path of a JSON text: a text without its quotes, anything else as JSON. NULL when there is ' +
        'none.',
      elsewhere: ['JSON_EXTRACT', 'JSON_VALUE', 'GET_JSON_OBJECT'],
      nulls: 'propagate',
      examples: [
        [`EXTRACTJSONFIELD('{"a": {"b": [1, "x"]}}', '$.a.b[1]')`, "'x'"],
        [`EXTRACTJSONFIELD('{"a": {"b": [1, "x"]}}', '$.a')`, `'{"b":[1,"x"]}'`],
        [`EXTRACTJSONFIELD('{"a": 12345678901234567890}', '$.a')`, "'12345678901234567890'"],
        [`EXTRACTJSONFIELD('{"a": null}', '$.a')`, 'NULL'],
        [`EXTRACTJSONFIELD('{}', '$.a')`, 'NULL'],
      ],
      bind: ({ constants }) => {
        const known = typeof constants[1] === 'string' ? parsePath(constants[1]) : undefined;
        return (text: string, path: string) => extract(text, known ?? parsePath(path));
      },
    }),
    define({
      signature: 'IS_JSON_STRING(STRING) -> BOOLEAN',
      doc: 'Whether the text is JSON. FALSE for NULL.',
      nulls: 'own',
      examples: [
        [`IS_JSON_STRING('[1, {"a": null}]')`, 'TRUE'],
        ["IS_JSON_STRING('abc')", 'FALSE'],
      ],
      body: (text: string | null) => text !== null && parsed(text, undefined, () => true) === true,
    }),
    define({
      signature: 'JSON_ARRAY_LENGTH(STRING) -> INT',
      doc: 'The number of elements of a JSON array; NULL for other text.',
      nulls: 'propagate',
      examples: [
        ["JSON_ARRAY_LENGTH('[1, [2, 3]]')", '2'],
        ["JSON_ARRAY_LENGTH('{}')", 'NULL'],
      ],
      body: (text: string) => parsed(text, 'array', () => elements(() => input.skip()).length) ?? null,
    }),
    define({
      signature: 'JSON_ARRAY_CONTAINS(STRING, T) -> BOOLEAN',
      doc:
        'Whether a JSON array has the value, which is of a type that JSON has; a NULL value means null. FALSE for ' +
        'other text, NULL for a NULL text.',
      nulls: 'own',
      examples: [
        [`JSON_ARRAY_CONTAINS('[1, "a"]', 'a')`, 'TRUE'],
        [`JSON_ARRAY_CONTAINS('[1, "a"]', 1)`, 'TRUE'],
        [`JSON_ARRAY_CONTAINS('["1"]', 1)`, 'FALSE'],
      ],
      bind: ({ args }) => {
        const isElement = elementTest(args[1] as SqlType);
        return (text: string | null, value: Value) =>
          text === null
            ? null
            : (parsed(text, 'array', () => elements(() => isElement(value)).includes(true)) ?? false);
      },
    }),
    define({
      signature: 'JSON_ITEMS(STRING) -> ARRAY<STRING>',
      doc: 'The elements of a JSON array, each as JSON text.',
      nulls: 'propagate',
      examples: [[`JSON_ITEMS('[{"a": 1}, 2]')`, `ARRAY['{"a":1}', '2']`]],
      body: (text: string) => {
        const found = parsed(text, 'array', () => elements(asJson));
        if (found === undefined) throw new EvaluationError('the text is not a valid JSON array');
        return found;
      },
    }),
    define({
      signature: 'JSON_KEYS(STRING) -> ARRAY<STRING>',
      doc: 'The names of the fields of a JSON object; NULL for other text.',
      nulls: 'propagate',
      examples: [[`JSON_KEYS('{"a": {"b": 1}, "c": 2}')`, "ARRAY['a', 'c']"]],
      body: (text: string) => {
        const found = parsed(text, 'object', () => fields(() => input.skip()));
        return found === undefined ? null : [...found.keys()];
      },
    }),
    define({
      signature: 'JSON_RECORDS(STRING) -> MAP<STRING, STRING>',
      doc: 'The fields of a JSON object: a text without its quotes, anything else as JSON. NULL for other text.',
      nulls: 'propagate',
      examples: [[`JSON_RECORDS('{"a": "x", "b": [1]}')`, "MAP('a' := 'x', 'b' := '[1]')"]],
      body: (text: string) => parsed(text, 'object', () => fields(plain)) ?? null,
    }),
    define({
      signature: 'JSON_CONCAT(STRING...) -> STRING',
      doc:
        'One JSON text of several: objects are merged, the last field of a name counts; arrays and anything else ' +
        'become one array. NULL when a text is NULL or not JSON.',
      nulls: 'propagate',
      examples: [
        [`JSON_CONCAT('{"a": 1}', '{"b": 2}')`, `'{"a":1,"b":2}'`],
        ["JSON_CONCAT('[1]', '[2, 3]')", "'[1,2,3]'"],
        ["JSON_CONCAT('1', 'x')", 'NULL'],
      ],
      body: (...texts: string[]) => (texts.length === 0 ? null : concatenated(texts)),
    }),
    define({
      signature: 'TO_JSON_STRING(T) -> STRING',
      doc: 'The value as JSON text; fields and keys by name, points in time as text, NULL as null.',
      elsewhere: ['TO_JSON'],
      nulls: 'own',
      examples: [
        ["TO_JSON_STRING(STRUCT(B := ARRAY[1, NULL], A := 'x'))", `'{"A":"x","B":[1,null]}'`],
        ['TO_JSON_STRING(CAST(NULL AS INT))', "'null'"],
      ],
      bind: ({ args }) => jsonOf(args[0] as SqlType),
    }),
  ],
};
