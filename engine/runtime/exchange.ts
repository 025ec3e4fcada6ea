/**
 * Exchange: the repartition topics of a transient query, in memory.
 *
 * A transient query ends with its client, so nothing of it has to survive: its tasks all run on one host, and what one
 * of them writes to a repartition is queued here until the task that reads it has room. So the query makes no topic,
 * opens no producer, and leaves nothing behind after a crash. Batches have the same bytes as in a topic, offsets
 * included. Each partition has one reader.
 *
 * Memory: a task that writes to a topic which holds more than `fullBytes` is not stepped until its readers have caught
 * up. Readers are further down the topology, so the last of them is never held up by an exchange.
 */

import { assert, type BufferPool } from '../../base/index.ts';
import { type LentBatches, recordCountOf, stampBatch } from '../../storage/index.ts';
import type { BlockPool } from '../block.ts';
import type { Task } from './task.ts';
import type { TaskInput } from './task-input.ts';

const fullBytes = 4 * 1024 * 1024;

interface Queue {
  readonly task: Task;
  readonly input: TaskInput;
  readonly batches: Uint8Array[];
  /** Offset of the first batch in the queue. */
  first: number;
  /** The offset that the next batch gets. */
  end: number;
}

interface ExchangeTopic {
  bytes: number;
  /** By partition. */
  readonly queues: (Queue | undefined)[];
}

export class Exchange {
  readonly #blocks: BlockPool;
  readonly #buffers: BufferPool;
  readonly #topics = new Map<string, ExchangeTopic>();

  constructor(blocks: BlockPool, buffers: BufferPool) {
    this.#blocks = blocks;
    this.#buffers = buffers;
  }

  /** The input of a task that reads one of these topics, from offset 0 on. */
  connect(task: Task, input: TaskInput): void {
    const { queues } = this.#topic(input.topic);
    assert(queues[input.partition] === undefined, `${input.topic}-${input.partition} has two readers`);
    queues[input.partition] = { task, input, batches: [], first: 0, end: 0 };
    task.sawEnd(input.index, 0, 0);
  }

  /** Takes a batch; its bytes belong to the exchange. */
  append(topic: string, partition: number, bytes: Uint8Array): void {
    const queue = this.#topics.get(topic)?.queues[partition];
    assert(queue !== undefined, `${topic}-${partition} has no reader`);
    stampBatch(bytes, { baseOffset: queue.end, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
    queue.end += recordCountOf(bytes, 0);
    queue.batches.push(bytes);
    this.#topic(topic).bytes += bytes.length;
  }

  /** Hands the readers what they have room for; true when one of them got something. */
  deliver(): boolean {
    let handed = false;
    for (const [name, topic] of this.#topics) {
      for (const queue of topic.queues) {
        if (queue === undefined) continue;
        while (queue.batches.length > 0 && queue.input.wanting) {
          const bytes = queue.batches.shift() as Uint8Array;
          topic.bytes -= bytes.length;
          queue.task.offer(
            queue.input.index,
            this.#blocks.decode(this.#chunk(name, queue, bytes), queue.first),
            queue.end,
          );
          queue.first += recordCountOf(bytes, 0);
          handed = true;
        }
      }
    }
    return handed;
  }

  #chunk(topic: string, { input, first, end }: Queue, bytes: Uint8Array): LentBatches {
    return {
      topic,
      partition: input.partition,
      bytes,
      batches: [0],
      nextOffset: first + recordCountOf(bytes, 0),
      offsets: { start: first, stable: end, end },
      release: () => this.#buffers.give(bytes),
    };
  }

  /** Whether the tasks that write this topic have to wait. */
  isFull(topic: string): boolean {
    return (this.#topics.get(topic)?.bytes ?? 0) > fullBytes;
  }

  /** Nothing waits to be read. */
  get empty(): boolean {
    for (const { bytes } of this.#topics.values()) if (bytes > 0) return false;
    return true;
  }

  close(): void {
    for (const [name, { queues }] of this.#topics) {
      for (const queue of queues) for (const bytes of queue?.batches.splice(0) ?? []) this.#buffers.give(bytes);
      this.#blocks.forget(name);
    }
    this.#topics.clear();
  }

  #topic(name: string): ExchangeTopic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { bytes: 0, queues: [] };
      this.#topics.set(name, topic);
    }
    return topic;
  }
}
