/**
 * The reading loop of one thread: keeps one fetch under way for all feeds that somebody wants something of.
 *
 * A fetch that only waits for new records is woken as soon as something else is wanted. What a fetch brought counts
 * only for feeds that have not moved on since it was asked (`generation`: a transaction was rolled back;
 * `endQuestions`: the end has to be asked for again).
 */

import type { Clock, Timers } from '../../base/index.ts';
import {
  type Chunk,
  type Fetched,
  type FetchRequest,
  type Isolation,
  type Log,
  LogError,
  type Reader,
} from '../../storage/index.ts';
import type { BlockPool } from '../block.ts';
import { Feed, type Subscriber, type Subscription } from './feed.ts';
import { unreadable } from './read-retry.ts';

export interface FeedReaderOptions {
  readonly log: Pick<Log, 'reader' | 'offsets'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly pool: BlockPool;
  /** What one fetch brings of one partition. */
  readonly blockBytes: number;
  /** Something was handed out, or is known better. */
  readonly served: () => void;
}

/** How long a fetch waits where there is nothing to read. */
const pollMs = 500;
/** How long until those who wait for others on a feed are looked at again. */
const lookAgainMs = 100;
/** What a fetch under way was made for. Its answer counts only while the feed has not moved on. */
interface Asked {
  readonly offset: number;
  readonly generation: number;
  readonly endQuestions: number;
}

const keyOf = (topic: string, partition: number, isolation: Isolation): string =>
  `${partition} ${topic} ${isolation.kind === 'own' ? isolation.producerId : isolation.kind}`;

export class FeedReader {
  readonly #options: FeedReaderOptions;
  readonly #reader: Reader;
  readonly #feeds = new Map<string, Feed>();
  #reading = false;
  /** The fetch under way waits for new records and may be woken. */
  #polling = false;
  #closed = false;
  #fetches = 0;
  #shared = 0;
  #cancelLook: (() => void) | undefined;

  constructor(options: FeedReaderOptions) {
    this.#options = options;
    this.#reader = options.log.reader();
  }

  get fetches(): number {
    return this.#fetches;
  }

