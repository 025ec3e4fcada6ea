/**
 * A feed: what the tasks of one thread read of one source partition.
 *
 * Law: what is read is decoded once and shared. A subscription is one task's input at its own position. The feed keeps
 * the blocks that were read last, and every subscription whose position lies in one of them gets that block, whichever
 * subscription caused the read. So a hundred queries over a topic decode it once.
 *
 * Subscriptions near each other are read for as a group. Those ahead wait while the oldest kept block is still needed,
 * so that the group stays together (a query that is just committing falls back a little). They wait `patienceMs` at
 * most, and never for a subscription that cannot read now. One that does not catch up in that time is left behind:
 * blocks are then read for it alone, until its position meets the group's. So a slow query holds back the others for a
 * moment only.
 *
 * `readableEnd` is the offset behind the last record that this feed may see, as of the last fetch; `known` is false
 * before the first one. A task with several inputs may pass over an empty one only by knowledge that is younger than
 * what it is about to process (`askEndAgain`): then a row that was acknowledged in one topic before another row was
 * sent to a second topic is always seen first.
 *
 * Failures. What a subscriber throws ends that subscription: its `failed` is called, and the others are served.
 */

import type { Chunk, FetchRequest, Isolation, PartitionOffsets } from '../../storage/index.ts';
import type { Block, BlockPool, DecodedBlock } from '../block.ts';
import { ReadRetry } from './read-retry.ts';

/** How many of the blocks read last are kept. */
const recentBlocks = 8;
/** How long those ahead wait for the rest of the group. */
const patienceMs = 1000;

interface Recent {
  readonly block: DecodedBlock;
  readonly startOffset: number;
  readonly nextOffset: number;
  /** Subscriptions that got it. */
  takers: number;
}

export interface Subscriber {
  /** Whether another block may be given. */
  wants(): boolean;
  /** Whether it can be expected to read on soon: it is not paused, and its run has not failed. */
  able(): boolean;
  /** Takes the block; it is held for the taker. */
  take(block: Block, readableEnd: number): void;
  /** There is nothing between the position and `readableEnd`, which is not before it. */
  sawEnd(position: number): void;
  /** The records from `position` to the start of the partition do not exist any more. Answers the offset to continue
   *  from; undefined: the subscriber reads no more. */
  gone(position: number, offsets: PartitionOffsets): number | undefined;
  /** The partition cannot be read. */
  failed(error: unknown): void;
}

export class Subscription {
  /** The next offset to read. */
  position: number;
  /** The group has not waited any longer. */
  behind = false;
  /** It has failed, or its subscriber reads no more: it gets nothing more. */
  #ended = false;
  readonly feed: Feed;
  readonly subscriber: Subscriber;

  constructor(feed: Feed, subscriber: Subscriber, position: number) {
    this.feed = feed;
    this.subscriber = subscriber;
    this.position = position;
  }

  /** Offsets between here and the readable end; 0 while nothing is known. */
  get lag(): number {
    return this.feed.known ? Math.max(0, this.feed.readableEnd - this.position) : 0;
  }

  wants(): boolean {
    return !this.#ended && this.subscriber.wants();
  }

  able(): boolean {
    return !this.#ended && this.subscriber.able();
  }

