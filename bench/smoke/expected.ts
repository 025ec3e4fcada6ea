/**
 * What the smoke run has to come to, in plain code: lists and maps over the records as they are in the topics. One
 * partition after the other, each in the order in which a task takes its inputs: the record with the lowest time among
 * the first ones, a table before a stream.
 */

import { hopping, meeting, session, tumbling } from './topology.ts';

export interface Read<V> {
  readonly key: string;
  readonly value: V;
  readonly timestamp: number;
}

/** Of one partition, in order of offsets. */
export interface Inputs {
  readonly numbers: readonly Read<number>[];
  readonly clicks: readonly Read<number>[];
  readonly names: readonly Read<string | null>[];
}

export type Value = number | string | null;

/** The values of each key, in order. Windowed keys are `key@start-end`. */
export type Outputs = Map<string, Value[]>;

export const outputs = [
  'min',
  'max',
  'sum',
  'count',
  'dif',
  'avg',
  'tumbling',
  'hopping',
  'session',
  'closed',
  'named',
  'met',
  'alone',
  'located',
] as const;
export type Output = (typeof outputs)[number];

export const windowed = (key: string, start: number, end: number): string => `${key}@${start}-${end}`;

type Emit = (key: string, value: Value) => void;

const aggregates =
  (result: Output) =>
  ({ numbers }: Inputs, emit: Emit): void => {
    const rows = new Map<string, { min: number; max: number; sum: number; count: number }>();
    for (const { key, value } of numbers) {
      let row = rows.get(key);
      const isFirst = row === undefined;
      if (row === undefined) rows.set(key, (row = { min: value, max: value, sum: 0, count: 0 }));
      row.min = Math.min(row.min, value);
      const { max } = row;
      row.max = Math.max(row.max, value);
      row.sum += value;
      const { count } = row;
      row.count++;
      // A join changes with either side.
      if (result === 'dif') {
        if (!isFirst) emit(key, max - row.min);
        emit(key, row.max - row.min);
      } else if (result === 'avg') {
        if (!isFirst) emit(key, row.sum / count);
        emit(key, row.sum / row.count);
      } else if (result === 'min' || result === 'max' || result === 'sum' || result === 'count') emit(key, row[result]);
    }
  };

const inWindows = (
  { numbers }: Inputs,
  { sizeMs, advanceMs = sizeMs, graceMs }: { sizeMs: number; advanceMs?: number; graceMs: number },
  add: (windowKey: string, value: number) => void,
): void => {
  let streamTime = 0;
  for (const { key, value, timestamp } of numbers) {
    streamTime = Math.max(streamTime, timestamp);
    const last = Math.floor(timestamp / advanceMs) * advanceMs;
    const starts: number[] = [];
    for (let start = last; start > timestamp - sizeMs; start -= advanceMs) starts.unshift(start);
    for (const start of starts) {
      if (start + sizeMs + graceMs > streamTime) add(windowed(key, start, start + sizeMs), value);
    }
  }
};

/** Once each window that stream time has passed. */
const closed = (inputs: Inputs, emit: Emit): void => {
  const { graceMs } = tumbling;
  const counts = new Map<string, number>();
  inWindows(inputs, tumbling, (key) => counts.set(key, (counts.get(key) ?? 0) + 1));
  let last = 0;
  for (const { timestamp } of inputs.numbers) last = Math.max(last, timestamp);
  for (const [key, count] of counts) {
    const end = Number(key.slice(key.lastIndexOf('-') + 1));
    if (end + graceMs <= last) emit(key, count);
  }
};

const sessions = ({ numbers }: Inputs, emit: Emit): void => {
  const { gapMs, graceMs } = session;
  const open = new Map<string, { start: number; end: number; count: number }[]>();
  let streamTime = 0;
  for (const { key, timestamp } of numbers) {
    streamTime = Math.max(streamTime, timestamp);
    const all = open.get(key) ?? [];
    const joined = all
      .filter(({ start, end }) => end >= timestamp - gapMs && start <= timestamp + gapMs)
      .sort((a, b) => a.end - b.end);
    const start = Math.min(timestamp, ...joined.map((one) => one.start));
    const end = Math.max(timestamp, ...joined.map((one) => one.end));
    if (end + gapMs + graceMs < streamTime) continue;
    // Retracted first, but for a point that stays one.
    if (start !== end) for (const one of joined) emit(windowed(key, one.start, one.end), null);
    const count = joined.reduce((total, one) => total + one.count, 1);
    const kept = all.filter((one) => !joined.includes(one) && one.end + 100_000 > streamTime);
    open.set(key, [...kept, { start, end, count }]);
    emit(windowed(key, start, end), count);
  }
};

