/**
 * Operators as the manual shows them: text in, text out.
 *
 *   run(tableFilter((ms: number) => ms > 100), `
 *     a: - -> 120
 *     a: 120 -> 80`)            gives  `a: - -> 120` and `a: 120 -> -`
 *
 * A line is `key: value` (a stream's record) or `key: before -> after` (a table's change), then `@time` where it is not
 * 0. `-` is an absent key or value, `?` a row before that is not known; a value is a number or a word. What comes out
 * is printed the same way; a record that was left out as `! reason key`. A line `commit` ends a transaction, `rollback`
 * undoes what came since the last one. The operator runs in a real task with stores in memory.
 */

import { type ByteWriter, readUtf8 } from '../../base/index.ts';
import {
  type BeforeUse,
  BlockPool,
  type Operator,
  type OperatorSupplier,
  type SourceOperator,
  type StoreSpec,
  StreamRecord,
  Task,
  Topology,
  type Unknown,
  unknown,
} from '../../engine/index.ts';
import { createStore } from '../../engine/stores/store-kinds.ts';
import { encodeBatch, nextOffsetOf, stampBatch } from '../../storage/index.ts';

export interface RunOptions {
  readonly stores?: readonly StoreSpec[];
  /** Prints a key; text by default. */
  readonly key?: (bytes: Uint8Array, start: number, end: number) => string;
  /** What the operator does with the row before of its input. */
  readonly before?: BeforeUse;
  /** Whether the child behind the operator asks for the row before. */
  readonly asked?: boolean;
  /** Rows that the operator's stores hold before the first line, by running these lines through another operator
   *  first. */
  readonly given?: { readonly supplier: OperatorSupplier<never, unknown>; readonly lines: string };
}

type Value = number | string;

const valueOf = (text: string): Value | null | Unknown =>
  text === '-' ? null : text === '?' ? unknown : /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;

const print = (value: unknown): string =>
  value === null ? '-' : value === unknown ? '?' : typeof value === 'object' ? JSON.stringify(value) : String(value);

/** Lines of a text without indentation and empty lines. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Reads the text of a value as `before -> after` or `after`. */
const parseSource = (_context: unknown, forward: (record: StreamRecord<never>) => void): SourceOperator => {
  const record = new StreamRecord<Value>();
  return {
    run({ columns, partition }, from, to) {
      for (let row = from; row < to; row++) {
        const text = readUtf8(columns.bytes, columns.valueStart[row] as number, columns.valueEnd[row] as number);
        const [first = '', second] = text.split(' -> ');
        const after = valueOf(second ?? first);
        record.value = after === unknown ? null : after;
        record.before = second === undefined ? unknown : valueOf(first);
        record.keyBytes = columns.bytes;
        record.keyStart = columns.keyStart[row] as number;
        record.keyEnd = columns.keyEnd[row] as number;
        record.timestamp = columns.timestamp[row] as number;
        record.offset = columns.offset[row] as number;
        record.partition = partition;
        record.index = row;
        forward(record as StreamRecord<never>);
      }
    },
  };
};

const textKey = (bytes: Uint8Array, start: number, end: number): string => readUtf8(bytes, start, end);

