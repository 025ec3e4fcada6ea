/** The topics of a log by name, with their partitions. */

import { assert, UserError } from '../base/index.ts';
import type { TopicDescription, TopicPartition } from './log.ts';
import { topicReplaced, unknownPartition, unknownTopic } from './log-errors.ts';

export interface Topic<P> {
  readonly description: TopicDescription;
  readonly partitions: readonly P[];
}

export class TopicMap<P> {
  readonly #topics = new Map<string, Topic<P>>();
  /** By topic id. */
  readonly #names = new Map<string, string>();

  add(description: TopicDescription, partitions: readonly P[]): Topic<P> {
    const { name, id } = description;
    assert(partitions.length === description.partitions, () => `topic "${name}" has ${partitions.length} partitions`);
    assert(!this.#topics.has(name), () => `topic "${name}" exists already`);
    const topic = { description, partitions };
    this.#topics.set(name, topic);
    this.#names.set(id, name);
    return topic;
  }

  /** Throws TOPIC_EXISTS when there is a topic of this name. */
  checkIsNew(name: string): void {
    if (this.#topics.has(name)) throw new UserError('TOPIC_EXISTS', `topic "${name}" exists already`);
  }

  remove({ name, id }: TopicDescription): void {
    this.#topics.delete(name);
    this.#names.delete(id);
  }

  find(name: string): Topic<P> | undefined {
    return this.#topics.get(name);
  }

  /** The topic; throws LOG_UNKNOWN_TOPIC. */
  get(name: string): Topic<P> {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw unknownTopic(name);
    return topic;
  }

  /** The partition; throws LOG_UNKNOWN_TOPIC or LOG_UNKNOWN_PARTITION. */
  partition(target: TopicPartition): P {
    const { partitions } = this.get(target.topic);
    const partition = partitions[target.partition];
    if (partition === undefined) throw unknownPartition(target, partitions.length);
    return partition;
  }

  /** The partition that an offset belongs to; throws LOG_TOPIC_REPLACED as well where the topic has another id. */
  withId(target: TopicPartition & { readonly topicId?: string | undefined }): P {
    const { topic, topicId } = target;
    if (topicId !== undefined && this.get(topic).description.id !== topicId) throw topicReplaced(topic);
    return this.partition(target);
  }

  /** The name of the topic with this id. */
  nameOf(id: string): string | undefined {
    return this.#names.get(id);
  }

  /** A partition by the id of its topic. */
  byId(id: string, partition: number): P | undefined {
    const name = this.#names.get(id);
    return name === undefined ? undefined : this.#topics.get(name)?.partitions[partition];
  }

  all(): IterableIterator<Topic<P>> {
    return this.#topics.values();
  }

  *partitions(): Generator<P, void, undefined> {
    for (const { partitions } of this.#topics.values()) yield* partitions;
  }

  /** In order of name. */
  descriptions(): TopicDescription[] {
    return [...this.#topics.values()].map(({ description }) => description).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
