/**
 * A task: one sub-topology over one partition of its topics, stepped from outside.
 *
 * It does no I/O and has no clock. Its driver (a host of the runtime, the test driver) offers decoded blocks to its
 * inputs, calls `step`, takes the batches that come out through the `Outbox`, and ends transactions. One round:
 *
 *   for (const input of task.wants()) task.offer(input, block, readableEnd)     or  task.sawEnd(input, nextOffset, readableEnd)
 *   while (task.step(1000) > 0);
 *   const { positions } = task.flush();        … outbox batches, changelog included, and positions go to the log as one transaction …
 *   task.commit(nextOffsetsOfChangelogs);      or  task.rollback(committedPositions)
 *
 * Order. A record goes through the whole sub-topology before the next one. Between inputs the head record with the
 * lowest time is next (`input-order.ts`). `step` works in runs: the longest range of one block that stays lowest is
 * handed to the source at once, so one input costs nothing per record.
 *
 * Failure. When `step` or `flush` throws, the transaction is lost: the driver rolls back. `rollback` empties queues and
 * builders, gives stores their committed values, and sets the positions given; the same records then bring the same
 * outputs.
 */

import { assert, type BufferPool, messageOf } from '../../base/index.ts';
import type { Block } from '../block.ts';
import type { DropReason, SourceOperator } from '../operator.ts';
import type { OperatorTime } from '../operator-time.ts';
import { RecordOrigin } from '../origin-time.ts';
import {
  isEngineFailure,
  ProcessingError,
  type ProcessingFailure,
  type ProcessingPolicy,
} from '../processing-error.ts';
import type { StreamRecord } from '../record.ts';
import type { StateStore } from '../stores/state-store.ts';
import type { StoreSpec } from '../stores/store.ts';
import { changelogTopic, type SubTopology, taskIdOf, topicOf } from '../topology-nodes.ts';
import { type DropSink, originalOf, TaskCounters } from './drops.ts';
import { InputOrder } from './input-order.ts';
import type { PartitionPosition } from './partition-position.ts';
import { type Outbox, type OutputTopic, PartitionedWriter, type WriterOrigins } from './partitioned-writer.ts';
import { Punctuators } from './punctuators.ts';
import { keepStoreSchema } from './store-schema.ts';
import { BufferedInput, type Preparation, type TaskInput } from './task-input.ts';
import { makeNodes, type TaskNode } from './task-nodes.ts';
import { restoreTaskTimes, writeTaskTimes } from './task-times.ts';
import { type InputTime, type LowWatermarks, type OutputTime, timedSources } from './watermarks.ts';

export interface TaskOptions {
  readonly subTopology: SubTopology;
  readonly applicationId: string;
  readonly partition: number;
  /** Opened and restored before the first `step`; asked once for each store of the sub-topology. */
  readonly stores: (spec: StoreSpec) => StateStore;
  /** Global stores, which its nodes may read. */
  readonly globals?: ReadonlyMap<string, StateStore>;
  /** By full name: topics of sinks, of repartitions and of changelogs. */
  readonly outputs: (topic: string) => OutputTopic;
  /** For sinks whose records name their topics: whether `outputs` answers for this one; `asked`: at the next `flush` it
   *  is known; undefined: it does not exist. Left out: every topic is known. */
  readonly lookUp?: (topic: string) => 'known' | 'asked' | undefined;
  readonly outbox: Outbox;
  readonly drops: DropSink;
  readonly counters?: TaskCounters;
  /** Left out: the driver cannot wait, and no source may need it to. */
  readonly preparation?: Preparation;
  /** Where batches are built; without it each batch gets a buffer of its own. */
  readonly buffers?: BufferPool;
  /** Whether a source topic (full name) has this task's partition; left out: all have. */
  readonly reads?: (topic: string) => boolean;
  /** Number of tasks of the sub-topology; default 1. */
  readonly tasks?: number;
  /** Whether operators merge updates of a key between commits. Default false. */
  readonly cachesResults?: boolean;
  /** How long the task waits for an input that has nothing to read while others have; default 0
   *  (`input-order.ts`). */
  readonly maxIdleMs?: number;
  /** Wall time in epoch milliseconds, for processors that ask; left out: none of them may. */
  readonly now?: () => number;
  /** What becomes of a record that a node has failed on. Default: the task fails (`../processing-error.ts`). */
  readonly processingPolicy?: ProcessingPolicy;
}

