/**
 * The reading loop of one thread: keeps one fetch under way for all feeds whose subscriptions can take something.
 *
 * A fetch that only waits for new records is woken as soon as something else is wanted. What a fetch brought is used
 * only for feeds that have not changed since it was made (`generation`: a transaction was rolled back; `endQuestions`:
 * the end has to be asked for again).
 *
 * Law: the loop never ends by an error. What fails for one feed ends the subscriptions of that feed; the others are
 * read on.
 */

import type { Clock, Timers } from '../../base/index.ts';
import { type Chunk, type Fetched, type FetchRequest, type Log, LogError, type Reader } from '../../storage/index.ts';
import type { BlockPool } from '../block.ts';
import { Feed, type FeedSource, type Subscriber, type Subscription } from './feed.ts';
import { unreadable } from './read-retry.ts';

export interface FeedReaderOptions {
  readonly log: Pick<Log, 'reader' | 'offsets'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly pool: BlockPool;
  /** What one fetch brings of one partition. */
  readonly blockBytes: number;
  /** Something was handed out, or a readable end became known. */
  readonly served: () => void;
}

/** How long a fetch waits where there is nothing to read. */
const pollMs = 500;
/** How long until a feed whose subscriptions wait for each other is looked at again. */
const lookAgainMs = 100;

/** What a fetch under way was made for. Its answer is used only while the feed has not changed since. */
interface Asked {
  readonly offset: number;
  readonly generation: number;
  readonly endQuestions: number;
}

interface NextFetch {
  readonly asked: ReadonlyMap<Feed, Asked>;
  readonly requests: readonly FetchRequest[];
  /** A subscription waits for what the fetch brings: it answers at once. */
  readonly mustKnow: boolean;
}

const keyOf = ({ topic, topicId, partition, isolation }: FeedSource): string =>
  `${partition} ${topic} ${topicId} ${isolation.kind === 'own' ? isolation.producerId : isolation.kind}`;

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

  subscribe(source: FeedSource, subscriber: Subscriber, position: number): Subscription {
    const key = keyOf(source);
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      feed = new Feed(source, this.#options.pool);
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
    this.#feeds.delete(keyOf(feed));
    for (const { topic } of this.#feeds.values()) if (topic === feed.topic) return;
    this.#options.pool.forget(feed.topic);
  }

  /** Call it when what should be read has changed. */
  wake(): void {
    if (this.#polling) this.#reader.wakeup();
    if (!this.#reading) void this.#readOn();
  }

  /** Ends the reading; blocks that subscribers hold stay valid. */
  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
    this.#reader.close();
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    try {
      while (!this.#closed) {
        const { asked, requests, mustKnow } = this.#nextFetch();
        if (requests.length === 0) break;
        const fetched = await this.#fetch(asked, requests, mustKnow);
        if (fetched === undefined) continue;
        for (const feed of this.#arrived(asked, fetched)) await this.#reposition(feed);
      }
    } finally {
      this.#reading = false;
    }
  }

  /** Hands out what is kept, and collects what is to be read next. */
  #nextFetch(): NextFetch {
    const asked = new Map<Feed, Asked>();
    const requests: FetchRequest[] = [];
    let mustKnow = false;
    const nowMs = this.#options.clock.monotonic();
    for (const feed of this.#feeds.values()) {
      try {
        if (feed.serve()) this.#options.served();
        const request = feed.request(nowMs);
        if (feed.waits) this.#lookAgain();
        if (request === undefined) continue;
        requests.push(request);
        asked.set(feed, { offset: request.offset, generation: feed.generation, endQuestions: feed.endQuestions });
        mustKnow ||= !feed.known || request.offset < feed.readableEnd;
      } catch (error) {
        feed.end(error);
      }
    }
    return { asked, requests, mustKnow };
  }

  /** Undefined when it failed: each feed was then given the error. */
  async #fetch(
    asked: ReadonlyMap<Feed, Asked>,
    requests: readonly FetchRequest[],
    mustKnow: boolean,
  ): Promise<Fetched | undefined> {
    const maxBytesPerPartition = this.#options.blockBytes;
    this.#polling = !mustKnow;
    this.#fetches++;
    try {
      return await this.#reader.fetch(requests, { maxBytesPerPartition, maxWaitMs: mustKnow ? 0 : pollMs });
    } catch (error) {
      if (!this.#closed) for (const [feed, { offset }] of asked) this.#failed(feed, offset, error);
      return undefined;
    } finally {
      this.#polling = false;
    }
  }

  /** A feed waits, for some of its subscriptions or for the next try of a read: looks again after a while. */
  #lookAgain(): void {
    this.#cancelLook ??= this.#options.timers.after(lookAgainMs, () => {
      this.#cancelLook = undefined;
      this.wake();
    });
  }

  /** Hands out what a fetch found. Answers the feeds whose partition does not hold the offset that was asked for. */
  #arrived(asked: ReadonlyMap<Feed, Asked>, { chunks, failures }: Fetched): readonly Feed[] {
    const withoutAnswer = new Map(asked);
    const outOfRange: Feed[] = [];
    for (const failure of failures) {
      for (const feed of withoutAnswer.keys()) {
        if (!feed.isAt(failure)) continue;
        withoutAnswer.delete(feed);
        if (failure.error.code === 'LOG_OFFSET_OUT_OF_RANGE') outOfRange.push(feed);
        else this.#failed(feed, failure.offset, failure.error);
        break;
      }
    }
    const brought: { readonly feed: Feed; readonly offset: number; readonly chunk: Chunk }[] = [];
    for (const chunk of chunks) {
      for (const [feed, { offset, generation }] of withoutAnswer) {
        if (!feed.isAt(chunk)) continue;
        withoutAnswer.delete(feed);
        if (feed.generation !== generation || this.#closed) chunk.release();
        else brought.push({ feed, offset, chunk });
        break;
      }
    }
    // First those without records: what arrives after that makes their knowledge old again where a task reads both.
    for (const [feed, { offset, generation, endQuestions }] of withoutAnswer) {
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

  /** Positions outside of what the partition holds: one before its start may continue at the start, one beyond its end
   *  is a contradiction. */
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
          if (next === undefined) subscription.end();
          else feed.seek(subscription, next);
        } else {
          const sentence = `the position ${position} lies beyond the end ${end} of ${topic}/${partition}`;
          subscription.fail(new LogError('refused', 'LOG_OFFSET_OUT_OF_RANGE', sentence));
        }
      }
    } catch (error) {
      feed.end(error);
    }
  }
}
