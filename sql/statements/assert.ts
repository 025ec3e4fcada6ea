/**
 * ASSERT TOPIC and ASSERT SCHEMA: what is asserted has to hold, at once or before the TIMEOUT. It is looked at when the
 * statement's turn comes; what has run before it in the request has happened by then.
 */

import { type Position, UserError } from '../../base/index.ts';
import { milliseconds } from '../analyze/window.ts';
import type { Duration, Property } from '../parser/ast.ts';
import type { AssertSchema, AssertTopic } from '../parser/statements/assert.ts';
import type { SchemaRegistry } from '../registry/registry.ts';
import type { Handler, TopicInfo, View } from './statement.ts';

const defaultTimeoutMs = 1000;
const pollMs = 50;

/** Asks until there is nothing to complain about. Throws the last complaint when the time is over. */
const holds = async (
  view: Pick<View, 'pause'>,
  timeout: Duration | undefined,
  at: Position,
  complaint: () => Promise<string | undefined>,
): Promise<void> => {
  const timeoutMs = timeout === undefined ? defaultTimeoutMs : milliseconds(timeout);
  for (let waited = 0; ; waited += pollMs) {
    const wrong = await complaint();
    if (wrong === undefined) return;
    if (waited >= timeoutMs) throw new UserError('SQL_ASSERTION_FAILED', wrong, { at });
    await view.pause(pollMs);
  }
};

export const assertTopic: Handler<AssertTopic> = ({ exists, topic, properties, timeout, at }) => {
  const wanted = countsOf(properties);
  return {
    kind: 'show',
    async show(view) {
      await holds(view, timeout, at, async () => {
        const found = (await view.topicsNow()).get(topic.name);
        if (!exists) return found === undefined ? undefined : `the topic "${topic.name}" exists`;
        return found === undefined ? `the topic "${topic.name}" does not exist` : differs(topic.name, found, wanted);
      });
      return { kind: 'assert_topic', topicName: topic.name, exists };
    },
  };
};

/** PARTITIONS and REPLICAS are compared; other properties mean nothing here, as in ksqlDB. */
const countsOf = (properties: readonly Property[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { name, value, at } of properties) {
    if (name !== 'PARTITIONS' && name !== 'REPLICAS') {
      throw new UserError('SQL_UNKNOWN_PROPERTY', `"${name}" is not a property of ASSERT TOPIC`, {
        at,
        hint: 'The properties are PARTITIONS, REPLICAS.',
      });
    }
    const count = value.kind === 'integer' || value.kind === 'string' ? Number(value.value) : Number.NaN;
    if (!Number.isSafeInteger(count)) {
      throw new UserError('SQL_INVALID_PROPERTY', `the property ${name} takes a whole number`, { at: value.at });
    }
    counts.set(name, count);
  }
  return counts;
};

const differs = (topic: string, { partitions }: TopicInfo, wanted: ReadonlyMap<string, number>): string | undefined => {
  const wantedPartitions = wanted.get('PARTITIONS');
  const wantedReplicas = wanted.get('REPLICAS');
  if (wantedPartitions !== undefined && wantedPartitions !== partitions) {
    return `the topic "${topic}" has ${partitions} partitions, not ${wantedPartitions}`;
  }
  return wantedReplicas === undefined || wantedReplicas === 1
    ? undefined
    : `the topic "${topic}" has 1 replica, not ${wantedReplicas}`;
};

export const assertSchema: Handler<AssertSchema> = ({ exists, subject: named, id, timeout, at }) => {
  const subject = named?.name;
  if (subject === undefined && id === undefined) {
    throw new UserError('SQL_ASSERT_SCHEMA', 'ASSERT SCHEMA needs a SUBJECT or an ID', {
      at,
      hint: "For example: ASSERT SCHEMA SUBJECT 'orders-value';",
    });
  }
  if (id !== undefined && id.kind !== 'integer') {
    throw new UserError('SQL_ASSERT_SCHEMA', 'the ID of ASSERT SCHEMA is a whole number', { at: id.at });
  }
  const wanted = id === undefined ? undefined : Number(id.value);
  const parts = [
    subject === undefined ? '' : ` of the subject "${subject}"`,
    id === undefined ? '' : ` with the id ${wanted}`,
  ];
  const schema = `a schema${parts.join('')}`;
  return {
    kind: 'show',
    async show(view) {
      const { registry } = view;
      await holds(view, timeout, at, async () => {
        const found = await isRegistered(registry, subject, wanted);
        return found === exists ? undefined : `${schema} ${exists ? 'does not exist' : 'exists'}`;
      });
      return { kind: 'assert_schema', subject: subject ?? null, id: wanted ?? null, exists };
    },
  };
};

/** Whether the registry has a schema of the subject, or of the id, or a version of the subject with the id. */
const isRegistered = async (
  registry: SchemaRegistry,
  subject: string | undefined,
  id: number | undefined,
): Promise<boolean> => {
  if (subject === undefined) return id !== undefined && (await registry.byId(id)) !== undefined;
  if (id === undefined) return (await registry.latest(subject)) !== undefined;
  for (const version of await registry.versions(subject)) {
    if ((await registry.version(subject, version))?.id === id) return true;
  }
  return false;
};