const named = ({ numbers, names }: Inputs, emit: Emit): void => {
  const rows = new Map<string, string | null>();
  let next = 0;
  for (const { key, value, timestamp } of numbers) {
    for (; next < names.length; next++) {
      const row = names[next];
      if (row === undefined || row.timestamp > timestamp) break;
      rows.set(row.key, row.value);
    }
    emit(key, `${value} ${rows.get(key) ?? '-'}`);
  }
};

/** In the order of the record that comes later; what has met none behind all that. */
const joined = ({ numbers, clicks }: Inputs, alone: boolean, emit: Emit): void => {
  const { differenceMs } = meeting;
  interface Waiting {
    readonly value: number;
    readonly timestamp: number;
    met: boolean;
  }
  const lefts = new Map<string, Waiting[]>();
  const rights = new Map<string, Waiting[]>();
  const near = (waiting: readonly Waiting[], timestamp: number): Waiting[] =>
    waiting
      .filter((one) => Math.abs(one.timestamp - timestamp) <= differenceMs)
      .sort((a, b) => a.timestamp - b.timestamp);
  const keep = (of: Map<string, Waiting[]>, key: string, one: Waiting): void => {
    // Long enough for any that is out of order.
    const kept = (of.get(key) ?? []).filter(({ timestamp }) => timestamp > one.timestamp - 10_000);
    of.set(key, [...kept, one]);
  };
  const left: (Waiting & { readonly key: string })[] = [];
  let n = 0;
  let c = 0;
  while (n < numbers.length || c < clicks.length) {
    const number = numbers[n];
    const click = clicks[c];
    if (number !== undefined && (click === undefined || number.timestamp <= click.timestamp)) {
      n++;
      const { key, value, timestamp } = number;
      const found = near(rights.get(key) ?? [], timestamp);
      for (const one of found) emit(key, `${value} ${one.value}`);
      const one = { key, value, timestamp, met: found.length > 0 };
      keep(lefts, key, one);
      left.push(one);
    } else if (click !== undefined) {
      c++;
      const { key, value, timestamp } = click;
      for (const one of near(lefts.get(key) ?? [], timestamp)) {
        one.met = true;
        emit(key, `${one.value} ${value}`);
      }
      keep(rights, key, { value, timestamp, met: false });
    }
  }
  if (alone) for (const { key, value, met } of left) if (!met) emit(key, `${value} -`);
};

/** What each change of names leads to; of several that follow soon some may be left out. */
const located = ({ names }: Inputs, regions: ReadonlyMap<string, string>, emit: Emit): void => {
  for (const { key, value } of names) {
    emit(key, value === null ? null : `${value} ${regions.get(value.split(':')[0] ?? '') ?? '-'}`);
  }
};

/** The results of all partitions for one topic. */
export const expectedOf = (
  output: Output,
  partitions: readonly Inputs[],
  regions: ReadonlyMap<string, string>,
): Outputs => {
  const found: Outputs = new Map();
  const emit: Emit = (key, value) => {
    const values = found.get(key);
    if (values === undefined) found.set(key, [value]);
    else values.push(value);
  };
  const counted = (inputs: Inputs, windows: Parameters<typeof inWindows>[1], sums: boolean): void => {
    const totals = new Map<string, number>();
    inWindows(inputs, windows, (key, value) => {
      const total = (totals.get(key) ?? 0) + (sums ? value : 1);
      totals.set(key, total);
      emit(key, total);
    });
  };
  for (const inputs of partitions) {
    if (output === 'tumbling') counted(inputs, tumbling, false);
    else if (output === 'closed') closed(inputs, emit);
    else if (output === 'hopping') counted(inputs, hopping, true);
    else if (output === 'session') sessions(inputs, emit);
    else if (output === 'named') named(inputs, emit);
    else if (output === 'met' || output === 'alone') joined(inputs, output === 'alone', emit);
    else if (output === 'located') located(inputs, regions, emit);
    else aggregates(output)(inputs, emit);
  }
  return found;
};

/** Only the last value of each key. */
export const lastOf = (all: Outputs): Outputs => new Map([...all].map(([key, values]) => [key, values.slice(-1)]));

/** How many keys have each count, in the end. */
export const taggOf = (partitions: readonly Inputs[]): Map<string, Value> => {
  const counts = new Map<string, number>();
  for (const { numbers } of partitions) for (const { key } of numbers) counts.set(key, (counts.get(key) ?? 0) + 1);
  const found = new Map<string, Value>();
  for (const count of counts.values()) found.set(String(count), Number(found.get(String(count)) ?? 0) + 1);
  return found;
};
