/**
 * A task: one sub-topology over one partition of its topics, stepped from outside.
 *
 * It does no I/O and has no clock. Whoever drives it (a host of the runtime, the test driver) offers decoded blocks to
 * its inputs, calls `step`, takes the batches that come out through the `Outbox`, and ends transactions. One round:
 *
 *   for (const input of task.wants()) task.offer(input, block, readableEnd)     or  task.sawEnd(input, nextOffset, readableEnd)
 *   while (task.step(1000) > 0);
 *   const { positions } = task.flush();        … outbox batches, changelog included, and positions go to the log as one transaction …
 *   task.commit(nextOffsetsOfChangelogs);      or  task.rollback(committedPositions)
 *
 * Order. A record goes through the whole sub-topology before the next one. Between inputs the head record with the
 * lowest timestamp is next, tables before streams where timestamps are equal, then in the order of the sources. An
 * input that has nothing buffered but is behind its partition's readable end (or does not know it) makes the task wait,
 * so that what is there is merged in order of time (Kafka's `max.task.idle.ms` = 0); at its end the others go on
 * without it. `step` works in runs: the longest range of one block that stays lowest is handed to the source at once,
 * so one input costs nothing per record.
 *
 * Failure. When `step` or `flush` throws, the transaction is lost: the driver rolls back. `rollback` empties queues and
 * builders, gives stores their committed values, and sets the positions given; the same records then bring the same
 * outputs.
 */

import { assert, type BufferPool, ByteWriter } from '../../base/index.ts';
import type { Block } from '../block.ts';
import { OperatorTime } from '../operator-time.ts';
import { RecordOrigin, takeHeaders } from '../origin-time.ts';
import {
  type DropReason,
  PreparationError,
  type Processor,
  type ProcessorContext,
  type SourceProcessor,
  type TopicWriter,
} from '../processor.ts';
import type { StreamRecord } from '../record.ts';
import type { StateStore } from '../stores/state-store.ts';
import type { KeyValueStore, StoreSpec, WindowStore } from '../stores/store.ts';
import { changelogTopic, resultTopic, type SourceKind, type SubTopology, taskIdOf, topicOf } from '../topology.ts';
import { type Outbox, type OutputTopic, PartitionedWriter, type WriterOrigins } from './partitioned-writer.ts';
import { type InputTime, type LowWatermarks, type OutputTime, timedSources } from './watermarks.ts';

/** Blocks that an input may have waiting before it wants no more. */
const blocksAhead = 2;

/** A record, or a part of one, that was left out. `key` and `value` are copies of the original bytes, null where there
 *  are none or they are not known. */
