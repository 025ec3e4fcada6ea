/**
 * What a topic may be called and how it may be configured.
 *
 * Names: 1 to 249 characters out of `[a-zA-Z0-9._-]`, not `.` or `..`; names that the log keeps for itself are refused.
 * Configurations go by Kafka's names and are kept as text, as Kafka keeps them; each has a default and a rule. A name
 * that is not known is refused: a typing error must not look like a setting. The log acts on `cleanup.policy`,
 * `delete.retention.ms`, `index.interval.bytes`, `max.compaction.lag.ms`, `max.message.bytes`,
 * `min.cleanable.dirty.ratio`, `min.compaction.lag.ms`, `retention.*`, `segment.bytes` and `segment.ms`; the others are
 * checked, kept and shown.
 */

import { closestName, UserError } from '../base/index.ts';
import type { TopicConfigs, TopicDescription, TopicPartition, TopicSpec } from './log.ts';

/** Topics of the log's own, hidden from `describeTopics`. */
export const transactionsTopic = '__transaction_state';
export const offsetsTopic = '__consumer_offsets';

const longestName = 249;
const mostPartitions = 10_000;
const longMax = 9_223_372_036_854_775_807n;

interface ConfigRule {
  readonly default: string;
  /** Whether the text is a value; `expected` completes "must be …". */
  readonly accepts: (text: string) => boolean;
  readonly expected: string;
}

const whole = (fallback: string, least: bigint, most: bigint): ConfigRule => ({
  default: fallback,
  accepts: (text) => /^-?\d{1,20}$/.test(text) && BigInt(text) >= least && BigInt(text) <= most,
  expected: `a whole number from ${least} to ${most}`,
});

const oneOf = (fallback: string, ...values: readonly string[]): ConfigRule => ({
  default: fallback,
  accepts: (text) => values.includes(text),
  expected: `one of ${values.join(', ')}`,
});

const intMax = 2_147_483_647n;

const rules: Readonly<Record<string, ConfigRule>> = {
  'cleanup.policy': {
    default: 'delete',
    accepts: (text) => text === '' || text.split(',').every((part) => ['delete', 'compact'].includes(part.trim())),
    expected: 'delete, compact or both, separated by a comma',
  },
  // Batches are stored as the producer made them; compressed ones are refused.
  'compression.type': oneOf('producer', 'producer', 'uncompressed'),
  'delete.retention.ms': whole('86400000', 0n, longMax),
  'file.delete.delay.ms': whole('60000', 0n, longMax),
  'flush.messages': whole(String(longMax), 1n, longMax),
  'flush.ms': whole(String(longMax), 0n, longMax),
  'index.interval.bytes': whole('4096', 0n, intMax),
  'max.compaction.lag.ms': whole(String(longMax), 1n, longMax),
  'max.message.bytes': whole('1048588', 0n, intMax),
  'message.timestamp.after.max.ms': whole(String(longMax), 0n, longMax),
  'message.timestamp.before.max.ms': whole(String(longMax), 0n, longMax),
  'message.timestamp.type': oneOf('CreateTime', 'CreateTime'),
  // Ours, not Kafka's: a statement made the topic, and names its id in the statement log.
  'millrace.made.by.statement': oneOf('false', 'true', 'false'),
  'min.cleanable.dirty.ratio': {
    default: '0.5',
    accepts: (text) => /^(0(\.\d+)?|1(\.0+)?)$/.test(text),
    expected: 'a number from 0 to 1',
  },
  'min.compaction.lag.ms': whole('0', 0n, longMax),
  'min.insync.replicas': whole('1', 1n, 1n),
  preallocate: oneOf('false', 'false'),
  'retention.bytes': whole('-1', -1n, longMax),
  'retention.ms': whole('604800000', -1n, longMax),
  'segment.bytes': whole('1073741824', 1024n, intMax),
  'segment.index.bytes': whole('10485760', 4n, intMax),
  'segment.jitter.ms': whole('0', 0n, longMax),
  'segment.ms': whole('604800000', 1n, longMax),
  'unclean.leader.election.enable': oneOf('false', 'true', 'false'),
};

/** Every configuration's name and default, in order of name. */
export const topicConfigDefaults: TopicConfigs = Object.freeze(
  Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, rule.default])),
);

/** The value of a configuration as a number (a limit beyond 2^53 reads as infinity). */
export const numberConfig = (configs: TopicConfigs, name: string): number => {
  const value = Number(configs[name] ?? topicConfigDefaults[name]);
  return value > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value;
};

/** The size of the largest batch that a topic takes. A batch lies within one segment. */
export const batchLimitOf = (configs: TopicConfigs): number =>
  Math.min(numberConfig(configs, 'max.message.bytes'), numberConfig(configs, 'segment.bytes'));

export const isCompacted = (configs: TopicConfigs): boolean =>
  (configs['cleanup.policy'] ?? '').split(',').some((part) => part.trim() === 'compact');

export const isDeleted = (configs: TopicConfigs): boolean =>
  (configs['cleanup.policy'] ?? 'delete').split(',').some((part) => part.trim() === 'delete');

/** Throws TOPIC_NAME_INVALID unless a topic may have this name. */
export const checkTopicName = (name: string): void => {
  const refuse = (why: string): never => {
    const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
    throw new UserError('TOPIC_NAME_INVALID', `${shown} is not a topic name: ${why}`, {
      hint: 'Use 1 to 249 letters, digits, dots, underscores and dashes.',
    });
  };
  if (name === '') refuse('it is empty');
  if (name === '.' || name === '..') refuse('it names a directory');
  if (name.length > longestName) refuse(`it has ${name.length} characters, the limit is ${longestName}`);
  const odd = /[^a-zA-Z0-9._-]/u.exec(name);
  if (odd !== null) refuse(`it holds the character ${JSON.stringify(odd[0])}`);
  if (name === transactionsTopic || name === offsetsTopic) refuse('the log keeps this name for itself');
};

/** Checks name, partitions and configurations; the answer's configs hold every default. */
export const checkTopicSpec = (spec: TopicSpec, id: string): TopicDescription => {
  checkTopicName(spec.name);
  if (!Number.isInteger(spec.partitions) || spec.partitions < 1 || spec.partitions > mostPartitions) {
    const message = `topic "${spec.name}" cannot have ${spec.partitions} partitions`;
    throw new UserError('TOPIC_PARTITIONS_INVALID', message, {
      hint: `Ask for a whole number from 1 to ${mostPartitions}.`,
    });
  }
  const configs = new Map(Object.entries(topicConfigDefaults));
  for (const [name, value] of Object.entries(spec.configs ?? {})) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      const near = closestName(name, Object.keys(rules));
      throw new UserError('TOPIC_CONFIG_INVALID', `topic configuration "${name}" does not exist`, {
        hint: near === undefined ? undefined : `Did you mean "${near}"?`,
      });
    }
    if (!rule.accepts(value)) {
      const message = `topic configuration "${name}" cannot be ${JSON.stringify(value)}`;
      throw new UserError('TOPIC_CONFIG_INVALID', message, { hint: `It must be ${rule.expected}.` });
    }
    configs.set(name, value);
  }
  return { name: spec.name, partitions: spec.partitions, configs: Object.fromEntries(configs), id };
};

/** Order of what `committed` answers. */
export const byPartition = (a: TopicPartition, b: TopicPartition): number =>
  a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;