  /** How often a block went to one more subscription than the one that it was read for. */
  get shared(): number {
    let shared = this.#shared;
    for (const feed of this.#feeds.values()) shared += feed.shared;
    return shared;
  }

  subscribe(
    source: { readonly topic: string; readonly partition: number; readonly isolation: Isolation },
    subscriber: Subscriber,
    position: number,
  ): Subscription {
    const { topic, partition, isolation } = source;
    const key = keyOf(topic, partition, isolation);
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      feed = new Feed(topic, partition, isolation, this.#options.pool);
      this.#feeds.set(key, feed);
    }
    return feed.subscribe(subscriber, position);
  }

  unsubscribe(subscription: Subscription): void {
    const { feed } = subscription;
    feed.unsubscribe(subscription);
    if (feed.subscriptions.size > 0) return;
    feed.discard();
    this.#shared += feed.shared;
    this.#feeds.delete(keyOf(feed.topic, feed.partition, feed.isolation));
    for (const { topic } of this.#feeds.values()) if (topic === feed.topic) return;
    this.#options.pool.forget(feed.topic);
  }

  /** What should be read has changed. */
  want(): void {
    if (this.#polling) this.#reader.wakeup();
    if (!this.#reading) void this.#readOn();
  }

  /** Ends the reading; blocks that are lent stay good. */
  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
    this.#reader.close();
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    while (!this.#closed) {
      const asked = new Map<Feed, Asked>();
      const requests: FetchRequest[] = [];
      let mustKnow = false;
      const nowMs = this.#options.clock.monotonic();
      for (const feed of this.#feeds.values()) {
        if (feed.serve()) this.#options.served();
        const request = feed.request(nowMs);
        if (feed.waits) this.#lookAgain();
        if (request === undefined) continue;
        requests.push(request);
        asked.set(feed, { offset: request.offset, generation: feed.generation, endQuestions: feed.endQuestions });
        mustKnow ||= !feed.known || request.offset < feed.readableEnd;
      }
      if (requests.length === 0) break;
      const maxBytesPerPartition = this.#options.blockBytes;
      let fetched: Fetched;
      this.#polling = !mustKnow;
      try {
        this.#fetches++;
        fetched = await this.#reader.fetch(requests, { maxBytesPerPartition, maxWaitMs: mustKnow ? 0 : pollMs });
      } catch (error) {
        if (this.#closed) break;
        for (const [feed, { offset }] of asked) this.#failed(feed, offset, error);
        continue;
      } finally {
        this.#polling = false;
      }
      const outOfRange = this.#arrived(asked, fetched);
      for (const feed of outOfRange) await this.#reposition(feed);
    }
    this.#reading = false;
  }

  /** Somebody waits on a feed, for others or for the next try of a read: looks again after a while, should nothing else
   *  come up. */
  #lookAgain(): void {
    this.#cancelLook ??= this.#options.timers.after(lookAgainMs, () => {
      this.#cancelLook = undefined;
      this.want();
    });
  }

  /** Hands out what a fetch found. Answers the feeds that were asked for an offset which their partition does not hold.
   *  */
  #arrived(asked: ReadonlyMap<Feed, Asked>, { chunks, failures }: Fetched): readonly Feed[] {
    const silent = new Map(asked);
    const outOfRange: Feed[] = [];
    for (const failure of failures) {
      for (const feed of silent.keys()) {
        if (!feed.isAt(failure)) continue;
        silent.delete(feed);
        if (failure.error.code === 'LOG_OFFSET_OUT_OF_RANGE') outOfRange.push(feed);
        else this.#failed(feed, failure.offset, failure.error);
        break;
      }
    }
    const brought: { readonly feed: Feed; readonly offset: number; readonly chunk: Chunk }[] = [];
    for (const chunk of chunks) {
      for (const [feed, { offset, generation }] of silent) {
        if (feed.topic !== chunk.topic || feed.partition !== chunk.partition) continue;
        silent.delete(feed);
        if (feed.generation !== generation || this.#closed) chunk.release();
        else brought.push({ feed, offset, chunk });
        break;
      }
    }
    // First who has nothing: what then arrives makes their knowledge old again where a task reads both.
    for (const [feed, { offset, generation, endQuestions }] of silent) {
      if (feed.generation === generation && feed.endQuestions === endQuestions) feed.nothing(offset);
    }
    for (const { feed, offset, chunk } of brought) {
      try {
        feed.bring(chunk, offset);
      } catch (error) {
        feed.failed(offset, error);
      }
    }
    this.#options.served();
    return outOfRange;
  }

  #failed(feed: Feed, offset: number, error: unknown): void {
    if (feed.retry.failed(error, this.#options.clock.monotonic())) this.#lookAgain();
    else feed.failed(offset, unreadable(feed, offset, error));
  }

  /** Positions outside of what the partition holds: those before its start may go on, a position beyond its end is a
   *  contradiction. */
  async #reposition(feed: Feed): Promise<void> {
    try {
      const { topic, partition } = feed;
      const offsets = await this.#options.log.offsets({ topic, partition });
      const { start, end } = offsets;
      for (const subscription of [...feed.subscriptions]) {
        const { position, subscriber } = subscription;
        if (position >= start && position <= end) continue;
        if (position < start) {
          const next = subscriber.gone(position, offsets);
          if (next !== undefined) feed.seek(subscription, next);
        } else {
          const sentence = `the position ${position} lies beyond the end ${end} of ${topic}/${partition}`;
          subscriber.failed(new LogError('refused', 'LOG_OFFSET_OUT_OF_RANGE', sentence));
        }
      }
    } catch (error) {
      for (const { subscriber } of [...feed.subscriptions]) subscriber.failed(error);
    }
  }
}
