/** The owner's side of the shared view (`shared-view.ts`): publishes offsets and topics, and answers questions. */

import { assert, unreachable } from '../../base/index.ts';
import { LogError, type TopicDescription } from '../log.ts';
import type { FilePartition } from './partition.ts';
import {
  changeCounter,
  deletedStart,
  mostPartitions,
  type SharedAnswer,
  type SharedLogView,
  type SharedMessage,
  type SharedQuestion,
  type SharedTopic,
  SharedWords,
  type SlotOfTopic,
  sharedBytes,
  waitingCounter,
  word,
} from './shared-view.ts';
import { Slots } from './slots.ts';

export class SharedPublisher {
  readonly #directory: string;
  readonly #openFiles: number;
  readonly #shared = new SharedArrayBuffer(sharedBytes);
  readonly #words = new SharedWords(this.#shared);
  readonly #topics = new Map<string, SharedTopic>();
  /** By slot. */
  readonly #partitions = new Map<number, FilePartition>();
  readonly #slots = new Slots(mostPartitions);
  #nextNumber = 1;
  readonly #ports = new Set<MessagePort>();

  constructor(directory: string, openFiles: number) {
    this.#directory = directory;
    this.#openFiles = openFiles;
  }

  /** Throws a `LogError` when a topic of so many partitions has no room. */
  checkRoom(name: string, partitions: number): void {
    const slot = this.#slots.allocate(partitions);
    if (slot !== undefined) {
      this.#slots.free(slot, partitions);
      return;
    }
    throw new LogError(
      'refused',
      'LOG_TOO_MANY_PARTITIONS',
      `topic "${name}" has no room for its ${partitions} partitions`,
      {
        hint: `All topics together may have ${mostPartitions} partitions. Delete topics, or ask for fewer partitions.`,
      },
    );
  }

  add(description: TopicDescription, partitions: readonly FilePartition[]): void {
    const { name, id } = description;
    assert(!this.#topics.has(name), () => `topic "${name}" is in the shared view already`);
    const firstSlot = this.#slots.allocate(partitions.length);
    assert(firstSlot !== undefined, () => `topic "${name}" has no room in the shared view`);
    const topic = { name, id, number: this.#nextNumber++, partitions: partitions.length, firstSlot };
    for (const [i, partition] of partitions.entries()) {
      const slot = firstSlot + i;
      this.#partitions.set(slot, partition);
      // Nobody reads by this number yet.
      this.#words.set(slot, word.layout, 0);
      this.#words.set(slot, word.topic, topic.number);
      partition.publish = () => this.#publish(slot, partition);
      partition.publishLayout = () => this.#words.increment(slot, word.layout);
      this.#publish(slot, partition);
    }
    this.#topics.set(name, topic);
    this.#announce({ kind: 'created', topic });
  }

  remove(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    for (let slot = topic.firstSlot; slot < topic.firstSlot + topic.partitions; slot++) {
      const partition = this.#partitions.get(slot);
      assert(partition !== undefined, () => `slot ${slot} of topic "${name}" has no partition`);
      partition.publish = undefined;
      partition.publishLayout = undefined;
      this.#partitions.delete(slot);
      this.#words.set(slot, word.start, deletedStart);
    }
    this.#slots.free(topic.firstSlot, topic.partitions);
    this.#wake();
    this.#announce({ kind: 'deleted', name });
  }

  #announce(message: SharedMessage): void {
    for (const port of this.#ports) port.postMessage(message);
  }

  #publish(slot: number, { state }: FilePartition): void {
    const words = this.#words;
    const { start, end } = state;
    const stable = state.stable();
    assert(stable <= end, () => `the stable offset ${stable} lies beyond the end ${end}`);
    let openProducer = -1;
    if (stable < end) {
      for (const open of state.openTransactions()) if (open.first === stable) openProducer = open.producerId;
    }
    words.increment(slot, word.version);
    words.set(slot, word.abortedVersion, state.abortedVersion);
    words.set(slot, word.start, start);
    words.set(slot, word.stable, stable);
    words.set(slot, word.end, end);
    words.set(slot, word.openProducer, openProducer);
    words.set(slot, word.stableWithout, openProducer < 0 ? stable : state.stable(openProducer));
    words.increment(slot, word.version);
    this.#wake();
  }

  #wake(): void {
    const { counters } = this.#words;
    Atomics.add(counters, changeCounter, 1);
    if (Atomics.load(counters, waitingCounter) > 0) Atomics.notify(counters, changeCounter);
  }

  view(): SharedLogView {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', (event: MessageEvent) =>
      port1.postMessage(this.#answer(event.data as SharedQuestion)),
    );
    port1.start();
    // The log must not keep a process alive that has nothing else to do.
    port1.unref();
    this.#ports.add(port1);
    // The other thread has ended.
    port1.addEventListener('close', () => this.#ports.delete(port1));
    return {
      directory: this.#directory,
      shared: this.#shared,
      topics: [...this.#topics.values()],
      port: port2,
      openFiles: this.#openFiles,
    };
  }

  #answer(question: SharedQuestion): SharedAnswer {
    const { kind, request } = question;
    if (kind === 'topic') return { kind, request, topic: this.#topics.get(question.about) };
    const partition = this.#partitionOf(question.about);
    if (partition === undefined) return { kind: 'gone', request };
    switch (kind) {
      case 'deletions':
        return { kind, request, keptFrom: partition.deletionsKeptFrom };
      case 'aborted': {
        const { aborted, abortedVersion } = partition.state;
        const ranges = new Float64Array(aborted.flatMap(({ producerId, first, last }) => [producerId, first, last]));
        return { kind, request, version: abortedVersion, ranges };
      }
      default:
        return unreachable(kind);
    }
  }

  /** The partition that has this slot, if it still belongs to the topic that the question is about. */
  #partitionOf({ slot, topicNumber }: SlotOfTopic): FilePartition | undefined {
    return this.#words.get(slot, word.topic) === topicNumber ? this.#partitions.get(slot) : undefined;
  }

  close(): void {
    for (const port of this.#ports) port.close();
    this.#ports.clear();
  }
}