export interface Drop {
  readonly reason: DropReason;
  readonly taskId: string;
  /** The node that left it out. */
  readonly node: string;
  readonly topic: string;
  readonly partition: number;
  /** −1 where not known. */
  readonly offset: number;
  readonly timestamp: number;
  readonly detail: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Takes what was left out, within the open transaction: after a rollback the same drops come again. */
export interface DropSink {
  drop(drop: Drop): void;
}

/** What a task has done. `recordsRead` counts as it happens (again after a rollback), the others count what is
 *  committed. */
export class TaskCounters {
  recordsRead = 0;
  recordsOut = 0;
  readonly drops = new Map<DropReason, number>();
}

export interface TaskOptions {
  readonly subTopology: SubTopology;
  readonly applicationId: string;
  readonly partition: number;
  /** Opened and restored before the first `step`; asked once for each store of the sub-topology. */
  readonly stores: (spec: StoreSpec) => StateStore;
  /** By full name: topics of sinks, of repartitions and of changelogs. */
  readonly outputs: (topic: string) => OutputTopic;
  readonly outbox: Outbox;
  readonly drops: DropSink;
  readonly counters?: TaskCounters;
  /** Told when a block that a source had to prepare (`SourceProcessor.prepare`) can be stepped, or why it cannot. Left
   *  out: the driver cannot wait, and no source may need it to. */
  readonly preparation?: { ready(): void; failed(error: unknown): void };
  /** Where batches are built; without it each batch gets a buffer of its own. */
  readonly buffers?: BufferPool;
  /** Number of partitions of a source topic (full name), where it may have fewer than the sub-topology has tasks. */
  readonly sourcePartitions?: (topic: string) => number;
  /** Number of tasks of the sub-topology; default 1. */
  readonly tasks?: number;
}

export interface TaskPosition {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last record that was processed. */
  readonly offset: number;
  /** What the task must find again with its positions: the times of its outputs. */
  readonly metadata?: string;
}

export interface TaskCommit {
  readonly positions: readonly TaskPosition[];
  /** Records processed in this transaction: with none of them there is nothing to commit but, maybe, moved positions.
   *  */
  readonly records: number;
  readonly inputs: readonly InputTime[];
  readonly outputs: readonly OutputTime[];
}

/** One source partition of a task, as the driver sees it. */
export interface TaskInput {
  /** Its place in `task.inputs`. */
  readonly index: number;
  readonly topic: string;
  readonly partition: number;
  readonly kind: SourceKind;
  readonly repartition: boolean;
  /** The next offset to process; −1 before `start`. */
  readonly position: number;
  /** Where to read on: behind all that was offered. */
  readonly fetchOffset: number;
  /** Another block may be offered. */
  readonly wanting: boolean;
  /** Nothing is buffered and the readable end is reached. */
  readonly drained: boolean;
}

const unknownEnd = -1;

const timesPrefix = 'times ';

class Input implements TaskInput {
  readonly index: number;
  readonly topic: string;
  readonly partition: number;
  readonly kind: SourceKind;
  readonly repartition: boolean;
  readonly sources: SourceProcessor[] = [];
  readonly queue: Block[] = [];
  /** Blocks of the queue that a source still prepares. */
  readonly preparing = new Map<Block, Promise<unknown>>();
  /** Row of the first block that is next. */
  row = 0;
  /** Batch of the first block that `row` lies in. */
  batch = 0;
  position = -1;
  fetchOffset = -1;
  readableEnd = unknownEnd;
  /** See `InputTime`. */
  time = Number.NEGATIVE_INFINITY;
  carried = false;
  #committedTime = Number.NEGATIVE_INFINITY;
  #committedCarried = false;

  constructor(index: number, topic: string, partition: number, kind: SourceKind, repartition: boolean) {
    this.index = index;
    this.topic = topic;
    this.partition = partition;
    this.kind = kind;
    this.repartition = repartition;
  }

  /** The first block can be stepped; there is one. */
  get prepared(): boolean {
    return this.preparing.size === 0 || !this.preparing.has(this.queue[0] as Block);
  }

  get atEnd(): boolean {
    return this.readableEnd !== unknownEnd && this.fetchOffset >= this.readableEnd;
  }

  get wanting(): boolean {
    return this.queue.length < blocksAhead;
  }

  get drained(): boolean {
    return this.queue.length === 0 && this.atEnd;
  }

  /** Event time of the next record; there is one. */
  headTime(): number {
    return this.timeAt(this.queue[0] as Block, this.row);
  }

  timeAt(block: Block, row: number): number {
    const source = this.sources[0] as SourceProcessor;
    return source.timestampAt === undefined ? (block.columns.timestamp[row] as number) : source.timestampAt(block, row);
  }

  /** The first of the rows [from, to) whose time lies after `bound`, else `to`. */
  firstAfter(block: Block, from: number, to: number, bound: number): number {
    let row = from;
    if ((this.sources[0] as SourceProcessor).timestampAt !== undefined) {
      while (row < to && this.timeAt(block, row) <= bound) row++;
      return row;
    }
    const { timestamp } = block.columns;
    while (row < to && (timestamp[row] as number) <= bound) row++;
    return row;
  }

