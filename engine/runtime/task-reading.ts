/** Reading for the tasks of a host: their inputs as subscriptions to feeds, and what becomes of deleted records. */

import type { Isolation, PartitionOffsets } from '../../storage/index.ts';
import type { Subscriber, Subscription } from './feed.ts';
import type { FeedReader } from './feed-reader.ts';
import type { HostParts } from './host-options.ts';
import type { HostedRun, HostedTask } from './hosted-run.ts';
import { describeLoss, offsetAfterLoss } from './lost-records.ts';
import type { TaskInput } from './task-input.ts';

export class TaskReading {
  readonly #host: HostParts;
  readonly #feeds: FeedReader;

  constructor(host: HostParts, feeds: FeedReader) {
    this.#host = host;
    this.#feeds = feeds;
  }

  /** Reads the inputs of a task from their `fetchOffset` on; repartitions of a transient query come from its
   *  exchange. */
  subscribe(hosted: HostedTask): void {
    const { task, run } = hosted;
    hosted.subscriptions = task.inputs.map((input) => {
      if (run.exchange === undefined || !input.repartition) return this.#subscription(hosted, input);
      run.exchange.connect(task, input);
      return undefined;
    });
    this.#feeds.wake();
  }

  unsubscribe(hosted: HostedTask): void {
    for (const subscription of hosted.subscriptions) {
      if (subscription !== undefined) this.#feeds.unsubscribe(subscription);
    }
    hosted.subscriptions = [];
  }

  #subscription(hosted: HostedTask, input: TaskInput): Subscription {
    const { task, run } = hosted;
    const { producerId } = run.assignment;
    const isolation: Isolation =
      input.repartition && producerId !== undefined ? { kind: 'own', producerId } : { kind: 'committed' };
    const { index, topic, partition } = input;
    const subscriber: Subscriber = {
      wants: () => input.wanting && run.phase === 'running' && hosted.phase === 'open',
      able: () => !run.paused && !run.full && (run.phase === 'running' || run.phase === 'prepared'),
      take: (block, readableEnd) => {
        task.offer(index, block, readableEnd);
        // What is known of the ends of the other inputs is older than this block: they are asked for again before the
        // task may pass over them.
        for (const other of task.inputs) if (other.index !== index) this.askEndAgain(hosted, other);
      },
      sawEnd: (position) => task.sawEnd(index, position, position),
      gone: (from, offsets) => this.#lost(hosted, input, from, offsets),
      failed: (error) => this.#host.fail(run, error),
    };
    const topicId = run.assignment.topicIds[topic];
    return this.#feeds.subscribe({ topic, topicId, partition, isolation }, subscriber, input.fetchOffset);
  }

  /** What is known of the end of this input may not be true any more. (The end of an exchange is always known.) */
  askEndAgain({ task, subscriptions }: HostedTask, { index }: TaskInput): void {
    const subscription = subscriptions[index];
    if (subscription === undefined) return;
    task.sawEnd(index, subscription.position, -1);
    subscription.feed.askEndAgain();
  }

  /** A run continues that stood still: what is known of the ends of its inputs is old. */
  askEndsAgain(run: HostedRun): void {
    for (const hosted of run.tasks) for (const input of hosted.task.inputs) this.askEndAgain(hosted, input);
  }

  /** Records of the transaction may lie in repartition topics now, for this host to read. */
  askRepartitionEndsAgain(run: HostedRun, only: (input: TaskInput) => boolean = () => true): void {
    for (const hosted of run.tasks) {
      for (const input of hosted.task.inputs) {
        if (!input.repartition || !only(input)) continue;
        this.askEndAgain(hosted, input);
        this.#feeds.wake();
      }
    }
  }

  /** Reads the inputs of a task from their `fetchOffset` again, after a rollback. */
  seek({ task, subscriptions }: HostedTask): void {
    for (const { index, fetchOffset, repartition } of task.inputs) {
      const subscription = subscriptions[index];
      if (subscription === undefined) continue;
      if (repartition) subscription.feed.discard();
      subscription.feed.seek(subscription, fetchOffset);
    }
  }

  /** Records that an input was to read next were deleted. Answers the offset to continue from. */
  #lost({ run, task }: HostedTask, input: TaskInput, from: number, offsets: PartitionOffsets): number | undefined {
    const { queryId, offsetReset, producerId } = run.assignment;
    const { topic, partition } = input;
    try {
      const to = offsetAfterLoss(queryId, input, offsetReset, from, offsets);
      task.lost(input.index, from, to, describeLoss(from, to, offsets.start));
      if (producerId !== undefined) run.pending = true;
      this.#host.note(run, { about: 'records gone', topic, partition, from, to });
      this.#host.wake();
      return to;
    } catch (error) {
      this.#host.fail(run, error);
      return undefined;
    }
  }
}
