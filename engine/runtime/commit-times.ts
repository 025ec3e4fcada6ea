/** How far a query is in time, worked out at each of its commits (`watermarks.ts`), and what it has written so far. */

import type { Clock } from '../../base/index.ts';
import { type PartitionPosition, partitionKey } from './partition-position.ts';
import type { InputTime, OutputTime, SubTopologyGraph, Watermarks } from './watermarks.ts';

export interface CommitTimesOptions {
  readonly graph: SubTopologyGraph;
  /** The bound of the other running queries that write records of several origins to this topic; undefined: there are
   *  none. */
  boundOf(topic: string): number | undefined;
  /** The offset up to which a partition can be read, now. */
  stableEnd(topic: string, partition: number): Promise<number>;
  /** How long a partition of these topics that is read to its end holds the others back; left out: not at all. */
  readonly idle?: { readonly ms: number; readonly clock: Clock; readonly topics: ReadonlySet<string> };
}

export class CommitTimes {
  readonly #options: CommitTimesOptions;
  /** As of the commit under way, and of the last one. */
  #measured: Watermarks | undefined;
  #watermarks: Watermarks | undefined;
  /** Offsets behind what was written to each partition. */
  readonly #ends = new Map<string, PartitionPosition>();

  /** By partition of a source: where it stood, and since when, by the monotonic clock. */
  readonly #stands = new Map<string, { readonly position: number; readonly since: number }>();
  readonly #begun: number;

  constructor(options: CommitTimesOptions) {
    this.#options = options;
    this.#begun = options.idle?.clock.monotonic() ?? 0;
  }

  /** It had no record for so long that it holds nothing back. */
  #isIdle({ topic, partition, position }: InputTime): boolean {
    const { idle } = this.#options;
    if (idle === undefined || !idle.topics.has(topic)) return true;
    const key = partitionKey(topic, partition);
    const now = idle.clock.monotonic();
    let stands = this.#stands.get(key);
    if (stands?.position !== position) {
      stands = { position, since: stands === undefined && position === 0 ? this.#begun : now };
      this.#stands.set(key, stands);
    }
    return now - stands.since >= idle.ms;
  }

  wrote(end: PartitionPosition): void {
    this.#ends.set(partitionKey(end.topic, end.partition), end);
  }

  ends(): readonly PartitionPosition[] {
    return [...this.#ends.values()];
  }

  /**
   * Works out the low watermarks as of the commit under way, unless there is one origin only. Hosts may not know yet
   * what has just been written for them to read: for the query's own topics the positions tell, and for those of other
   * queries the log does. (Their bounds are asked for before.)
   */
  async measure(reported: readonly InputTime[], outputs: readonly OutputTime[]): Promise<void> {
    const { graph, boundOf, stableEnd } = this.#options;
    const bounds = new Map<string, number | undefined>();
    let mixed = graph.manyTasks || this.#watermarks !== undefined;
    for (const { topic, carried } of reported) {
      if (!bounds.has(topic)) bounds.set(topic, boundOf(topic));
      mixed ||= carried || bounds.get(topic) !== undefined;
    }
    if (!mixed) return;
    const isRead = async ({ topic, partition, position, drained, carried }: InputTime): Promise<boolean> => {
      const written = this.#ends.get(partitionKey(topic, partition));
      if (written !== undefined) return position >= written.offset;
      if (!drained || (!carried && bounds.get(topic) === undefined)) return drained;
      return position >= (await stableEnd(topic, partition));
    };
    const inputs = await Promise.all(
      reported.map(async (input) => {
        const idle = this.#isIdle(input);
        return { ...input, drained: (await isRead(input).catch(() => false)) && idle };
      }),
    );
    this.#measured = graph.measure(inputs, outputs, (topic) => bounds.get(topic));
  }

  /** The commit has happened: what was measured holds until the next one. */
  committed(): Watermarks | undefined {
    this.#watermarks = this.#measured;
    return this.#watermarks;
  }

  /** The time before which nothing can come any more in a topic that the query writes; Infinity when it has nothing
   *  left to do. Undefined: what it writes has one origin. */
  boundOf(topic: string, idle: boolean): number | undefined {
    if (this.#watermarks === undefined && !this.#options.graph.manyTasks) return undefined;
    if (idle) return Number.POSITIVE_INFINITY;
    return this.#watermarks?.boundOf(topic) ?? Number.NEGATIVE_INFINITY;
  }
}