  /** Takes note of the rows up to `to`, which were processed. */
  passed(block: Block, to: number): void {
    this.carried = false;
    if (block.carriesTimes) {
      while (block.batchRow(this.batch + 1) < to) this.batch++;
      const low = block.batchLow(this.batch);
      this.carried = !Number.isNaN(low);
      if (this.carried) this.time = low;
    }
    if (!this.carried) this.time = this.timeAt(block, to - 1);
  }

  commit(): void {
    this.#committedTime = this.time;
    this.#committedCarried = this.carried;
  }

  clear(): void {
    for (const block of this.queue) block.release();
    this.queue.length = 0;
    this.preparing.clear();
    this.row = 0;
    this.batch = 0;
    this.readableEnd = unknownEnd;
    this.time = this.#committedTime;
    this.carried = this.#committedCarried;
  }
}

export class Task {
  readonly id: string;
  readonly subTopology: SubTopology;
  readonly partition: number;
  readonly inputs: readonly TaskInput[];
  readonly counters: TaskCounters;
  /** The stores, in the order of the sub-topology, and the changelog topics (full names) of those that are logged. */
  readonly stores: readonly { readonly store: StateStore; readonly changelog: string | undefined }[];
  readonly #inputs: Input[] = [];
  /** Those by which time goes. */
  readonly #timed: readonly Input[];
  readonly #processors: Processor<unknown>[] = [];
  readonly #times: OperatorTime[] = [];
  readonly #outputs: PartitionedWriter[] = [];
  readonly #changelogs: {
    readonly store: StateStore;
    readonly topic: string | undefined;
    readonly writer: PartitionedWriter | undefined;
  }[] = [];
  /** Of the record in hand. */
  readonly #origin = new RecordOrigin();
  /** The low watermark of the sub-topology, as of the last commit; Infinity where no origins are mixed. */
  #low = Number.POSITIVE_INFINITY;
  /** Tasks of the sub-topology. */
  readonly #tasks: number;
  readonly #drops: DropSink;
  readonly #preparation: TaskOptions['preparation'];
  #currentInput: Input | undefined;
  #currentBlock: Block | undefined;
  #records = 0;
  #pendingDrops = new Map<DropReason, number>();