export interface TaskCommit {
  readonly positions: readonly PartitionPosition[];
  /** Records processed in this transaction: without any there is nothing to commit but, maybe, moved positions. */
  readonly records: number;
  /** The stream time from which on something is sent without a record; Infinity: nothing waits. */
  readonly due: number;
  /** The largest time that an operator has seen, or was passed on to; −Infinity: none. */
  readonly time: number;
  readonly inputs: readonly InputTime[];
  readonly outputs: readonly OutputTime[];
}

const noKeys = { bytes: new Uint8Array(0), keyStart: new Int32Array(0), keyEnd: new Int32Array(0) };

/** A store of the task, and where its changes are written. */
interface TaskStore {
  readonly store: StateStore;
  /** Topic (full name) and writer of its changelog; undefined for a store that is not logged. */
  readonly changelog: string | undefined;
  readonly writer: PartitionedWriter | undefined;
}

export class Task {
  readonly id: string;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly counters: TaskCounters;
  /** The stores, in the order of the sub-topology, and the changelog topics (full names) of those that are logged. */
  readonly stores: readonly Pick<TaskStore, 'store' | 'changelog'>[];
  readonly #stores: readonly TaskStore[];
  readonly #inputs: readonly BufferedInput[];
  readonly #order: InputOrder;
  /** Those by which time goes. */
  readonly #timed: readonly BufferedInput[];
  readonly #processors: readonly TaskNode[];
  readonly #times: readonly OperatorTime[];
  /** Sources that work out the times of their records, and keep a partition time. */
  readonly #ownTimes: SourceOperator[] = [];
  readonly #outputs: readonly PartitionedWriter[];
  readonly #punctuators = new Punctuators();
  /** A node may schedule punctuators at any record. */
  readonly #oneByOne: boolean;
  /** Of the record that is being processed. */
  readonly #origin = new RecordOrigin();
  /** Tasks of the sub-topology. */
  readonly #tasks: number;
  readonly #drops: DropSink;
  readonly #processingPolicy: ProcessingPolicy | undefined;
  /** A processor has asked for a commit since the last one. */
  commitAsked = false;
  readonly #inHand = { index: 0 };
  #currentInput: BufferedInput | undefined;
  #currentBlock: Block | undefined;
  #records = 0;
  /** Punctuators were called since the last commit. */
  #punctuated = false;
  readonly #pendingDrops = new Map<DropReason, number>();

