/**
 * Topics that statements make and delete.
 *
 * A topic is made right before its statement is logged, so that a statement which cannot have its topic (a full disk)
 * does not happen. It carries a mark, and the statement's log entry carries its id; a marked topic whose id no entry
 * holds was made for a statement that a crash prevented, and `sweep` deletes it if nothing was written to it.
 *
 * A deletion is bound to the topic's id: a topic made later under the same name is another one. From the statement on
 * the topic counts as gone, although its deletion waits until the query that writes it has stopped.
 */

import type { Log, LogError } from '../storage/index.ts';
import type { TopicId } from './statements/command.ts';
import type { NewTopic, TopicInfo, Topics } from './statements/statement.ts';

const mark = 'millrace.made.by.statement';

export class StatementTopics {
  readonly #log: Log;
  /** By name: topics that are being deleted. */
  readonly #deleting = new Map<string, { readonly id: string; readonly done: Promise<void> }>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The topics as the next statement may see them. */
  async list(): Promise<Topics> {
    const topics = new Map<string, TopicInfo>();
    for (const { name, id, partitions, configs } of await this.#log.describeTopics()) {
      if (this.#deleting.get(name)?.id !== id) topics.set(name, { partitions, configs });
    }
    return topics;
  }

  /** Resolves when a former topic of that name is gone; undefined when none is in the way. */
  goes(name: string): Promise<void> | undefined {
    return this.#deleting.get(name)?.done;
  }

  /** Makes the topic of a statement; answers its id. */
  async make({ name, partitions, configs }: NewTopic): Promise<string> {
    const { id } = await this.#log.createTopic({ name, partitions, configs: { ...configs, [mark]: 'true' } });
    return id;
  }

  async idOf(name: string): Promise<string | undefined> {
    return (await this.#log.describeTopic(name))?.id;
  }

  /** Whether something that can be read is in the topic. False where that is not known. */
  async hasRecords(name: string): Promise<boolean> {
    try {
      const partitions = (await this.#log.describeTopic(name))?.partitions ?? 0;
      for (let partition = 0; partition < partitions; partition++) {
        const { start, stable } = await this.#log.offsets({ topic: name, partition });
        if (stable > start) return true;
      }
    } catch {
      // It is gone by now, or cannot be read: whoever reads it is told.
    }
    return false;
  }

  /** Deletes the topic of that id, if it is still there, as soon as `ready` has settled. */
  delete({ name, id }: TopicId, ready: Promise<unknown> = Promise.resolve()): Promise<void> {
    const now = async (): Promise<void> => {
      try {
        if ((await this.idOf(name)) === id) await this.#log.deleteTopic(name);
      } finally {
        if (this.#deleting.get(name)?.id === id) this.#deleting.delete(name);
      }
    };
    const deleted = ready.then(now, now);
    const done = deleted.catch(() => undefined);
    this.#deleting.set(name, { id, done });
    return deleted;
  }

  /** Takes back topics whose statement could not be logged. */
  async takeBack(topics: readonly TopicId[], why: LogError | Error): Promise<void> {
    // An entry whose append had no answer may have been written: then the topics are its own.
    if ((why as Partial<LogError>).kind === 'unknown') return;
    for (const topic of topics) await this.delete(topic).catch(() => undefined);
  }

  /** At start: deletes what was made for statements that were never logged. `isOwned` answers whether an entry of the
   *  statement log holds the id, or a source has a topic of that name (a repair may have made it again). */
  async sweep(isOwned: (topic: TopicId) => boolean): Promise<void> {
    for (const { name, id, partitions, configs } of await this.#log.describeTopics()) {
      if (configs[mark] !== 'true' || isOwned({ name, id })) continue;
      let written = false;
      for (let partition = 0; partition < partitions; partition++) {
        written ||= (await this.#log.offsets({ topic: name, partition })).end > 0;
      }
      if (!written) await this.#log.deleteTopic(name);
    }
  }
}