  constructor(options: TaskOptions) {
    const { subTopology, applicationId, partition } = options;
    this.id = taskIdOf(subTopology.id, partition);
    this.subTopology = subTopology;
    this.partition = partition;
    this.counters = options.counters ?? new TaskCounters();
    this.#drops = options.drops;
    this.#preparation = options.preparation;

    const { outbox, buffers, tasks = 1 } = options;
    this.#tasks = tasks;
    const writerOf = (topic: string, origins?: WriterOrigins): PartitionedWriter =>
      new PartitionedWriter({ topic, output: options.outputs(topic), outbox, buffers, origins });

    const storesByName = new Map<string, StateStore>();
    for (const spec of subTopology.stores) {
      const store = options.stores(spec);
      const topic = spec.logged === false ? undefined : changelogTopic(applicationId, spec.name);
      const writer = topic === undefined ? undefined : writerOf(topic);
      storesByName.set(spec.name, store);
      this.#changelogs.push({ store, topic, writer });
    }
    this.stores = this.#changelogs.map(({ store, topic }) => ({ store, changelog: topic }));

    // Sources of one topic share an input; tables stand first, so that the earlier of two equal times is the table's.
    const sources = [...subTopology.sources].sort((a, b) => Number(b.kind === 'table') - Number(a.kind === 'table'));
    const inputOf = new Map<string, Input>();
    const byTopic = new Map<string, Input>();
    for (const source of sources) {
      const topic = topicOf(applicationId, source);
      if (options.sourcePartitions !== undefined && partition >= options.sourcePartitions(topic)) continue;
      let input = byTopic.get(topic);
      if (input === undefined) {
        input = new Input(this.#inputs.length, topic, partition, source.kind, source.repartition);
        this.#inputs.push(input);
        byTopic.set(topic, input);
      }
      inputOf.set(source.name, input);
    }
    this.inputs = this.#inputs;
    const timed = timedSources(subTopology).map((source) => topicOf(applicationId, source));
    this.#timed = this.#inputs.filter(({ topic }) => timed.includes(topic));

    // Children first, so that a node's forward function calls its children directly.
    const children = new Map<string, Processor<unknown>[]>();
    const sourceProcessors = new Map<string, SourceProcessor>();
    for (const node of subTopology.nodes.toReversed()) {
      const own = (children.get(node.name) ?? []).reverse();
      const context = new NodeContext(this, {
        name: node.name,
        time: new OperatorTime(node.name),
        stores: new Map(node.node === 'processor' ? node.stores.map((name) => [name, storesByName.get(name)]) : []),
        openOutput:
          node.node === 'sink'
            ? (topic, ownTime) => {
                assert(topic === node.topic, `the sink ${node.name} opens the topic ${topic}, not its own`);
                const { repartition } = node;
                const origins = { current: this.#origin, tasks, ownTime, repartition };
                // Results go to a client, which wants rows only.
                const writer = writerOf(topicOf(applicationId, node), topic === resultTopic ? undefined : origins);
                this.#outputs.push(writer);
                return writer;
              }
            : undefined,
        usesTime: (time) => this.#times.push(time),
      });
      if (node.node === 'source') {
        if (inputOf.has(node.name)) sourceProcessors.set(node.name, node.supplier(context, forwardTo(own)));
        continue;
      }
      const processor = node.supplier(context, forwardTo(own));
      this.#processors.unshift(processor);
      for (const parent of node.parents) {
        const siblings = children.get(parent);
        if (siblings === undefined) children.set(parent, [processor]);
        else siblings.push(processor);
      }
    }
    for (const { name } of sources) {
      const processor = sourceProcessors.get(name);
      if (processor !== undefined) inputOf.get(name)?.sources.push(processor);
    }
  }

  // ---------------------------------------------------------------- reading

  /** Where to begin: for each input the committed position, or where a new group starts. */
  start(positions: readonly TaskPosition[]): void {
    for (const input of this.#inputs) {
      const found = positions.find(({ topic, partition }) => topic === input.topic && partition === input.partition);
      assert(found !== undefined, `task ${this.id} is not told where to begin in ${input.topic}-${input.partition}`);
      input.clear();
      input.position = found.offset;
      input.fetchOffset = found.offset;
      if (input.index === 0 && found.metadata !== undefined) this.#startOutputs(found.metadata);
    }
  }

  /** Each output goes on from the largest timestamp that it had written (Kafka Streams keeps its partition time in the
   *  same place). */
  #startOutputs(metadata: string): void {
    if (!metadata.startsWith(timesPrefix)) return;
    const times = metadata.slice(timesPrefix.length).split(' ');
    for (const [index, output] of this.#outputs.entries()) {
      const time = Number.parseInt(times[index] ?? '', 10);
      if (!Number.isNaN(time)) output.start(time);
    }
  }

  /** `times <milliseconds, or - where there is none> …`, one for each output; undefined when there is nothing to be
   *  kept. */
  #outputTimes(): string | undefined {
    if (this.#tasks === 1 || this.#outputs.every(({ latest }) => latest === Number.NEGATIVE_INFINITY)) return undefined;
    return (
      timesPrefix + this.#outputs.map(({ latest }) => (latest > Number.NEGATIVE_INFINITY ? latest : '-')).join(' ')
    );
  }

  /** The inputs that want a block: read them from their `fetchOffset`. */
  wants(): TaskInput[] {
    return this.#inputs.filter((input) => input.wanting);
  }

  /** Gives a block to an input. The input's `fetchOffset` lies in it; records before that are passed over. The task
   *  releases the block when it is done with it (retain it first to keep it). `readableEnd` is the offset up to which
   *  the partition could be read at that moment. */
  offer(input: number, block: Block, readableEnd: number): void {
    const to = this.#inputs[input] as Input;
    assert(to.fetchOffset >= 0, `task ${this.id} was not started`);
    const row = rowFrom(block, to.fetchOffset);
    to.readableEnd = readableEnd;
    to.fetchOffset = block.nextOffset;
    if (row < block.columns.count) {
      if (to.queue.length === 0) to.row = row;
      to.queue.push(block);
      this.#prepare(to, block, row);
    } else {
      block.release();
      if (to.queue.length === 0) to.position = to.fetchOffset;
    }
  }

  /** Lets the sources fetch what they need for a block that has just come. */
  #prepare(input: Input, block: Block, from: number): void {
    const begun: Promise<void>[] = [];
    for (const source of input.sources) {
      const one = source.prepare?.(block, from);
      if (one !== undefined) begun.push(one);
    }
    if (begun.length === 0) return;
    const told = this.#preparation;
    assert(told !== undefined, `a source of task ${this.id} prepares a block, and its driver cannot wait for it`);
    const all = Promise.all(begun);
    input.preparing.set(block, all);
    // After a rollback the block's memory may be in use for another one.
    const isStill = (): boolean => input.preparing.get(block) === all;
    all.then(
      () => {
        if (!isStill()) return;
        input.preparing.delete(block);
        told.ready();
      },
      (error: unknown) => {
        if (isStill()) told.failed(new PreparationError(input.topic, error));
      },
    );
  }