/** Runs lines through one operator; answers what comes out as lines, indented as a template text wants it. */
export const run = <In, Out>(supplier: OperatorSupplier<In, Out>, text: string, options: RunOptions = {}): string => {
  const { stores = [], key = textKey, given, before, asked = false } = options;
  const lines: string[] = [];
  const names = stores.map(({ name }) => name);
  const topology = new Topology();
  for (const spec of stores) topology.addStore(spec);
  topology.addSource('in', { topic: 'in', kind: 'stream', supplier: parseSource });
  topology.addProcessor('operator', supplier, ['in'], { stores: names, ...(before === undefined ? {} : { before }) });
  topology.addProcessor<Out, never>(
    'capture',
    (): Operator<Out> => ({
      process({ keyBytes, keyStart, keyEnd, value, before, timestamp }) {
        const shownKey = keyStart < 0 ? '-' : key(keyBytes, keyStart, keyEnd);
        const change = before === unknown ? print(value) : `${print(before)} -> ${print(value)}`;
        lines.push(`${shownKey}: ${change}${timestamp === 0 ? '' : ` @${timestamp}`}`);
      },
    }),
    ['operator'],
    asked ? { before: 'needed' } : {},
  );
  if (given !== undefined) {
    topology.addSource('given', { topic: 'given', kind: 'table', supplier: parseSource });
    topology.addProcessor('giver', given.supplier, ['given'], { stores: names });
  }
  const [piece] = topology.subTopologies();
  if (piece === undefined || topology.subTopologies().length !== 1) throw new Error('one operator is one sub-topology');

  const outputs = new Map<string, number>();
  const task = new Task({
    subTopology: piece,
    applicationId: 'app',
    partition: 0,
    stores: (spec) => createStore(spec, { kv: undefined, storeId: 0 }),
    outputs: () => ({ partitions: 1, maxBatchBytes: 1 << 20 }),
    outbox: { batch: (topic, _partition, bytes) => outputs.set(topic, (outputs.get(topic) ?? 0) + bytes.length) },
    drops: {
      drop: ({ reason, key: bytes }) =>
        lines.push(`! ${reason}${bytes === null ? '' : ` ${textKey(bytes, 0, bytes.length)}`}`),
    },
  });
  const blocks = new BlockPool();
  const ends = task.inputs.map(() => 0);
  let positions = task.inputs.map(({ topic }) => ({ topic, partition: 0, offset: 0 }));
  task.start(positions);
  const encoder = new TextEncoder();
  const pipe = (topic: string, line: string): void => {
    const match = /^(\S+): (.*?)(?: @(-?\d+))?$/.exec(line);
    if (match === null) throw new Error(`cannot read the line "${line}"`);
    const [, name = '', value = '', time = '0'] = match;
    const bytes = encodeBatch([
      { key: name === '-' ? null : encoder.encode(name), value: encoder.encode(value), timestamp: Number(time) },
    ]);
    const input = task.inputs.find((one) => one.topic === topic);
    if (input === undefined) throw new Error(`no input ${topic}`);
    const base = ends[input.index] as number;
    stampBatch(bytes, { baseOffset: base, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
    const end = nextOffsetOf(bytes, 0);
    ends[input.index] = end;
    const chunk = { topic, partition: 0, bytes, batches: [0], nextOffset: end, release() {} };
    task.offer(
      input.index,
      blocks.decode({ ...chunk, offsets: { start: 0, stable: end, end } }, input.fetchOffset),
      end,
    );
    for (const other of task.inputs)
      if (other !== input) task.sawEnd(other.index, other.fetchOffset, other.fetchOffset);
    while (task.step(1000) > 0);
  };
  const commit = (): void => {
    positions = [...task.flush().positions];
    task.commit(outputs);
  };
  if (given !== undefined) {
    for (const line of linesOf(given.lines)) pipe('given', line);
    commit();
  }
  for (const line of linesOf(text)) {
    if (line === 'commit') commit();
    else if (line === 'rollback') {
      task.rollback(positions);
      for (const input of task.inputs) ends[input.index] = input.position;
    } else pipe('in', line);
  }
  task.close();
  return `\n${lines.map((line) => `    ${line}`).join('\n')}`;
};

/** Prints windowed keys: `a@[0,10)`. */
export const windowedKey =
  (sizeMs: number) =>
  (bytes: Uint8Array, start: number, end: number): string => {
    const from = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(end - 8));
    return `${readUtf8(bytes, start, end - 8)}@[${from},${from + sizeMs})`;
  };

/** Prints keys with a session: `a@[0,10]`. */
export const sessionKey = (bytes: Uint8Array, start: number, end: number): string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return `${readUtf8(bytes, start, end - 16)}@[${view.getBigInt64(end - 8)},${view.getBigInt64(end - 16)}]`;
};

/** A serde of the values that lines hold, as JSON. */
export const lineValue = {
  name: 'line',
  write(value: Value, out: ByteWriter) {
    out.utf8(JSON.stringify(value));
  },
  read: (bytes: Uint8Array, start: number, end: number): Value => JSON.parse(readUtf8(bytes, start, end)) as Value,
};
