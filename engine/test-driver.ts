/**
 * TopologyTestDriver: runs a topology without a log, threads or time, and shows what it does. Public: for tests of
 * topologies, and for other uses with records in and records out (the conformance runner is one).
 *
 *   const driver = new TopologyTestDriver(topology);
 *   driver.input('words', { key: string, value: string }).pipe(null, 'hello', 1000);
 *   driver.output('counted', { key: string, value: int64 }).readAll();   // [{ key: 'hello', value: 1, timestamp: 1000, … }]
 *
 * Everything is synchronous. What is piped is processed to the end, through repartition topics and topics that the
 * topology both writes and reads, and every task commits, before `pipe` returns. Each sub-topology is one task, all
 * partitions of a topic are one; `partitions` asks for more. A repartition has the partitions that it asks for, and
 * what it is joined with has as many. Stores are in memory, nothing is limited, late and bad records are in `drops`.
 * The clock stands still until `advanceWallClock`; it gives the time of a piped record that has none, wall-clock
 * punctuators go by it, and windows that close on a quiet stream (`closing`).
 */

import { assert, ManualClock, partitionOfKey, UserError } from '../base/index.ts';
import {
  BatchBuilder,
  decodeBatch,
  encodeHeaders,
  type LentBatches,
  nextOffsetOf,
  RecordColumns,
  readHeaders,
  stampBatch,
} from '../storage/index.ts';
import { BlockPool } from './block.ts';
import type { StoreForm } from './dsl/queryable-store.ts';
import { formOf, type ReadableStore, type ReadableWindows } from './dsl/readable-store.ts';
import { withoutOriginTime } from './origin-time.ts';
import { planPartitions } from './partition-plan.ts';
import { type Drop, TaskCounters } from './runtime/drops.ts';
import { writesNothing } from './runtime/global-stores.ts';
import { type ClosingTime, QuietTime } from './runtime/quiet-time.ts';
import { type RecordErrorPolicies, RecordErrors } from './runtime/record-errors.ts';
import { Task, type TaskCommit } from './runtime/task.ts';
import type { TaskInput } from './runtime/task-input.ts';
import { SubTopologyGraph } from './runtime/watermarks.ts';
import type { StateStore } from './stores/state-store.ts';
import { createStore } from './stores/store-kinds.ts';
import { type Forms, noBytes, type PipedRecord, type TestRecord } from './test-records.ts';
import { TestSessionStore, TestStore, TestWindowStore } from './test-stores.ts';
import { type InputOptions, TestInput, TestOutput } from './test-topics.ts';
import type { Topology } from './topology.ts';
import { changelogTopic, dynamicTopic, type GlobalStore, internalTopic, topicOf } from './topology-nodes.ts';

export type { TestRecord } from './test-records.ts';

export interface DriverOptions {
  readonly applicationId?: string;
  /** Partitions of every topic, and tasks of every sub-topology; a repartition may ask for another number. Default
   *  1. */
  readonly partitions?: number;
  /** What the clock shows at first. */
  readonly now?: number;
  /** How long a task waits for an input that has nothing to read while others have, in milliseconds; default 0. Every
   *  input is at its end as soon as `pipe` returns. */
  readonly maxTaskIdleMs?: number;
  /** By what windows close. Default: stream time alone. */
  readonly closing?: ClosingTime;
  /** What becomes of a record that cannot be read, processed or written, as `millrace.streams` has it. Where that is
   *  `fail`, the default for what code of the topology throws, `pipe` throws, and the driver is of no further use. */
  readonly onError?: RecordErrorPolicies;
}

const noLimit = 0x7fff_ffff;

/** One partition of one topic: nothing is kept but how far it goes, and who reads it. */
interface PartitionState {
  readonly readers: { readonly task: Task; readonly input: TaskInput }[];
  end: number;
}