  /** Tells an input that there is nothing to read between its `fetchOffset` and `nextOffset`, and how far could be
   *  read. */
  sawEnd(input: number, nextOffset: number, readableEnd: number): void {
    const to = this.#inputs[input] as Input;
    to.readableEnd = readableEnd;
    if (nextOffset > to.fetchOffset) to.fetchOffset = nextOffset;
    if (to.queue.length === 0) to.position = to.fetchOffset;
  }

  /** The next offset to process. */
  /** Records [from, to) of an input, which were next, were deleted: counts and reports them within this transaction,
   *  and goes on at `to`. */
  lost(input: number, from: number, to: number, detail: string): void {
    const { topic, partition } = this.#inputs[input] as Input;
    const reason = 'deleted';
    this.#pendingDrops.set(reason, (this.#pendingDrops.get(reason) ?? 0) + to - from);
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
    });
    // The new position is committed, whether a record follows or not: this is said once.
    this.#records++;
    this.sawEnd(input, to, unknownEnd);
  }

  position(input: number): number {
    return (this.#inputs[input] as Input).position;
  }

  /** All inputs are read to their end, as far as was told. */
  get drained(): boolean {
    for (const input of this.#inputs) if (!input.drained) return false;
    return true;
  }

  /** Records processed since the last commit. */
  get pending(): number {
    return this.#records;
  }

  // ---------------------------------------------------------------- stepping

  /** Processes up to about `maxRecords` records; answers how many. 0: there is nothing to do before more is offered. */
  step(maxRecords: number): number {
    let done = 0;
    while (done < maxRecords) {
      const input = this.#next();
      if (input === undefined) break;
      done += this.#run(input, maxRecords - done);
    }
    this.#records += done;
    this.counters.recordsRead += done;
    return done;
  }

  /** The input whose record is next; undefined when there is none, or none may go yet. */
  #next(): Input | undefined {
    const inputs = this.#inputs;
    if (inputs.length === 1) {
      const only = inputs[0] as Input;
      return only.queue.length > 0 && only.prepared ? only : undefined;
    }
    let lowest: Input | undefined;
    let time = 0;
    for (const input of inputs) {
      if (input.queue.length === 0) {
        if (input.atEnd) continue;
        return undefined;
      }
      if (!input.prepared) return undefined;
      const head = input.headTime();
      if (lowest !== undefined && head >= time) continue;
      lowest = input;
      time = head;
    }
    return lowest;
  }

  /** Runs the input's first block as long as its records stay first in time; answers how many. */
  #run(input: Input, atMost: number): number {
    const block = input.queue[0] as Block;
    const from = input.row;
    const count = block.columns.count;
    let to = Math.min(count, from + atMost);
    this.#origin.carried = false;
    this.#origin.time = Number.NEGATIVE_INFINITY;
    if (block.carriesTimes) to = Math.min(to, this.#endOfKind(input, block));
    if (this.#inputs.length > 1) {
      const bound = this.#boundOf(input);
      if (bound < Number.POSITIVE_INFINITY) to = input.firstAfter(block, from + 1, to, bound);
    }

    this.#currentInput = input;
    this.#currentBlock = block;
    for (const { store } of this.#changelogs) store.expect(block.columns, from, count);
    const { sources } = input;
    if (sources.length === 1) (sources[0] as SourceProcessor).run(block, from, to);
    else for (let row = from; row < to; row++) for (const source of sources) source.run(block, row, row + 1);
    this.#currentBlock = undefined;

    input.passed(block, to);
    input.row = to;
    if (to < count) input.position = block.columns.offset[to] as number;
    else {
      input.position = block.nextOffset;
      input.queue.shift();
      input.row = input.queue.length === 0 ? 0 : rowFrom(input.queue[0] as Block, input.position);
      input.batch = 0;
      block.release();
      if (input.queue.length === 0) input.position = input.fetchOffset;
    }
    return to - from;
  }

  /** The largest time up to which this input's records go before those of the others. */
  #boundOf(input: Input): number {
    let bound = Number.POSITIVE_INFINITY;
    for (const other of this.#inputs) {
      if (other === input || other.queue.length === 0) continue;
      // Times are whole numbers: before an earlier input means at least one millisecond before.
      const head = other.index < input.index ? other.headTime() - 1 : other.headTime();
      if (head < bound) bound = head;
    }
    return bound;
  }

  /** The row up to which batches come with origin times like that of the next row, or without like it. */
  #endOfKind(input: Input, block: Block): number {
    while (block.batchRow(input.batch + 1) <= input.row) input.batch++;
    let { batch } = input;
    const carried = !Number.isNaN(block.batchLow(batch));
    this.#origin.carried = carried;
    while (++batch < block.batchCount && !Number.isNaN(block.batchLow(batch)) === carried);
    return block.batchRow(batch);
  }

  // ---------------------------------------------------------------- transactions

  /** Hands over what was written to repartition topics so far, for those who read them within the transaction. */
  handOverRepartitions(): void {
    for (const output of this.#outputs) if (output.repartition) output.handOver();
  }

  /** Ends the work of a transaction: flushes processors, writes the changelogs, hands over every batch begun. */
  flush(): TaskCommit {
    for (const time of this.#times) time.advance(this.#low);
    for (const processor of this.#processors) processor.flush?.();
    for (const { store, writer, topic } of this.#changelogs) {
      if (writer === undefined || store.changed() === 0) continue;
      const { partition } = this;
      store.writeChangelog((key, keyStart, keyEnd, value, valueStart, valueEnd) => {
        const written = writer.append(partition, key, keyStart, keyEnd, value, valueStart, valueEnd, 0);
        assert(written, () => `an entry of the store ${store.name} is larger than a batch of ${topic} may be`);
      });
      writer.handOver();
    }
    for (const output of this.#outputs) output.handOver();
    const metadata = this.#outputTimes();
    const positions: TaskPosition[] = this.#inputs.map(({ index, topic, partition, position }) =>
      index > 0 || metadata === undefined
        ? { topic, partition, offset: position }
        : { topic, partition, offset: position, metadata },
    );
    return { positions, records: this.#records, inputs: this.inputTimes(), outputs: this.outputTimes() };
  }

  inputTimes(): InputTime[] {
    const { id: subTopology } = this.subTopology;
    return this.#timed.map(({ topic, partition, position, time, carried, drained }) => ({
      subTopology,
      topic,
      partition,
      position,
      time,
      carried,
      drained,
    }));
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
  setLow({ pieces, mixed, ownTimes }: LowWatermarks): void {
    const { id } = this.subTopology;
    const low = pieces[id] ?? Number.NEGATIVE_INFINITY;
    this.#low = mixed[id] === false ? Number.POSITIVE_INFINITY : low;
    for (const output of this.#outputs) {
      output.low = output.ownTime ? (ownTimes.get(output.topic) ?? Number.NEGATIVE_INFINITY) : low;
    }
  }

  /** The transaction of the last `flush` is committed. `changelogNextOffsets`: by changelog topic (full name), the
   *  offset after what the flush wrote there; topics that got nothing may be left out. */
  commit(changelogNextOffsets: ReadonlyMap<string, number>): void {
    for (const { store, topic } of this.#changelogs) {
      if (store.changed() === 0) continue;
      const next = topic === undefined ? 0 : changelogNextOffsets.get(topic);
      assert(next !== undefined, `task ${this.id} is not told the changelog offset of the store ${store.name}`);
      store.commit(next);
    }
    for (const output of this.#outputs) {
      this.counters.recordsOut += output.records;
      output.commit();
    }
    for (const input of this.#inputs) input.commit();
    for (const [reason, count] of this.#pendingDrops) {
      this.counters.drops.set(reason, (this.counters.drops.get(reason) ?? 0) + count);
    }
    this.#pendingDrops.clear();
    this.#records = 0;
  }

  /** Undoes everything since the last commit and reads on from these positions. Blocks and unfinished batches are let
   *  go. */
  rollback(positions: readonly TaskPosition[]): void {
    this.#currentBlock = undefined;
    for (const { store, writer } of this.#changelogs) {
      store.rollback();
      writer?.discard();
    }
    for (const output of this.#outputs) output.discard();
    for (const time of this.#times) time.rollback();
    for (const processor of this.#processors) processor.rollback?.();
    this.#pendingDrops.clear();
    this.#records = 0;
    this.start(positions);
  }

  /** Lets blocks go, and closes the sources. Stores are closed by who opened them. */
  close(): void {
    for (const input of this.#inputs) {
      input.clear();
      for (const source of input.sources) source.close?.();
    }
    for (const output of this.#outputs) output.discard();
    for (const { writer } of this.#changelogs) writer?.discard();
  }

  // ---------------------------------------------------------------- for the contexts

  /** The origin of the record in hand. */
  get origin(): RecordOrigin {
    return this.#origin;
  }

  /** Counts and reports what a node left out, with the original bytes where the record's place in the block is known.
   *  */
  drop(node: string, reason: DropReason, record: StreamRecord<unknown>, detail: string): void {
    this.#pendingDrops.set(reason, (this.#pendingDrops.get(reason) ?? 0) + 1);
    const input = this.#currentInput;
    const columns = record.offset >= 0 ? this.#currentBlock?.columns : undefined;
    const row = columns === undefined ? -1 : rowOf(columns.offset, columns.count, record.offset);
    const original = columns === undefined || row < 0 ? undefined : columns.record(row);
    this.#drops.drop({
      reason,
      taskId: this.id,
      node,
      topic: input?.topic ?? '',
      partition: record.offset >= 0 ? record.partition : -1,
      offset: record.offset,
      timestamp: record.timestamp,
      detail,
      key: original === undefined ? keyOf(record) : original.key,
      value: original === undefined ? null : original.value,
    });
  }
}

const keyOf = ({ keyBytes, keyStart, keyEnd }: StreamRecord<unknown>): Uint8Array | null =>
  keyStart < 0 ? null : keyBytes.slice(keyStart, keyEnd);

/** The first row that does not lie before this offset; the number of rows when all do. */
const rowFrom = ({ columns: { offset, count } }: Block, from: number): number => {
  if (count === 0 || (offset[0] as number) >= from) return 0;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offset[middle] as number) < from) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The row that holds this offset, or −1; offsets ascend. */
const rowOf = (offsets: Float64Array, count: number, offset: number): number => {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = offsets[middle] as number;
    if (found === offset) return middle;
    if (found < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
};

/** One function that hands a record to all children. With one child it is that child's own, bound: nothing stands
 *  between. */
const forwardTo = (children: readonly Processor<unknown>[]): ((record: StreamRecord<unknown>) => void) => {
  const [only] = children;
  if (only === undefined) return () => {};
  if (children.length === 1) return only.process.bind(only);
  return (record) => {
    for (const child of children) child.process(record);
  };
};

interface NodeScope {
  readonly name: string;
  readonly time: OperatorTime;
  readonly stores: ReadonlyMap<string, StateStore | undefined>;
  readonly openOutput: ((topic: string, ownTime: boolean) => TopicWriter) | undefined;
  /** Called when the node first asks for time. */
  readonly usesTime: (time: OperatorTime) => void;
}

/** What one node sees of its task. */
class NodeContext implements ProcessorContext {
  readonly taskId: string;
  readonly partition: number;
  readonly #task: Task;
  readonly #scope: NodeScope;
  readonly #time: OperatorTime;
  readonly #origin: RecordOrigin;
  readonly #headers = new ByteWriter(64);
  #timeUsed = false;

  constructor(task: Task, scope: NodeScope) {
    this.taskId = task.id;
    this.partition = task.partition;
    this.#task = task;
    this.#scope = scope;
    this.#time = scope.time;
    this.#origin = task.origin;
  }

  keyValueStore(name: string): KeyValueStore {
    const store = this.#store(name);
    assert(store.kind === 'key-value', `the store ${name} is not a key-value store`);
    return store;
  }

  windowStore(name: string): WindowStore {
    const store = this.#store(name);
    assert(store.kind === 'window', `the store ${name} is not a window store`);
    this.#useTime();
    return store;
  }

  #store(name: string): StateStore {
    const store = this.#scope.stores.get(name);
    assert(store !== undefined, `the node ${this.#scope.name} did not declare that it uses the store ${name}`);
    this.#time.keepIn(store.meta);
    return store;
  }

  #useTime(): void {
    if (this.#timeUsed) return;
    this.#timeUsed = true;
    this.#scope.usesTime(this.#time);
  }

  output(topic: string, { ownTime = false }: { readonly ownTime?: boolean } = {}): TopicWriter {
    assert(this.#scope.openOutput !== undefined, `the node ${this.#scope.name} is no sink, but opens ${topic}`);
    return this.#scope.openOutput(topic, ownTime);
  }

  takeHeaders(record: StreamRecord<unknown>, bytes: Uint8Array, headersAt: number): void {
    if (headersAt === 0) {
      record.headersAt = 0;
      this.#origin.time = Number.NEGATIVE_INFINITY;
    } else this.#origin.time = takeHeaders(record, bytes, headersAt, this.#headers);
  }

  originTime(timestamp: number): number {
    if (!this.#timeUsed) this.#useTime();
    return this.#time.observe(timestamp, this.#origin);
  }

  streamTime(): number {
    if (!this.#timeUsed) this.#useTime();
    return this.#time.streamTime;
  }

  drop(reason: DropReason, record: StreamRecord<unknown>, detail: string): void {
    this.#task.drop(this.#scope.name, reason, record, detail);
  }

  scratch(): ByteWriter {
    return new ByteWriter(256);
  }
}