  /** Hands the subscriber a block, which is held for it, or what is known of the end. An error that it throws ends
   *  its subscription only. A block that it threw at stays held, since it may have kept it. */
  serve(work: (subscriber: Subscriber) => void): void {
    if (this.#ended) return;
    try {
      work(this.subscriber);
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.end();
    this.subscriber.failed(error);
  }

  /** The subscriber reads no more. */
  end(): void {
    this.#ended = true;
  }

  get ended(): boolean {
    return this.#ended;
  }
}

export interface FeedSource {
  readonly topic: string;
  /** Undefined: whichever topic has the name. */
  readonly topicId?: string | undefined;
  readonly partition: number;
  readonly isolation: Isolation;
}

export class Feed implements FeedSource {
  readonly topic: string;
  readonly topicId: string | undefined;
  readonly partition: number;
  readonly isolation: Isolation;
  readonly subscriptions = new Set<Subscription>();
  readableEnd = 0;
  known = false;
  /** Counts the times when what was read before must not be used any more (a rolled back transaction of our own). */
  generation = 0;
  /** Counts the calls of `askEndAgain`. */
  endQuestions = 0;
  /** How often a block went to one more subscription than the one that it was read for. */
  shared = 0;
  readonly retry = new ReadRetry();
  /** In the order of their offsets. */
  readonly #recent: Recent[] = [];
  readonly #pool: BlockPool;
  #lastAsked = -1;
  /** Since when those ahead wait. */
  #waitingSince: number | undefined;

  constructor({ topic, topicId, partition, isolation }: FeedSource, pool: BlockPool) {
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
    this.isolation = isolation;
    this.#pool = pool;
  }

  /** Whether a fetch request was made for this feed, or a chunk answers such a one. */
  isAt({ topic, partition, isolation }: Pick<FetchRequest, 'topic' | 'partition' | 'isolation'>): boolean {
    return topic === this.topic && partition === this.partition && isolation === this.isolation;
  }

  subscribe(subscriber: Subscriber, position: number): Subscription {
    const subscription = new Subscription(this, subscriber, position);
    this.subscriptions.add(subscription);
    this.known = false;
    return subscription;
  }

  unsubscribe(subscription: Subscription): void {
    this.subscriptions.delete(subscription);
    this.#prune();
  }

  /** Reads from another position. */
  seek(subscription: Subscription, position: number): void {
    subscription.position = position;
    this.known = false;
    this.#prune();
  }

  /** The readable end has to be asked for again, by a fetch that starts from now on, before a task may rely on it. */
  askEndAgain(): void {
    this.endQuestions++;
    this.known = false;
  }

  /** Forgets what was read, and what a fetch under way brings. */
  discard(): void {
    this.generation++;
    this.known = false;
    for (const { block } of this.#recent.splice(0)) block.release();
  }

  /** Hands out the blocks that are kept; true when a subscription got one. */
  serve(): boolean {
    if (this.#recent.length === 0) return false;
    let handed = false;
    for (const subscription of this.subscriptions) {
      while (subscription.wants()) {
        const found = this.#at(subscription.position);
        if (found === undefined) break;
        subscription.behind = false;
        this.#hand(found, subscription);
        handed = true;
      }
    }
    this.#prune();
    return handed;
  }

  /** What to ask the log for: the position of one of the subscriptions that wait, in round robin. Those that are known
   *  to be at the end come only when no other waits. */
  request(nowMs: number): FetchRequest | undefined {
    if (!this.retry.due(nowMs)) return undefined;
    const mayLead = this.#mayLead(nowMs);
    const front = this.#recent.at(-1)?.nextOffset ?? 0;
    let next = -1;
    let first = -1;
    let atEnd = -1;
    for (const subscription of this.subscriptions) {
      if (subscription.ended) continue;
      const { position } = subscription;
      if (this.known && position >= this.readableEnd) {
        atEnd = position;
        continue;
      }
      if ((position >= front && !mayLead) || !subscription.wants()) continue;
      if (first < 0 || position < first) first = position;
      if (position > this.#lastAsked && (next < 0 || position < next)) next = position;
    }
    const offset = next >= 0 ? next : first >= 0 ? first : atEnd;
    if (offset < 0) return undefined;
    this.#lastAsked = offset;
    const { topic, topicId, partition, isolation } = this;
    return { topic, ...(topicId !== undefined && { topicId }), partition, offset, isolation };
  }

  /** The subscriptions ahead wait for the others, or a failed read for its next try: call `request` again later. */
  get waits(): boolean {
    return this.#waitingSince !== undefined || this.retry.waiting;
  }

  #mayLead(nowMs: number): boolean {
    if (this.#recent.length < recentBlocks) {
      this.#waitingSince = undefined;
      return true;
    }
    this.#waitingSince ??= nowMs;
    const patience = nowMs - this.#waitingSince < patienceMs;
    const end = (this.#recent[0] as Recent).nextOffset;
    for (const subscription of this.subscriptions) {
      if (subscription.behind || subscription.position >= end) continue;
      if (patience && subscription.able()) return false;
      subscription.behind = true;
    }
    this.#prune();
    this.#waitingSince = undefined;
    return true;
  }

  /** A fetch brought a chunk from `asked` on. Throws a `UserError` when it cannot be decoded. */
  bring(chunk: Chunk, asked: number): void {
    this.retry.succeeded();
    const { offsets, nextOffset } = chunk;
    this.readableEnd = this.isolation.kind === 'committed' ? offsets.stable : offsets.end;
    this.known = true;
    const block = this.#pool.decode(chunk, asked);
    const recent: Recent = { block, startOffset: asked, nextOffset, takers: 0 };
    for (const subscription of this.subscriptions) {
      if (subscription.position !== asked || !subscription.wants()) continue;
      this.#hand(recent, subscription);
    }
    this.#keep(recent);
  }

  /** Keeps a block for those of the group that reach it later. One that was read for a subscription left behind is of
   *  no use to them. */
  #keep(recent: Recent): void {
    const oldest = this.#recent[0];
    if (oldest !== undefined && recent.startOffset < oldest.startOffset) {
      recent.block.release();
      return;
    }
    this.#recent.push(recent);
    this.#recent.sort((a, b) => a.startOffset - b.startOffset);
    this.#prune();
    if (this.#recent.length > recentBlocks) (this.#recent.shift() as Recent).block.release();
  }

  #at(position: number): Recent | undefined {
    for (const recent of this.#recent) {
      if (recent.startOffset <= position && position < recent.nextOffset) return recent;
    }
    return undefined;
  }

  /** A fetch that asked for `position` brought nothing: there is nothing to read from there on. */
  nothing(position: number): void {
    this.retry.succeeded();
    this.readableEnd = position;
    this.known = true;
    for (const subscription of this.subscriptions) {
      if (subscription.position < position) continue;
      subscription.serve((subscriber) => subscriber.sawEnd(subscription.position));
    }
  }

  /** The partition cannot be read from this position on, and will not be later: the subscriptions there fail. */
  failed(position: number, error: unknown): void {
    for (const subscription of [...this.subscriptions]) {
      if (subscription.position === position) subscription.fail(error);
    }
  }

  /** The feed itself has failed: all its subscriptions do. */
  end(error: unknown): void {
    for (const subscription of [...this.subscriptions]) subscription.fail(error);
  }

  #hand(recent: Recent, subscription: Subscription): void {
    const { block, nextOffset } = recent;
    if (++recent.takers > 1) this.shared++;
    subscription.position = nextOffset;
    block.retain();
    subscription.serve((subscriber) => subscriber.take(block, this.readableEnd));
  }

  /** Releases the blocks that the whole group has read. */
  #prune(): void {
    const recent = this.#recent;
    if (recent.length === 0) return;
    const oldest = (recent[0] as Recent).startOffset;
    let least = Number.POSITIVE_INFINITY;
    for (const { position, behind } of this.subscriptions) {
      if (!behind && position >= oldest && position < least) least = position;
    }
    while (recent.length > 0 && (recent[0] as Recent).nextOffset <= least) (recent.shift() as Recent).block.release();
  }
}
