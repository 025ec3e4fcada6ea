/**
 * Feeds: what the tasks of one thread read of one source partition.
 *
 * Law: what is read is decoded once and shared. A subscription is one task's input at its own position; the feed keeps the blocks that were
 * read last, and every subscription whose position is where one of them begins gets that block, whoever caused the read. A task that is behind
 * has blocks read for itself (which others at its position share) until its position meets the recent ones. So a hundred queries over a
 * topic decode it once, and one slow query holds back nobody.
 *
 * `readableEnd` is the offset behind the last record that this feed may see, as of the fetch that told so; `known` is false before the first
 * one. A task with several inputs may pass over an empty one only by knowledge that is younger than what it is about to process (`doubt`): then
 * a row that was acknowledged in one topic before another row was sent to a second topic is always seen first.
 */

import type { Chunk, FetchRequest, Isolation } from '../../storage/index.ts';
import type { Block, BlockPool, DecodedBlock } from '../block.ts';

/** How many of the blocks read last stay at hand for those that are a little behind. */
const recentBlocks = 6;

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
  /** Takes the block; it is held for the taker. */
  take(block: Block, readableEnd: number): void;
  /** There is nothing between the position and `readableEnd`, which is not before it. */
  sawEnd(position: number): void;
}

export class Subscription {
  /** Where to read on. */
  position: number;
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
}

export class Feed {
  readonly topic: string;
  readonly partition: number;
  readonly isolation: Isolation;
  readonly subscriptions = new Set<Subscription>();
  readableEnd = 0;
  known = false;
  /** Counts the times when what was read before must not be used any more (a rolled back transaction of our own). */
  generation = 0;
  /** Counts the calls of `doubt`. */
  doubts = 0;
  /** How often a block went to one more subscription than the one that it was read for. */
  shared = 0;
  readonly #recent: Recent[] = [];
  readonly #pool: BlockPool;
  #lastAsked = -1;

  constructor(topic: string, partition: number, isolation: Isolation, pool: BlockPool) {
    this.topic = topic;
    this.partition = partition;
    this.isolation = isolation;
    this.#pool = pool;
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

  /** Reads on from another position. */
  seek(subscription: Subscription, position: number): void {
    subscription.position = position;
    this.known = false;
    this.#prune();
  }

  /** The readable end has to be asked for again, by a fetch that starts from now on, before anybody may rely on it. */
  doubt(): void {
    this.doubts++;
    this.known = false;
  }

  /** Forgets what was read, also what is under way. */
  discard(): void {
    this.generation++;
    this.known = false;
    for (const { block } of this.#recent.splice(0)) block.release();
  }

  /** Hands out what is at hand; true when somebody got something. */
  serve(): boolean {
    if (this.#recent.length === 0) return false;
    let handed = false;
    for (const subscription of this.subscriptions) {
      while (subscription.subscriber.wants()) {
        const found = this.#recent.find(({ startOffset }) => startOffset === subscription.position);
        if (found === undefined) break;
        this.#hand(found, subscription);
        handed = true;
      }
    }
    this.#prune();
    return handed;
  }

  /** What to ask the log for: the position of one of the subscriptions that wait, each in its turn. Those that are known
   *  to be at the end come only when no other waits. */
  request(): FetchRequest | undefined {
    let next = -1;
    let first = -1;
    let atEnd = -1;
    for (const { position, subscriber } of this.subscriptions) {
      if (this.known && position >= this.readableEnd) {
        atEnd = position;
        continue;
      }
      if (!subscriber.wants()) continue;
      if (first < 0 || position < first) first = position;
      if (position > this.#lastAsked && (next < 0 || position < next)) next = position;
    }
    const offset = next >= 0 ? next : first >= 0 ? first : atEnd;
    if (offset < 0) return undefined;
    this.#lastAsked = offset;
    return { topic: this.topic, partition: this.partition, offset, isolation: this.isolation };
  }

  /** A fetch brought a chunk from `asked` on. Throws a `UserError` when it cannot be decoded. */
  bring(chunk: Chunk, asked: number): void {
    const { offsets, nextOffset } = chunk;
    this.readableEnd = this.isolation.kind === 'committed' ? offsets.stable : offsets.end;
    this.known = true;
    const block = this.#pool.decode(chunk, asked);
    const recent: Recent = { block, startOffset: asked, nextOffset, takers: 0 };
    for (const subscription of this.subscriptions) {
      if (subscription.position !== asked || !subscription.subscriber.wants()) continue;
      this.#hand(recent, subscription);
    }
    this.#recent.push(recent);
    if (this.#recent.length > recentBlocks) (this.#recent.shift() as Recent).block.release();
    this.#prune();
  }

  /** A fetch that asked for `position` brought nothing: there is nothing to read from there on. */
  nothing(position: number): void {
    this.readableEnd = position;
    this.known = true;
    for (const subscription of this.subscriptions) {
      if (subscription.position >= position) subscription.subscriber.sawEnd(subscription.position);
    }
  }

  #hand(recent: Recent, subscription: Subscription): void {
    const { block, nextOffset } = recent;
    if (++recent.takers > 1) this.shared++;
    subscription.position = nextOffset;
    block.retain();
    subscription.subscriber.take(block, this.readableEnd);
  }

  /** Lets go of the blocks that every subscription near them has behind it. */
  #prune(): void {
    const recent = this.#recent;
    if (recent.length === 0) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const { startOffset } of recent) oldest = Math.min(oldest, startOffset);
    let least = Number.POSITIVE_INFINITY;
    for (const { position } of this.subscriptions) if (position >= oldest && position < least) least = position;
    for (let i = recent.length - 1; i >= 0; i--) {
      const { block, nextOffset } = recent[i] as Recent;
      if (nextOffset > least) continue;
      recent.splice(i, 1);
      block.release();
    }
  }
}
