/** The functions of the dialect, one signature a line in `inventory.txt`: each has an overload that takes just these
 *  types, and gives that result. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtInFunctions } from '../../../sql/functions/index.ts';
import type { ArgumentType, CallShape } from '../../../sql/functions/overloads.ts';
import { spread } from '../../../sql/functions/signature.ts';
import { printType, type SqlType } from '../../../sql/types/type.ts';
import { typed } from '../evaluate/support.ts';

const functions = builtInFunctions();

interface Listed {
  readonly kind: string;
  readonly category: string;
  readonly name: string;
  readonly parameters: readonly string[];
  readonly result: string;
  readonly text: string;
}

const listed: readonly Listed[] = readFileSync(join(import.meta.dirname, 'inventory.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line): Listed => {
    const [kind = '', category = '', text = ''] = line.split(/ {2,}/);
    const [, name = '', parameters = '', result = ''] = /^(\w+)\((.*)\) -> ([^-]*)$/.exec(text) ?? [];
    return { kind, category, name, parameters: apart(parameters), result, text };
  });

/** At the commas outside of brackets. */
function apart(list: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  for (const piece of list.split(',')) {
    if (depth > 0) parts.push(`${parts.pop()},${piece}`);
    else parts.push(piece.trim());
    depth += (piece.match(/[<(]/g) ?? []).length - (piece.match(/(?<!-)[>)]/g) ?? []).length;
  }
  return parts.filter((part) => part !== '');
}

/** What the letters stand for, in turn. */
const standIns: readonly Readonly<Record<string, string>>[] = [
  { T: 'INT', K: 'STRING', V: 'BIGINT', R: 'STRING', S: 'DOUBLE', ANY: 'BOOLEAN' },
  { T: 'STRING', K: 'STRING', V: 'ARRAY<INT>', R: 'STRING', S: 'STRUCT<A INT>', ANY: 'TIMESTAMP' },
  { T: 'TIMESTAMP', K: 'STRING', V: 'STRING', R: 'STRING', S: 'BIGINT', ANY: 'MAP<STRING, INT>' },
  { T: 'DECIMAL(8, 3)', K: 'STRING', V: 'BYTES', R: 'STRING', S: 'DATE', ANY: 'DECIMAL(4, 0)' },
];

const concrete = (text: string, letters: Readonly<Record<string, string>>): SqlType => {
  const spelled = text
    .replaceAll(/\b(?:T|K(?! )|V(?! )|R|S|ANY)\b/g, (letter) => letters[letter] ?? '')
    .replaceAll(/\bDECIMAL\b(?!\()/g, 'DECIMAL(6, 2)')
    .replace('UNIT', 'STRING');
  return typed(`CAST(NULL AS ${spelled})`).type;
};

/** Calls the function with arguments of just these types, a repeated one so many times. */
const resolve = ({ kind, name, parameters }: Listed, times: number, letters: Readonly<Record<string, string>>) => {
  const written = parameters.flatMap((each) =>
    each.endsWith('...') ? new Array<string>(times).fill(each.slice(0, -3)) : [each],
  );
  const args = written.map((each): ArgumentType => {
    const [, taken] = /^\(?(.*?)\)? -> \w+$/.exec(each) ?? [];
    return taken === undefined ? concrete(each, letters) : { kind: 'LAMBDA', parameters: apart(taken).length };
  });
  const call: CallShape = {
    name,
    args,
    typeLambda: (index) => concrete(/-> (\w+)$/.exec(written[index] ?? '')?.[1] ?? '', letters),
  };
  const resolution =
    kind === 'aggregate'
      ? functions.resolveAggregate(name, args as readonly SqlType[])
      : kind === 'table'
        ? functions.resolveTableFunction(call)
        : functions.resolve(call);
  return { args, resolution };
};

/** What is wrong with our overload for a listed signature; undefined when nothing is. */
const fault = (signature: Listed): string | undefined => {
  const { name, kind, category, parameters, result } = signature;
  const ours = functions.get(name);
  if (ours === undefined) return 'there is no such function';
  if (ours.kind !== kind) return `it is a function of the kind ${ours.kind}`;
  if (ours.category !== category) return `its category is ${ours.category}`;
  const variadic = parameters.some((each) => each.endsWith('...'));
  // COALESCE(x) and the like are possible, CONCAT_WS(x) is not.
  const counts = !variadic ? [0] : name === 'CONCAT_WS' ? [2, 5] : [1, 2, 5];
  for (const letters of standIns) {
    for (const times of counts) {
      let found: ReturnType<typeof resolve>;
      try {
        found = resolve(signature, times, letters);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
      const { args, resolution } = found;
      const taken = spread(resolution.overload.signature, args.length) ?? [];
      const converted = args.findIndex(
        (arg, i) =>
          arg !== null && arg.kind !== 'LAMBDA' && printType(arg) !== printType(resolution.args[i] as SqlType),
      );
      if (converted >= 0 || taken.length !== args.length) {
        return `argument ${converted + 1} is converted: ${resolution.overload.signature.text} is the nearest`;
      }
      if (name === 'TOPK') {
        if (resolution.result.kind !== 'ARRAY' || resolution.result.element.kind !== 'STRUCT') return 'no structs';
      } else if (/\bDECIMAL\b/.test(result)) {
        if (!/^(?:ARRAY<)?DECIMAL\(/.test(printType(resolution.result)))
          return `it gives ${printType(resolution.result)}`;
      } else {
        const wanted = concrete(result, letters);
        if (printType(resolution.result) !== printType(wanted)) return `it gives ${printType(resolution.result)}`;
      }
    }
  }
  return undefined;
};

describe('the dialect has 149 functions with 316 signatures', () => {
  test('the inventory lists them', () => {
    const names = (kind: string): number =>
      new Set(listed.filter((one) => one.kind === kind).map((one) => one.name)).size;
    expect([names('scalar'), names('aggregate'), names('table'), listed.length]).toEqual([129, 18, 2, 316]);
    expect(new Set(listed.map((one) => one.text)).size).toBe(316);
  });

  test('each has its overload here', () => {
    const missing = listed.flatMap((signature) => {
      const why = fault(signature);
      return why === undefined ? [] : [`${signature.text}: ${why}`];
    });
    expect(missing).toEqual([]);
  });

  test('no function is registered that the inventory does not list', () => {
    const known = new Set(listed.map((one) => one.name));
    expect(functions.list().filter(({ name }) => !known.has(name))).toEqual([]);
  });
});