  constructor(options: TaskOptions) {
    const { subTopology, applicationId, partition, outbox, buffers, tasks = 1 } = options;
    this.id = taskIdOf(subTopology.id, partition);
    this.subTopology = subTopology;
    this.partition = partition;
    this.counters = options.counters ?? new TaskCounters();
    this.#drops = options.drops;
    this.#processingPolicy = options.processingPolicy;
    this.#tasks = tasks;
    const writerOf = (topic: string, origins?: WriterOrigins): PartitionedWriter =>
      new PartitionedWriter({ topic, output: options.outputs(topic), outbox, buffers, origins });

    this.#stores = subTopology.stores.map((spec) => {
      const changelog = spec.logged === false ? undefined : changelogTopic(applicationId, spec.name);
      const writer = changelog === undefined ? undefined : writerOf(changelog);
      return { store: options.stores(spec), changelog, writer };
    });
    this.stores = this.#stores;
    for (const { store } of this.#stores) store.follow(this.#inHand);

    const inputs = inputsOf(options);
    this.#inputs = [...new Set(inputs.values())];
    this.#order = new InputOrder(this.#inputs, options.maxIdleMs ?? 0);
    const timed = timedSources(subTopology).map((source) => topicOf(applicationId, source));
    this.#timed = this.#inputs.filter(({ topic }) => timed.includes(topic));

    const { processors, sources, outputs, times } = makeNodes({
      subTopology,
      scope: {
        applicationId,
        taskId: this.id,
        partition,
        cachesResults: options.cachesResults ?? false,
        globals: options.globals ?? new Map(),
        origin: this.#origin,
        drop: (node, reason, record, detail) => this.#drop(node, reason, record, detail),
        schedule: (punctuation, callback) => this.#punctuators.schedule(punctuation, callback),
        failed: (node, record, error) => this.#failed(node, record, error),
        inputTopic: () => this.#currentInput?.topic,
        requestCommit: () => {
          this.commitAsked = true;
        },
        systemTime: () => {
          assert(options.now !== undefined, `the driver of task ${this.id} gives it no clock`);
          return options.now();
        },
      },
      tasks,
      stores: new Map(this.#stores.map(({ store }) => [store.name, store])),
      reads: (source) => inputs.has(source),
      writerOf,
      lookUp: options.lookUp ?? (() => 'known'),
    });
    this.#processors = processors;
    this.#outputs = outputs;
    this.#times = times;
    this.#oneByOne = subTopology.nodes.some((node) => node.node === 'processor' && node.schedules);
    for (const [name, input] of inputs) {
      const source = sources.get(name);
      if (source === undefined) continue;
      input.sources.push(source);
      if (source.partitionTime !== undefined) this.#ownTimes.push(source);
    }
  }

  get inputs(): readonly TaskInput[] {
    return this.#inputs;
  }

  // ---------------------------------------------------------------- reading

  /** Where to begin: for each input the committed position, or where a new group starts. */
  start(positions: readonly PartitionPosition[]): void {
    this.#noRecord();
    for (const { start } of this.#processors) start();
    this.#order.start();
    for (const input of this.#inputs) {
      const found = positions.find(({ topic, partition }) => topic === input.topic && partition === input.partition);
      assert(found !== undefined, `task ${this.id} has no position for ${input.topic}-${input.partition}`);
      assert(found.offset >= 0, `task ${this.id} is to begin at offset ${found.offset} of ${input.topic}`);
      input.start(found.offset);
      this.#forgetBlock(input);
      if (input.index > 0) continue;
      const { metadata } = found;
      const { streamTime, partitionTimes } = restoreTaskTimes(this.#outputs, metadata);
      for (const [index, source] of this.#ownTimes.entries()) source.start?.(partitionTimes[index] ?? -1);
      this.#punctuators.start(streamTime);
    }
  }

  /** Releases the blocks that wait, so that reading begins again at the positions; nothing may be pending. */
  releaseBlocks(): void {
    assert(this.#records === 0, `task ${this.id} releases its blocks within a transaction`);
    for (const input of this.#inputs) {
      input.start(input.position);
      this.#forgetBlock(input);
    }
  }

  /** The inputs that can take a block: read them from their `fetchOffset`. */
  wants(): TaskInput[] {
    return this.#inputs.filter((input) => input.wanting);
  }

  /** Gives a block to an input. The input's `fetchOffset` lies in it; records before that are skipped. The task
   *  releases the block when it is done with it (retain it first to keep it). `readableEnd` is the offset up to which
   *  the partition could be read at that moment. */
  offer(input: number, block: Block, readableEnd: number): void {
    this.#input(input).offer(block, readableEnd);
  }

  /** There is nothing to read for an input between its `fetchOffset` and `nextOffset`; `readableEnd` as in `offer`, or
   *  −1 where it is not known any more. */
  sawEnd(input: number, nextOffset: number, readableEnd: number): void {
    this.#input(input).sawEnd(nextOffset, readableEnd);
  }

  #input(index: number): BufferedInput {
    const input = this.#inputs[index];
    assert(input !== undefined, `task ${this.id} has no input ${index}`);
    return input;
  }

  /** Records [from, to) of an input, which were next, were deleted: counts and reports them within this transaction,
   *  and continues at `to`. */
  lost(input: number, from: number, to: number, detail: string): void {
    const { topic, partition } = this.#input(input);
    const reason = 'deleted';
    this.#countDrops(reason, to - from);
    this.#drops.drop({
      reason,
      taskId: this.id,
      node: this.subTopology.sources.find((source) => source.topic === topic)?.name ?? '',
      topic,
      partition,
      offset: from,
      timestamp: 0,
      detail,
      key: null,
      value: null,
      headers: [],
    });
    // It is reported once: the new position is committed, whether a record follows or not.
    this.#records++;
    this.sawEnd(input, to, -1);
  }

  /** The next offset to process. */
  position(input: number): number {
    return this.#input(input).position;
  }

  /** All inputs are read to their end, as far as is known. */
  get drained(): boolean {
    for (const input of this.#inputs) if (!input.drained) return false;
    return true;
  }

  // ---------------------------------------------------------------- stepping

  /** Processes up to about `maxRecords` records; answers how many. 0: there is nothing to do before more is offered, or
   *  `idleUntil` has come. `elapsed`: milliseconds of a clock that never jumps, where `maxIdleMs` is above 0. */
  step(maxRecords: number, elapsed = 0): number {
    let done = 0;
    while (done < maxRecords) {
      const input = this.#order.next(elapsed);
      if (input === undefined) break;
      done += this.#run(input, maxRecords - done);
    }
    this.#records += done;
    this.counters.recordsRead += done;
    return done;
  }

  /** Runs the input's first block as long as its records stay first in time; answers how many. */
  #run(input: BufferedInput, atMost: number): number {
    const block = input.head();
    const from = input.row;
    const count = block.columns.count;
    let to = Math.min(count, from + atMost);
    this.#origin.carried = false;
    this.#origin.time = Number.NEGATIVE_INFINITY;
    if (block.carriesTimes) to = Math.min(to, this.#endOfKind(input, block));
    if (this.#inputs.length > 1) to = this.#order.endOfRun(input, to);

    const punctuators = this.#punctuators;
    const ticks = punctuators.usesStreamTime || this.#oneByOne;
    if (this.#oneByOne) to = from + 1;
    else if (ticks && !this.#origin.carried) {
      to = Math.min(to, input.firstAfter(block, from, to, punctuators.streamDue - 1) + 1);
    }

    this.#currentInput = input;
    this.#currentBlock = block;
    this.#inHand.index = input.index;
    if (!input.announced) {
      input.announced = true;
      for (const { store } of this.#stores) store.expect(block.columns, from, count, input.index);
    }
    const { sources } = input;
    if (sources.length === 1) (sources[0] as SourceOperator).run(block, from, to);
    else for (let row = from; row < to; row++) for (const source of sources) source.run(block, row, row + 1);
    this.#currentBlock = undefined;
    if (ticks) {
      let time = Number.NEGATIVE_INFINITY;
      for (let row = from; row < to; row++) time = Math.max(time, input.timeAt(block, row));
      punctuators.took(Math.min(time, this.#origin.clock), this.#origin.carried);
    }
    input.advance(to);
    if (!input.announced) this.#forgetBlock(input);
    if (ticks) this.#punctuateByStreamTime();
    return to - from;
  }

  /** The memory of an input's block may come to hold another one. */
  #forgetBlock({ index }: BufferedInput): void {
    for (const { store } of this.#stores) store.expect(noKeys, 0, 0, index);
  }

  /** The row up to which batches come with origin times like that of the next row, or without like it. */
  #endOfKind(input: BufferedInput, block: Block): number {
    while (block.batchRow(input.batch + 1) <= input.row) input.batch++;
    let { batch } = input;
    const carried = !Number.isNaN(block.batchLow(batch));
    this.#origin.carried = carried;
    while (++batch < block.batchCount && !Number.isNaN(block.batchLow(batch)) === carried);
    return block.batchRow(batch);
  }

  /** The `elapsed` from which `step` may do more than it did last, though nothing came meanwhile: it waits for an input
   *  no longer than that. Infinity: it does not. */
  get idleUntil(): number {
    return this.#order.idleUntil;
  }

  // ---------------------------------------------------------------- punctuators

  /** When punctuators are due by the wall clock next: the `elapsed` at which the driver is to call `punctuate`, or
   *  calls it for the first time (−Infinity). Infinity: there are none. */
  get punctuateAt(): number {
    return this.#punctuators.wallDue;
  }

  /** Calls the punctuators that are due by the wall clock; answers whether there were any. Between steps only.
   *  `elapsed`: milliseconds of a clock that never jumps; `now`: epoch milliseconds. */
  punctuate(elapsed: number, now: number): boolean {
    this.#noRecord();
    if (!this.#punctuators.fireByWallClock(elapsed, now)) return false;
    this.#punctuated = true;
    return true;
  }

  #punctuateByStreamTime(): void {
    this.#noRecord();
    if (this.#punctuators.fireByStreamTime()) this.#punctuated = true;
  }

  /** What comes now is made of no record. */
  #noRecord(): void {
    this.#currentInput = undefined;
    this.#origin.time = Number.NEGATIVE_INFINITY;
  }

  // ---------------------------------------------------------------- transactions

  /** Hands over what was written to repartition topics so far, for those who read them within the transaction. */
  handOverRepartitions(): void {
    for (const output of this.#outputs) if (output.repartition) output.handOver();
  }

  /** Hands over all that was written to output and repartition topics so far. */
  handOver(): void {
    for (const output of this.#outputs) output.handOver();
  }

  /** Where windows close by the wall clock: what it shows, epoch milliseconds. */
  setClock(now: number): void {
    this.#origin.clock = now;
  }

  /** Ends the work of a transaction: moves stream time on, at least to `passed` (`quiet-time.ts`), flushes processors,
   *  writes the changelogs, hands over every batch begun. */
  flush(passed = Number.NEGATIVE_INFINITY): TaskCommit {
    for (const time of this.#times) time.advance(this.#origin, passed);
    this.#punctuators.advance(this.#origin.low, passed);
    this.#punctuateByStreamTime();
    for (const { flush } of this.#processors) flush?.();
    if (this.#worked) {
      for (const time of this.#times) time.keep();
      for (const { store, writer } of this.#stores) if (writer !== undefined) keepStoreSchema(store);
    }
    for (const changed of this.#stores) this.#writeChangelog(changed);
    for (const output of this.#outputs) output.handOver();
    const { usesStreamTime, streamTime } = this.#punctuators;
    const metadata = writeTaskTimes({
      outputs: this.#tasks === 1 ? [] : this.#outputs,
      streamTime: usesStreamTime ? streamTime : Number.NEGATIVE_INFINITY,
      partitionTimes: this.#ownTimes.map((source) => source.partitionTime?.() ?? -1),
    });
    const positions: PartitionPosition[] = this.#inputs.map(({ index, topic, partition, position }) =>
      index > 0 || metadata === undefined
        ? { topic, partition, offset: position }
        : { topic, partition, offset: position, metadata },
    );
    return {
      positions,
      records: this.#records,
      due: this.#due(),
      time: this.#latest(),
      inputs: this.inputTimes(),
      outputs: this.outputTimes(),
    };
  }

  /** There is something to commit. Times that have only been passed on are kept with what comes next: nothing was
   *  decided by them yet. */
  get #worked(): boolean {
    return (
      this.#records > 0 ||
      this.#punctuated ||
      this.#stores.some(({ store }) => store.changed() > 0) ||
      this.#outputs.some(({ records }) => records > 0)
    );
  }

  #due(): number {
    let due = this.#punctuators.streamDue;
    for (const { processor } of this.#processors) due = Math.min(due, processor.due?.() ?? due);
    return due;
  }

  #latest(): number {
    let latest = this.#punctuators.streamTime;
    for (const time of this.#times) latest = Math.max(latest, time.latest);
    return latest;
  }

  #writeChangelog({ store, changelog, writer }: TaskStore): void {
    if (writer === undefined || store.changed() === 0) return;
    const { partition } = this;
    store.writeChangelog((key, keyStart, keyEnd, value, valueStart, valueEnd, view) => {
      const written = writer.append(
        partition,
        key,
        keyStart,
        keyEnd,
        value,
        valueStart,
        valueEnd,
        0,
        undefined,
        undefined,
        view,
      );
      assert(written, () => `an entry of the store ${store.name} is larger than a batch of ${changelog} may be`);
    });
    writer.handOver();
  }

  inputTimes(): InputTime[] {
    const { id: subTopology } = this.subTopology;
    let known = Number.NEGATIVE_INFINITY;
    for (const time of this.#times) known = Math.max(known, time.read);
    return this.#timed.map(({ topic, partition, position, time, carried, drained }) => ({
      subTopology,
      topic,
      partition,
      position,
      time,
      known,
      carried,
      drained,
    }));
  }

  /** Topics (full names) of the task's sinks, with the records committed there. */
  outputCounts(): { readonly topic: string; readonly records: number }[] {
    return this.#outputs.map(({ topic, committedRecords: records }) => ({ topic, records }));
  }

  /** Its nodes between sources and sinks, with the records that they have got. */
  innerCounts(): { readonly node: string; readonly records: number }[] {
    const sinks = new Set(this.subTopology.sinks.map(({ name }) => name));
    return this.#processors
      .filter(({ name }) => !sinks.has(name))
      .map(({ name, received }) => ({ node: name, records: received() }));
  }

  outputTimes(): OutputTime[] {
    const { id: subTopology } = this.subTopology;
    const { drained } = this;
    return this.#outputs
      .filter(({ ownTime }) => ownTime)
      .map(({ topic, latest, records }) => ({
        subTopology,
        topic,
        time: latest,
        idle: drained || (records === 0 && this.#records > 0),
      }));
  }

  /** As of the last commit: what is written and flushed from now on goes by it. */
  setLow({ subTopologies, mixed, ownTimes }: LowWatermarks): void {
    const { id } = this.subTopology;
    const low = subTopologies[id] ?? Number.NEGATIVE_INFINITY;
    this.#origin.low = mixed[id] === false ? Number.POSITIVE_INFINITY : low;
    for (const output of this.#outputs) {
      output.low = output.ownTime ? (ownTimes.get(output.topic) ?? Number.NEGATIVE_INFINITY) : low;
    }
  }

  /** The transaction of the last `flush` is committed. `changelogNextOffsets`: by changelog topic (full name), the
   *  offset after what the flush wrote there; topics that got nothing may be left out. */
  commit(changelogNextOffsets: ReadonlyMap<string, number>): void {
    for (const { store, changelog } of this.#stores) {
      if (store.changed() === 0) continue;
      const next = changelog === undefined ? 0 : changelogNextOffsets.get(changelog);
      assert(next !== undefined, `task ${this.id} does not get the changelog offset of the store ${store.name}`);
      store.commit(next);
    }
    for (const output of this.#outputs) {
      this.counters.recordsOut += output.records;
      output.commit();
    }
    for (const input of this.#inputs) input.commit();
    this.#punctuators.commit();
    this.#punctuated = false;
    this.commitAsked = false;
    for (const [reason, count] of this.#pendingDrops) {
      this.counters.drops.set(reason, (this.counters.drops.get(reason) ?? 0) + count);
    }
    this.#pendingDrops.clear();
    this.#records = 0;
  }

  /** Undoes everything since the last commit and reads again from these positions. Blocks and unfinished batches are
   *  released. */
  rollback(positions: readonly PartitionPosition[]): void {
    this.#currentBlock = undefined;
    for (const { store, writer } of this.#stores) {
      store.rollback();
      writer?.discard();
    }
    for (const output of this.#outputs) output.discard();
    for (const time of this.#times) time.rollback();
    this.#punctuators.rollback();
    this.#punctuated = false;
    this.commitAsked = false;
    for (const { processor } of this.#processors) processor.rollback?.();
    this.#pendingDrops.clear();
    this.#records = 0;
    this.start(positions);
  }

  /** Releases blocks, and closes processors and sources. Stores are closed by their opener. */
  close(): void {
    for (const { processor } of this.#processors) processor.close?.();
    for (const input of this.#inputs) {
      input.clear();
      for (const source of input.sources) source.close?.();
    }
    for (const output of this.#outputs) output.discard();
    for (const { writer } of this.#stores) writer?.discard();
  }

  // ---------------------------------------------------------------- failures and drops

  /** A node has thrown. Answers where the policy is to continue without the record; undefined: that cannot be. */
  #failed(node: string, record: StreamRecord<unknown> | undefined, error: unknown): void {
    if (isEngineFailure(error)) throw error;
    const topic = record !== undefined && record.offset >= 0 ? (this.#currentInput?.topic ?? '') : '';
    const original =
      record === undefined ? { key: null, value: null, headers: [] } : originalOf(record, this.#currentBlock);
    const failure: ProcessingFailure = {
      taskId: this.id,
      node,
      topic,
      partition: topic === '' ? -1 : (record?.partition ?? -1),
      offset: topic === '' ? -1 : (record?.offset ?? -1),
      timestamp: record?.timestamp ?? 0,
      ...original,
      error,
    };
    if (record === undefined || this.#processingPolicy?.(failure) !== 'continue') throw new ProcessingError(failure);
    this.#drop(node, 'processing', record, messageOf(error));
  }

  #countDrops(reason: DropReason, count: number): void {
    this.#pendingDrops.set(reason, (this.#pendingDrops.get(reason) ?? 0) + count);
  }

  /** Counts and reports what a node left out, with the original bytes where the record is found in the block. */
  #drop(node: string, reason: DropReason, record: StreamRecord<unknown>, detail: string): void {
    this.#countDrops(reason, 1);
    this.#drops.drop({
      reason,
      taskId: this.id,
      node,
      topic: this.#currentInput?.topic ?? '',
      partition: record.offset >= 0 ? record.partition : -1,
      offset: record.offset,
      timestamp: record.timestamp,
      detail,
      ...originalOf(record, this.#currentBlock),
    });
  }
}

/** The inputs of a task, by name of the source: sources of one topic share an input. Tables come first, so that the
 *  earlier of two equal times is the table's. */
const inputsOf = (options: TaskOptions): ReadonlyMap<string, BufferedInput> => {
  const { subTopology, applicationId, partition, reads } = options;
  const byTopic = new Map<string, BufferedInput>();
  const bySource = new Map<string, BufferedInput>();
  const sources = [...subTopology.sources].sort((a, b) => Number(b.kind === 'table') - Number(a.kind === 'table'));
  for (const source of sources) {
    const topic = topicOf(applicationId, source);
    if (reads?.(topic) === false) continue;
    let input = byTopic.get(topic);
    if (input === undefined) {
      const { kind, repartition } = source;
      input = new BufferedInput(byTopic.size, { topic, kind, repartition }, partition, options.preparation);
      byTopic.set(topic, input);
    }
    if (source.bootstrap) input.bootstrap = true;
    bySource.set(source.name, input);
  }
  return bySource;
};
