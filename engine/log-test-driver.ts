/**
 * LogTestDriver: the test driver's inputs and outputs over a topology that runs for good, on a real log. A test that
 * awaits each call runs on both:
 *
 *   const input = driver.input('words', { key: string, value: string });
 *   await input.pipe(null, 'hello', 1000);
 *   expect(await driver.output('counted', { key: string, value: int64 }).readText()).toBe('hello: 1 @1000');
 *
 * `millrace`'s `openTestDriver` makes one. A call answers when all that follows from it is committed. The clock is the
 * machine's: wall-clock timers cannot be moved. Stores are read by `streams.store`.
 */

import type { ConsumedRecord, ProducedRecord } from '../storage/index.ts';
import type { Streams } from './runtime/streams.ts';
import type { Forms, PipedRecord, TestRecord } from './test-records.ts';
import { InputEncoder, type InputOptions, type RawRecord, recordOf, TestOutput } from './test-topics.ts';
import type { Topology } from './topology.ts';

/** What the driver needs of the program that it runs in. */
export interface LogAccess {
  readonly produce: (topic: string, records: readonly ProducedRecord[]) => Promise<unknown>;
  /** What was written to a topic since the last call. */
  readonly consumed: (topic: string) => AsyncIterable<ConsumedRecord>;
  readonly close: () => Promise<void>;
}

export class LogTestDriver {
  /** The application that runs the topology. */
  readonly streams: Streams;
  readonly #access: LogAccess;
  readonly #unread = new Map<string, TestRecord<Uint8Array, Uint8Array>[]>();

  constructor(streams: Streams, access: LogAccess) {
    this.streams = streams;
    this.#access = access;
  }

  /** A way to pipe typed records to a topic. */
  input<K, V>(topic: string, forms: Forms<K, V>, options: InputOptions = {}): LogTestInput<K, V> {
    return new LogTestInput(forms, options, async (records) => {
      await this.#access.produce(
        topic,
        records.map((record) => ({ ...record, key: record.key ?? null, value: record.value ?? null })),
      );
      await this.streams.awaitIdle();
    });
  }

  /** A way to read what was written to a topic, typed. */
  output<K, V>(topic: string, forms: Forms<K, V>): LogTestOutput<K, V> {
    let unread = this.#unread.get(topic);
    if (unread === undefined) this.#unread.set(topic, (unread = []));
    const held = unread;
    return new LogTestOutput(new TestOutput(topic, forms, () => held), async () => {
      await this.streams.awaitIdle();
      for await (const record of this.#access.consumed(topic)) held.push(record);
    });
  }

  /** Closes the application and its log; a data directory of the driver's own is removed. */
  close(): Promise<void> {
    return this.#access.close();
  }
}

/** The topics that a topology reads and writes, but for those of its own. */
export const topicsOfTopology = (topology: Topology): string[] => {
  const nodes = topology.description().subTopologies.flatMap((subTopology) => subTopology.nodes);
  const topics = nodes.flatMap((node) => {
    if (node.kind === 'processor' || node.repartition) return [];
    return node.kind === 'source' ? node.topics : [node.topic];
  });
  return [...new Set(topics)];
};

export class LogTestInput<K, V> {
  readonly #encoder: InputEncoder<K, V>;
  readonly #pipe: (records: RawRecord[]) => Promise<void>;

  constructor(forms: Forms<K, V>, options: InputOptions, pipe: (records: RawRecord[]) => Promise<void>) {
    this.#encoder = new InputEncoder(forms, options);
    this.#pipe = pipe;
  }

  /** Pipes one record. */
  pipe(key: K | null, value: V | null, timestamp?: number): Promise<void> {
    return this.pipeAll([recordOf(key, value, timestamp)]);
  }

  pipeAll(records: readonly PipedRecord<K, V>[]): Promise<void> {
    return this.#pipe(records.map((record) => this.#encoder.encode(record)));
  }

  /** Pipes records that are written as text (`record-text.ts`), each by itself. */
  async pipeText(text: string): Promise<void> {
    for (const record of this.#encoder.parse(text)) await this.pipeAll([record]);
  }

  /** Moves the time of the records to come that have none of their own. */
  advanceTime(ms: number): void {
    this.#encoder.advanceTime(ms);
  }
}

export class LogTestOutput<K, V> {
  readonly #output: TestOutput<K, V>;
  readonly #fill: () => Promise<void>;

  constructor(output: TestOutput<K, V>, fill: () => Promise<void>) {
    this.#output = output;
    this.#fill = fill;
  }

  /** The next record, or undefined. */
  async read(): Promise<TestRecord<K, V> | undefined> {
    await this.#fill();
    return this.#output.read();
  }

  async readAll(): Promise<TestRecord<K, V>[]> {
    await this.#fill();
    return this.#output.readAll();
  }

  /** The values of all records. */
  async readValues(): Promise<(V | null)[]> {
    await this.#fill();
    return this.#output.readValues();
  }

  /** All records as text, a line each (`record-text.ts`). */
  async readText(): Promise<string> {
    await this.#fill();
    return this.#output.readText();
  }

  /** The last value of each key, by the key's text. Reads all. */
  async readTable(): Promise<Map<string, V>> {
    await this.#fill();
    return this.#output.readTable();
  }
}
