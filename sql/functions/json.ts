/** Functions on JSON text. */

import { utf8Bytes } from '../../base/index.ts';
import { SerdeError } from '../formats/format.ts';
import { JsonInput } from '../formats/json-text.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
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
    input.open(bytes, 0, bytes.length);
    if (!seek(steps) || input.token() === 'null') return null;
    return input.token() === 'text' ? input.text() : input.valueText();
  } catch (error) {
    if (error instanceof SerdeError) throw new EvaluationError(error.message, { cause: error });
    throw error;
  }
};

export const json: Family = {
  category: 'JSON',
  functions: [
    define({
      signature: 'EXTRACTJSONFIELD(STRING, STRING) -> STRING',
      doc: 'The value at a path of a JSON text: a text without its quotes, anything else as JSON. NULL when there is none.',
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
  ],
};