export class TopologyTestDriver {
  readonly clock: ManualClock;
  /** All that was left out so far, in order. */
  readonly drops: Drop[] = [];
  readonly counters = new TaskCounters();
  readonly #partitions: number;
  /** Of topics by full name, where it is another number. */
  readonly #counts = new Map<string, number>();
  readonly #graph: SubTopologyGraph;
  readonly #closing: ClosingTime;
  readonly #quiet: QuietTime;
  /** Of each task, the last. */
  readonly #commits = new Map<Task, TaskCommit>();
  readonly #blocks = new BlockPool();
  readonly #tasks: Task[] = [];
  readonly #globalTasks: Task[] = [];
  readonly #stores: StateStore[][] = [];
  readonly #partitionStates = new Map<string, PartitionState[]>();
  /** Topics that are read or written, internal ones included. */
  readonly #topics = new Set<string>();
  /** Records of topics, not read yet. */
  readonly #written = new Map<string, TestRecord<Uint8Array, Uint8Array>[]>();
  /** Batches on their way to a partition. */
  #sent: { readonly topic: string; readonly partition: number; readonly bytes: Uint8Array }[] = [];

  constructor(topology: Topology, options: DriverOptions = {}) {
    const {
      applicationId = 'test',
      partitions = 1,
      now = 0,
      closing = { by: 'stream time' },
      maxTaskIdleMs = 0,
      onError = {},
    } = options;
    this.clock = new ManualClock(now);
    this.#closing = closing;
    this.#quiet = new QuietTime(closing, this.clock);
    this.#partitions = partitions;
    const subTopologies = topology.subTopologies();
    const plan = planPartitions(topology, partitionsAsked(topology, partitions));
    for (const [topic, count] of plan.topics) this.#counts.set(topic, count);
    for (const [topic, count] of plan.repartitions) this.#counts.set(internalTopic(applicationId, topic), count);
    this.#graph = new SubTopologyGraph(subTopologies, applicationId, plan.subTopologies);
    for (const { sources, sinks, stores } of [...subTopologies, ...topology.globals]) {
      for (const node of [...sources, ...sinks]) this.#topics.add(topicOf(applicationId, node));
      for (const { name } of stores) this.#topics.add(changelogTopic(applicationId, name));
    }
    const globals = new Map<string, StateStore>();
    for (const global of topology.globals)
      globals.set(global.store.name, this.#openGlobal(global, applicationId, onError));
    let storeId = 0;
    for (const subTopology of subTopologies) {
      const tasks = plan.subTopologies[subTopology.id] ?? 0;
      for (const { name } of subTopology.stores) this.#counts.set(changelogTopic(applicationId, name), tasks);
      for (let partition = 0; partition < tasks; partition++) {
        const stores: StateStore[] = [];
        const errors = new RecordErrors(onError, (drop) => this.drops.push(drop));
        const task = new Task({
          subTopology,
          applicationId,
          partition,
          stores: (spec) => {
            const store = createStore(spec, { kv: undefined, storeId: storeId++ });
            stores.push(store);
            return store;
          },
          globals,
          outputs: (topic) => ({ partitions: this.#countOf(topic), maxBatchBytes: noLimit }),
          reads: (topic) => partition < this.#countOf(topic),
          outbox: { batch: (topic, to, bytes) => this.#sent.push({ topic, partition: to, bytes }) },
          drops: errors,
          counters: this.counters,
          tasks,
          now: () => this.clock.now(),
          maxIdleMs: maxTaskIdleMs,
          processingPolicy: (failure) => errors.thrown(failure),
        });
        task.start(task.inputs.map(({ topic }) => ({ topic, partition, offset: 0 })));
        for (const input of task.inputs) {
          this.#stateOf(input.topic, partition).readers.push({ task, input });
          task.sawEnd(input.index, 0, 0);
        }
        // Its wall-clock punctuators are counted from here on.
        task.punctuate(this.clock.monotonic(), now);
        this.#tasks.push(task);
        this.#stores.push(stores);
      }
    }
  }

  /** The store, with a task for each partition that fills it. */
  #openGlobal(global: GlobalStore, applicationId: string, onError: RecordErrorPolicies): StateStore {
    const store = createStore(global.store, { kv: undefined, storeId: 0 });
    this.#stores.push([store]);
    for (let partition = 0; partition < this.#partitions; partition++) {
      const errors = new RecordErrors(onError, (drop) => this.drops.push(drop));
      const task = new Task({
        subTopology: global,
        applicationId,
        partition,
        stores: () => store,
        outputs: writesNothing,
        outbox: { batch: writesNothing },
        drops: errors,
        processingPolicy: (failure) => errors.thrown(failure),
        counters: this.counters,
        now: () => this.clock.now(),
      });
      task.start([{ topic: global.topic, partition, offset: 0 }]);
      for (const input of task.inputs) this.#stateOf(global.topic, partition).readers.push({ task, input });
      this.#globalTasks.push(task);
    }
    return store;
  }

  /** What is in topics of global stores is in the stores before anything else is processed. */
  #fillGlobals(): void {
    for (const task of this.#globalTasks) {
      if (task.step(1_000_000) === 0) continue;
      while (task.step(1_000_000) > 0);
      task.flush();
      task.commit(new Map());
    }
  }

  #countOf(topic: string): number {
    return this.#counts.get(topic) ?? this.#partitions;
  }

  #stateOf(topic: string, partition: number): PartitionState {
    let states = this.#partitionStates.get(topic);
    if (states === undefined) {
      states = Array.from({ length: this.#countOf(topic) }, () => ({ readers: [], end: 0 }));
      this.#partitionStates.set(topic, states);
    }
    const state = states[partition];
    assert(state !== undefined, `${topic} has no partition ${partition}`);
    return state;
  }

  // ---------------------------------------------------------------- in

  /** A way to pipe typed records to a topic that the topology reads; throws TOPIC_UNKNOWN for another one. */
  input<K, V>(topic: string, forms: Forms<K, V>, options: InputOptions = {}): TestInput<K, V> {
    if (!this.#partitionStates.get(topic)?.some(({ readers }) => readers.length > 0)) {
      throw new UserError('TOPIC_UNKNOWN', `the topology does not read the topic "${topic}"`, {
        hint: `It reads: ${[...this.#partitionStates.keys()].sort().join(', ')}.`,
      });
    }
    return new TestInput(forms, options, (records) => this.pipe(topic, records));
  }

  /** Writes records, keys and values as bytes, to a topic and processes all that follows from them. Several records go
   *  as one batch per partition, and are committed together. */
  pipe(topic: string, records: readonly PipedRecord<Uint8Array, Uint8Array>[]): void {
    const builders = new Map<number, BatchBuilder>();
    for (const { key = null, value = null, timestamp = this.clock.now(), headers = [], partition } of records) {
      const to = partition ?? (key === null ? 0 : partitionOfKey(key, 0, key.length, this.#countOf(topic)));
      let builder = builders.get(to);
      if (builder === undefined) builders.set(to, (builder = new BatchBuilder()));
      const keyStart = key === null ? -1 : 0;
      const valueStart = value === null ? -1 : 0;
      const headersAt = headers.length === 0 ? 0 : 1;
      builder.append(
        key ?? noBytes,
        keyStart,
        key?.length ?? -1,
        value ?? noBytes,
        valueStart,
        value?.length ?? -1,
        timestamp,
        headersAt === 0 ? noBytes : encodeHeaders(headers),
        headersAt,
      );
    }
    for (const [partition, builder] of builders) this.#sent.push({ topic, partition, bytes: builder.finish() });
    this.#run(true);
  }

  /** Moves the clock on, calls the punctuators that have become due by the wall clock, once each, and processes all
   *  that follows. */
  advanceWallClock(ms: number): void {
    this.clock.advance(ms);
    this.#run(false);
  }

  // ---------------------------------------------------------------- out

  /** A way to read what was written to a topic, typed; throws TOPIC_UNKNOWN for one that the topology neither writes
   *  nor reads. */
  output<K, V>(topic: string, forms: Forms<K, V>): TestOutput<K, V> {
    if (!this.#topics.has(topic) && !this.#topics.has(dynamicTopic) && !this.#written.has(topic)) {
      throw new UserError('TOPIC_UNKNOWN', `the topology does not write the topic "${topic}"`, {
        hint: `Its topics are: ${[...this.#topics].sort().join(', ')}.`,
      });
    }
    return new TestOutput(topic, forms, () => this.#written.get(topic) ?? []);
  }

  /** What was written to a topic since it was last read, keys and values as bytes. */
  take(topic: string): TestRecord<Uint8Array, Uint8Array>[] {
    return this.#written.get(topic)?.splice(0) ?? [];
  }

  /** Topics that were written so far, piped and internal ones included, in order of name. */
  topics(): string[] {
    return [...this.#written.keys()].sort();
  }

  /** Reads a key-value store of the topology, typed: that of a table, of a processor by its builder, or one that is
   *  named with its serdes. A table that is made of a windowed one is kept so as well, by keys with their windows. */
  keyValueStore<K, V>(store: ReadableStore<K, V>): TestStore<K, V>;
  keyValueStore<K, V>(name: string, forms: Forms<K, V>): TestStore<K, V>;
  keyValueStore<K, V>(store: string | ReadableStore<K, V>, forms?: Forms<K, V>): TestStore<K, V> {
    const form = this.#formOf(store, forms);
    return new TestStore(this.stores(form.name), form);
  }

  /** Reads a window store, typed: `get` takes the window's start. */
  windowStore<K, V>(store: ReadableWindows<K, V>): TestWindowStore<K, V>;
  windowStore<K, V>(name: string, forms: Forms<K, V>): TestWindowStore<K, V>;
  windowStore<K, V>(store: string | ReadableWindows<K, V>, forms?: Forms<K, V>): TestWindowStore<K, V> {
    const form = this.#formOf(store, forms);
    return new TestWindowStore(this.stores(form.name), form);
  }

  /** Reads a store of sessions, typed. */
  sessionStore<K, V>(store: ReadableWindows<K, V>): TestSessionStore<K, V>;
  sessionStore<K, V>(name: string, forms: Forms<K, V>): TestSessionStore<K, V>;
  sessionStore<K, V>(store: string | ReadableWindows<K, V>, forms?: Forms<K, V>): TestSessionStore<K, V> {
    const form = this.#formOf(store, forms);
    return new TestSessionStore(this.stores(form.name), form);
  }

  #formOf<K, V>(
    store: string | ReadableStore<K, V> | ReadableWindows<K, V>,
    forms: Forms<K, V> | undefined,
  ): StoreForm<K, V> {
    if (typeof store !== 'string') return formOf(store);
    if (forms === undefined)
      throw new UserError('DSL_SERDE_MISSING', `the store "${store}" is named without its serdes`, {
        hint: 'Give them as { key, value }, or give the table, or the builder of the store.',
      });
    return { name: store, ...forms };
  }

  /** A store as it is: one per partition. */
  stores(name: string): StateStore[] {
    const found = this.#stores.flat().filter((store) => store.name === name);
    if (found.length === 0) {
      throw new UserError('STORE_UNKNOWN', `the topology has no store "${name}"`, {
        hint: `Its stores are: ${[...new Set(this.#stores.flat().map((store) => store.name))].sort().join(', ') || 'none'}.`,
      });
    }
    return found;
  }

  close(): void {
    for (const task of [...this.#tasks, ...this.#globalTasks]) task.close();
  }

  // ---------------------------------------------------------------- between

  /** Processes all that there is, and all that is due by time then. `came`: records were piped. */
  #run(came: boolean): void {
    this.#work(Number.NEGATIVE_INFINITY, came);
    for (let waitMs = this.#quiet.waitMs(); waitMs !== undefined && waitMs <= 0; waitMs = this.#quiet.waitMs()) {
      this.#work(this.#quiet.pass(true), false);
    }
  }

  /** Processes all that there is. `passed`: first, stream time is moved on to here. */
  #work(passed: number, came: boolean): void {
    const looks = !came;
    let low = Number.NEGATIVE_INFINITY;
    for (let first = true; ; first = false) {
      this.#deliver();
      this.#fillGlobals();
      let worked = false;
      for (const task of this.#tasks) {
        if (this.#closing.by === 'wall clock') task.setClock(this.clock.now());
        let steps = 0;
        if (task.punctuate(this.clock.monotonic(), this.clock.now())) steps++;
        while (task.step(1_000_000, this.clock.monotonic()) > 0) steps++;
        if (steps === 0 && !(looks && first)) continue;
        worked ||= steps > 0;
        if (this.#commit(task, passed)) worked = true;
      }
      if (!worked && !first) break;
      low = this.#measure();
    }
    const commits = [...this.#commits.values()];
    this.#quiet.committed({
      came,
      due: Math.min(Number.POSITIVE_INFINITY, ...commits.map(({ due }) => due)),
      time: Math.max(Number.NEGATIVE_INFINITY, ...commits.map(({ time }) => time)),
      low,
    });
  }

  /** Answers whether the task has sent anything. */
  #commit(task: Task, passed: number): boolean {
    this.#commits.set(task, task.flush(passed));
    const sent = this.#sent.length > 0;
    const next = new Map<string, number>();
    this.#deliver();
    for (const { changelog } of task.stores) {
      if (changelog !== undefined) next.set(changelog, this.#stateOf(changelog, task.partition).end);
    }
    task.commit(next);
    return sent;
  }

  /** Answers the largest of the low watermarks. */
  #measure(): number {
    const inputs = this.#tasks.flatMap((task) => task.inputTimes());
    const outputs = this.#tasks.flatMap((task) => task.outputTimes());
    const { low } = this.#graph.measure(inputs, outputs, () => undefined);
    for (const task of this.#tasks) task.setLow(low);
    return Math.max(Number.NEGATIVE_INFINITY, ...low.subTopologies);
  }

  /** Gives batches their offsets, keeps their records for `output`, and offers them to the tasks that read the
   *  topic. */
  #deliver(): void {
    const sent = this.#sent;
    this.#sent = [];
    for (const { topic, partition, bytes } of sent) {
      const state = this.#stateOf(topic, partition);
      stampBatch(bytes, { baseOffset: state.end, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
      state.end = nextOffsetOf(bytes, 0);
      this.#record(topic, partition, bytes);
      const { end } = state;
      for (const { task, input } of state.readers) {
        const chunk: LentBatches = {
          topic,
          partition,
          bytes,
          batches: [0],
          nextOffset: end,
          offsets: { start: 0, stable: end, end },
          release() {},
        };
        task.offer(input.index, this.#blocks.decode(chunk, input.fetchOffset), end);
      }
    }
  }

  #record(topic: string, partition: number, bytes: Uint8Array): void {
    const columns = new RecordColumns(16);
    columns.reset(bytes);
    decodeBatch(bytes, 0, columns, 0);
    let written = this.#written.get(topic);
    if (written === undefined) this.#written.set(topic, (written = []));
    for (let row = 0; row < columns.count; row++) {
      const { key, value, timestamp, offset } = columns.record(row);
      const headers = withoutOriginTime(readHeaders(bytes, columns.headersAt[row] as number));
      written.push({ key, value, timestamp, headers, partition, offset });
    }
  }
}

/** The partitions of the topics that are read: as many as a repartition asks for that they have to be partitioned
 *  like, otherwise `usual`. */
const partitionsAsked = (topology: Topology, usual: number): ((topic: string) => number) => {
  const asked = new Map(topology.repartitions.map(({ topic, partitions }) => [topic, partitions]));
  const counts = new Map<string, number>();
  for (const { sources, stores } of topology.subTopologies()) {
    if (stores.length === 0) continue;
    const count = sources.map(({ repartition, topic }) => (repartition ? asked.get(topic) : undefined)).find(Boolean);
    for (const { repartition, topic } of sources) if (!repartition && count !== undefined) counts.set(topic, count);
  }
  return (topic) => counts.get(topic) ?? usual;
};
