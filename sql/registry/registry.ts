/**
 * A registry of schemas: subjects with versions, ids that stand for one schema for ever, rules of compatibility.
 *
 * What ids, versions, deletions and levels mean is as in Confluent's Schema Registry, so that its clients can read what
 * Millrace writes. Two implementations: `LocalRegistry`, whose truth is a topic of the log, and `HttpRegistry`, a
 * client of an external one.
 */

import type { KnownSchema, SchemaText, SubjectVersion } from './schema.ts';

export const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof compatibilityLevels)[number];

/** Of a subject that has no level of its own, where no level was set for all. */
export const defaultLevel: CompatibilityLevel = 'BACKWARD';

/** READONLY: a subject takes no new schema, and none is deleted. */
export const registryModes = ['READWRITE', 'READONLY'] as const;
export type RegistryMode = (typeof registryModes)[number];

export interface RegisterOptions {
  /** Compare and keep the schema in its normal form, so that differences of spelling make no new version. */
  readonly normalize?: boolean | undefined;
}

export interface Registered {
  readonly id: number;
  readonly version: number;
}

/**
 * A request that a registry refuses, or cannot answer. The code is Confluent's, an HTTP status with two digits more:
 *
 * - 40401 no such subject, 40402 no such version, 40403 no such schema;
 * - 40404 the subject, 40406 the version was soft-deleted already; 40405, 40407: it was not, before it is deleted for
 *   good; 40408 the subject has no level, 40409 no mode of its own;
 * - 409 incompatible; 42201 not a schema, 42202 not a version, 42203 not a level, 42204 not a mode; 42205 the mode does
 *   not allow it; 42206 other schemas refer to it;
 * - 50002 the registry cannot be reached, or does not answer in time.
 */
export class RegistryError extends Error {
  readonly code: number;

  constructor(code: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'RegistryError';
    this.code = code;
  }
}

export interface Deleted {
  /** Whether what was soft-deleted counts as well; `only`: nothing else does. By default it does not. */
  readonly deleted?: boolean | 'only' | undefined;
}

/** Every promise that is rejected is so with a `RegistryError`. What was soft-deleted is left out unless it is asked
 *  for; its ids can be read for ever. */
export interface SchemaRegistry {
  /** The version of the subject with this schema; a new one where there is none. Rejects with 409 when it is not
   *  compatible with the versions that there are, as the subject's level demands. */
  register(subject: string, schema: SchemaText, options?: RegisterOptions): Promise<Registered>;
  /** Undefined: there is no such id. */
  byId(id: number): Promise<KnownSchema | undefined>;
  /** Undefined: there is no such subject. */
  latest(subject: string): Promise<SubjectVersion | undefined>;
  version(subject: string, version: number, options?: Deleted): Promise<SubjectVersion | undefined>;
  /** The version of the subject that has this schema. */
  find(subject: string, schema: SchemaText, options?: RegisterOptions & Deleted): Promise<SubjectVersion | undefined>;
  subjects(options?: Deleted): Promise<readonly string[]>;
  /** In ascending order; empty for an unknown subject. */
  versions(subject: string, options?: Deleted): Promise<readonly number[]>;
  /** Why the schema could not be registered as the subject's next version, as sentences; none: it could. `version`:
   *  compared with this one alone. */
  incompatibilities(
    subject: string,
    schema: SchemaText,
    options?: RegisterOptions & { readonly version?: number | undefined },
  ): Promise<readonly string[]>;
  /** The ids of the schemas that refer to this version. */
  referrers(subject: string, version: number): Promise<readonly number[]>;
  /** The level of a subject, or the one of all; undefined: the subject has none of its own. */
  level(subject?: string): Promise<CompatibilityLevel | undefined>;
  setLevel(level: CompatibilityLevel | undefined, subject?: string): Promise<void>;
  /** The mode of a subject, or the one of all; undefined: the subject has none of its own. */
  mode(subject?: string): Promise<RegistryMode | undefined>;
  setMode(mode: RegistryMode | undefined, subject?: string): Promise<void>;
  /** Soft-deletes all versions; `permanent` removes what was soft-deleted. Answers with the versions. */
  deleteSubject(subject: string, options?: { readonly permanent?: boolean }): Promise<readonly number[]>;
  deleteVersion(subject: string, version: number, options?: { readonly permanent?: boolean }): Promise<void>;
  close(): Promise<void>;
}
