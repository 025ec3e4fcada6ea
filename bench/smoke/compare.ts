/** Compares what the application has written and keeps with what plain code makes of the same input. */

import { type Serde, serdes, sessionWindowed, timeWindowed, type Windowed } from '../../engine/public.ts';
import type { Millrace, Streams, TypedRecord } from '../../millrace.ts';
import {
  expectedOf,
  type Inputs,
  type Output,
  type Outputs,
  outputs,
  type Read,
  taggOf,
  type Value,
  windowed,
} from './expected.ts';
import { clicksOf, namesOf, numbersOf, partitions, regionsOf, type Sizes } from './history.ts';
import { hopping, tumbling } from './topology.ts';

const { float64, int64, string } = serdes;

/** A sentence for each difference. */
export type Faults = string[];

const keyText = (key: string | Windowed<string>): string =>
  typeof key === 'string' ? key : windowed(key.key, key.start, key.end);

interface Form {
  readonly key: Serde<string> | Serde<Windowed<string>>;
  readonly value: Serde<Value>;
}

const count: Serde<Value> = {
  ...int64,
  write: (value, out) => int64.write(Number(value), out),
  read: (bytes, start, end) => Number(int64.read(bytes, start, end)),
};
// What is read is written by the other serde of the same type.
const amount = float64 as unknown as Serde<Value>;
const text = string as unknown as Serde<Value>;

const forms: { readonly [name in Output]: Form } = {
  min: { key: string, value: amount },
  max: { key: string, value: amount },
  sum: { key: string, value: amount },
  count: { key: string, value: count },
  dif: { key: string, value: amount },
  avg: { key: string, value: amount },
  tumbling: { key: timeWindowed(string, tumbling.sizeMs), value: count },
  hopping: { key: timeWindowed(string, hopping.sizeMs), value: amount },
  session: { key: sessionWindowed(string), value: count },
  closed: { key: timeWindowed(string, tumbling.sizeMs), value: count },
  named: { key: string, value: text },
  met: { key: string, value: text },
  alone: { key: string, value: text },
  located: { key: string, value: text },
};

/** What of the results for a key follows from the input. `each`: all, in this order. `in any order`: what meets none
 *  comes with a commit, between the others. `some`: one that the next overtakes may be left out, and one may come again
 *  unchanged after a kill, which forgets what was asked and not answered yet. */
const orderOf = (output: Output): 'each' | 'in any order' | 'some' =>
  output === 'alone' ? 'in any order' : output === 'located' ? 'some' : 'each';

const shown = (values: readonly Value[], at: number): string =>
  `[${values.slice(Math.max(0, at - 2), at + 4).join(', ')}]`;

const compareValues = (
  place: string,
  found: readonly Value[],
  expected: readonly Value[],
  order: ReturnType<typeof orderOf>,
  faults: Faults,
): void => {
  if (order === 'in any order') {
    const sorted = (values: readonly Value[]): Value[] => values.map(String).sort();
    return compareValues(place, sorted(found), sorted(expected), 'each', faults);
  }
  if (order === 'some') {
    let at = 0;
    for (const [i, value] of found.entries()) {
      if (i > 0 && value === found[i - 1]) continue;
      while (at < expected.length && expected[at] !== value) at++;
      if (at++ < expected.length) continue;
      faults.push(`${place}: result ${i} of ${found.length} is ${value}, twice or never expected`);
      return;
    }
    // A row that never came to be need not be deleted.
    const last = expected.at(-1) ?? null;
    if ((found.at(-1) ?? null) !== last) faults.push(`${place}: the last result is ${found.at(-1)}, expected ${last}`);
    return;
  }
  const at = expected.findIndex((value, i) => found[i] !== value);
  if (at < 0 && found.length === expected.length) return;
  const from = at < 0 ? expected.length : at;
  faults.push(
    `${place}: ${found.length} results, expected ${expected.length}; from result ${from} on ${shown(found, from)}, expected ${shown(expected, from)}`,
  );
};

const compareOutputs = (
  output: string,
  found: Outputs,
  expected: Outputs,
  order: ReturnType<typeof orderOf>,
  faults: Faults,
): void => {
  for (const [key, values] of expected) {
    compareValues(`topic ${output}, key ${key}`, found.get(key) ?? [], values, order, faults);
  }
  for (const key of found.keys())
    if (!expected.has(key)) faults.push(`topic ${output}: the key ${key} is not expected`);
};

const compareRows = (
  store: string,
  found: ReadonlyMap<string, Value>,
  expected: ReadonlyMap<string, Value>,
  faults: Faults,
): void => {
  for (const [key, value] of expected)
    if (found.get(key) !== value) faults.push(`store ${store}, key ${key}: ${found.get(key)}, expected ${value}`);
  for (const key of found.keys()) if (!expected.has(key)) faults.push(`store ${store}: the key ${key} is not expected`);
};

