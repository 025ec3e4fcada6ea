/**
 * The records of the registry's topic, in the wire form of Confluent's `_schemas`: keys and values are JSON.
 *
 *     {"keytype":"SCHEMA","subject":"t-value","version":1,"magic":1}
 *       {"subject":"t-value","version":1,"id":1,"schemaType":"JSON","references":[…],"schema":"…","deleted":false}
 *     {"keytype":"CONFIG","subject":null,"magic":0}          {"compatibilityLevel":"FULL"}
 *     {"keytype":"MODE","subject":"t-value","magic":0}       {"mode":"READONLY"}
 *     {"keytype":"DELETE_SUBJECT","subject":"t-value","magic":0}   {"subject":"t-value","version":2}
 *     {"keytype":"NOOP","magic":0}                           {"lastId":7}
 *
 * A version that is soft-deleted is written again with `deleted`; one that is gone for good has a null value. `lastId`
 * is ours: Confluent's registry reads no value of a NOOP. Other kinds of keys are left as they are. `schemaType` is
 * left out for AVRO.
 */

import { type CompatibilityLevel, compatibilityLevels, type RegistryMode, registryModes } from './registry.ts';
import { type SchemaReference, type SchemaType, schemaTypes } from './schema.ts';

/** A version of a subject as the topic has it. */
export interface VersionRecord {
  readonly kind: 'version';
  readonly subject: string;
  readonly version: number;
  /** Undefined: gone for good. */
  readonly content:
    | {
        readonly id: number;
        readonly type: SchemaType;
        readonly schema: string;
        readonly references: readonly SchemaReference[];
        readonly deleted: boolean;
      }
    | undefined;
}

export type RegistryRecord =
  | VersionRecord
  /** The level of a subject, or of all; undefined: no longer. */
  | { readonly kind: 'level'; readonly subject: string | undefined; readonly level: CompatibilityLevel | undefined }
  /** The mode of a subject, or of all; undefined: no longer. */
  | { readonly kind: 'mode'; readonly subject: string | undefined; readonly mode: RegistryMode | undefined }
  /** All versions of the subject up to this one are soft-deleted. */
  | { readonly kind: 'delete-subject'; readonly subject: string; readonly version: number }
  /** Ids up to this one were given out, although no version may have them any more. */
  | { readonly kind: 'last-id'; readonly id: number };

export interface WireRecord {
  readonly key: string;
  readonly value: string | null;
}

export const wireOf = (record: RegistryRecord): WireRecord => {
  switch (record.kind) {
    case 'version': {
      const { subject, version, content } = record;
      const key = JSON.stringify({ keytype: 'SCHEMA', subject, version, magic: 1 });
      if (content === undefined) return { key, value: null };
      const { id, type, schema, references, deleted } = content;
      return {
        key,
        value: JSON.stringify({
          subject,
          version,
          id,
          ...(type !== 'AVRO' && { schemaType: type }),
          ...(references.length > 0 && { references }),
          schema,
          deleted,
        }),
      };
    }
    case 'level': {
      const key = JSON.stringify({ keytype: 'CONFIG', subject: record.subject ?? null, magic: 0 });
      return {
        key,
        value: record.level === undefined ? null : JSON.stringify({ compatibilityLevel: record.level }),
      };
    }
    case 'mode': {
      const key = JSON.stringify({ keytype: 'MODE', subject: record.subject ?? null, magic: 0 });
      return { key, value: record.mode === undefined ? null : JSON.stringify({ mode: record.mode }) };
    }
    case 'delete-subject': {
      const { subject, version } = record;
      return {
        key: JSON.stringify({ keytype: 'DELETE_SUBJECT', subject, magic: 0 }),
        value: JSON.stringify({ subject, version }),
      };
    }
    case 'last-id':
      return { key: JSON.stringify({ keytype: 'NOOP', magic: 0 }), value: JSON.stringify({ lastId: record.id }) };
  }
};

/** Undefined: a record of another kind. Raises an `Error` for bytes that are not of this form. */
export const recordOf = ({ key, value }: WireRecord): RegistryRecord | undefined => {
  const at = JSON.parse(key) as { keytype?: unknown; subject?: unknown; version?: unknown };
  const given = value === null ? undefined : (JSON.parse(value) as Record<string, unknown>);
  const { subject } = at;
  switch (at.keytype) {
    case 'SCHEMA': {
      if (typeof subject !== 'string' || typeof at.version !== 'number') throw malformed(key);
      const version = at.version;
      if (given === undefined) return { kind: 'version', subject, version, content: undefined };
      const type = schemaTypes.find((each) => each === (given['schemaType'] ?? 'AVRO'));
      const { id, schema, references, deleted } = given;
      if (type === undefined || typeof id !== 'number' || typeof schema !== 'string') throw malformed(key);
      return {
        kind: 'version',
        subject,
        version,
        content: { id, type, schema, references: referencesOf(references), deleted: deleted === true },
      };
    }
    case 'CONFIG': {
      const level = compatibilityLevels.find((each) => each === given?.['compatibilityLevel']);
      return { kind: 'level', subject: typeof subject === 'string' ? subject : undefined, level };
    }
    case 'MODE': {
      const mode = registryModes.find((each) => each === given?.['mode']);
      return { kind: 'mode', subject: typeof subject === 'string' ? subject : undefined, mode };
    }
    case 'DELETE_SUBJECT': {
      const version = given?.['version'];
      if (typeof subject !== 'string' || typeof version !== 'number') return undefined;
      return { kind: 'delete-subject', subject, version };
    }
    case 'NOOP': {
      const id = given?.['lastId'];
      return typeof id === 'number' ? { kind: 'last-id', id } : undefined;
    }
    default:
      return undefined;
  }
};

/** References as JSON has them; what is not one is left out. */
export const referencesOf = (given: unknown): readonly SchemaReference[] =>
  (Array.isArray(given) ? given : []).flatMap((each: Partial<SchemaReference> | null): SchemaReference[] => {
    const { name, subject, version } = each ?? {};
    return typeof name === 'string' && typeof subject === 'string' && typeof version === 'number'
      ? [{ name, subject, version }]
      : [];
  });

const malformed = (key: string): Error => new Error(`the record ${key} has no schema`);