/** The last value of each key that has one. */
const rowsOf = (values: Outputs): Map<string, Value> => {
  const rows = new Map<string, Value>();
  for (const [key, all] of values) {
    const last = all.at(-1) ?? null;
    if (last !== null) rows.set(key, last);
  }
  return rows;
};

/** The records of a topic by partition; they have to be those that were written. */
const readInput = async <V>(
  millrace: Millrace,
  name: string,
  value: Serde<V>,
  written: Iterable<TypedRecord<string, V>>,
  faults: Faults,
): Promise<Read<V | null>[][]> => {
  const found: Read<V | null>[][] = Array.from({ length: partitions }, () => []);
  const topic = await millrace.topic(name, { key: string, value });
  for await (const { key, value, timestamp, partition } of topic.consume({ untilEnd: true }))
    found[partition]?.push({ key: key ?? '', value, timestamp });
  const byKey = (records: Iterable<TypedRecord<string, V>>): Map<string, string[]> => {
    const texts = new Map<string, string[]>();
    for (const { key, value, timestamp } of records) {
      const all = texts.get(key ?? '');
      const text = `${value}@${timestamp}`;
      if (all === undefined) texts.set(key ?? '', [text]);
      else all.push(text);
    }
    return texts;
  };
  compareOutputs(name, byKey(found.flat()), byKey(written), 'each', faults);
  return found;
};

/** All differences; `look` hears of each part before it is compared. */
export const compare = async (
  millrace: Millrace,
  streams: Streams,
  sizes: Sizes,
  look: (what: string) => void,
): Promise<Faults> => {
  const faults: Faults = [];
  look('input');
  const numbers = await readInput(millrace, 'numbers', float64, numbersOf(sizes), faults);
  const clicks = await readInput(millrace, 'clicks', float64, clicksOf(sizes), faults);
  const names = await readInput(millrace, 'names', string, namesOf(sizes), faults);
  if (faults.length > 0) return faults;
  const present = (records: readonly Read<number | null>[] = []): Read<number>[] =>
    records.map((record) => ({ ...record, value: record.value ?? Number.NaN }));
  const inputs = numbers.map(
    (records, i): Inputs => ({ numbers: present(records), clicks: present(clicks[i]), names: names[i] ?? [] }),
  );
  const regions = new Map<string, string>();
  for (const { key, value } of regionsOf()) regions.set(key ?? '', value ?? '');

  for (const output of outputs) {
    look(output);
    const expected = expectedOf(output, inputs, regions);
    const form = forms[output];
    const found: Outputs = new Map();
    const topic = await millrace.topic<string | Windowed<string>, Value>(output, {
      key: form.key as Serde<string | Windowed<string>>,
      value: form.value,
    });
    for await (const { key, value } of topic.consume({ untilEnd: true })) {
      const name = key === null ? '' : keyText(key);
      const values = found.get(name);
      if (values === undefined) found.set(name, [value]);
      else values.push(value);
    }
    compareOutputs(output, found, expected, orderOf(output), faults);
    if (output === 'named' || output === 'met' || output === 'alone' || output === 'closed') continue;
    const rows = new Map<string, Value>();
    if ('inner' in form.key) {
      const sizeMs = output === 'tumbling' ? tumbling.sizeMs : output === 'hopping' ? hopping.sizeMs : undefined;
      const view = streams.store({ name: output, key: string, value: form.value, sizeMs });
      for await (const { key, value } of view.all({ order: 'none' })) rows.set(keyText(key), value);
    } else {
      const view = streams.store({ name: output, key: string, value: form.value });
      for await (const { key, value } of view.all({ order: 'none' })) rows.set(key, value);
    }
    compareRows(output, rows, rowsOf(expected), faults);
  }

  look('tagg');
  const tagg = new Map<string, Value>();
  for await (const { key, value } of streams.store({ name: 'tagg', key: string, value: count }).all())
    tagg.set(key, value);
  const positive = (rows: Iterable<readonly [string, Value]>): Map<string, Value> =>
    new Map([...rows].filter(([, value]) => value !== null && value !== 0));
  compareRows('tagg', positive(tagg), taggOf(inputs), faults);
  const written = new Map<string, Value>();
  const topic = await millrace.topic('tagg', { key: string, value: count });
  for await (const { key, value } of topic.consume({ untilEnd: true })) written.set(key ?? '', value);
  compareRows('tagg, by its topic', positive(written), taggOf(inputs), faults);
  const rows = new Map<string, Value>();
  for await (const { key, value } of streams.store({ name: 'names', key: string, value: text }).all())
    rows.set(key, value);
  const last = new Map<string, Value[]>();
  for (const { key, value } of names.flat()) last.set(key, [value]);
  compareRows('names', rows, rowsOf(last), faults);
  return faults;
};
