/**
 * A registry in this process: the rules, over a state in memory and a place where its records are kept.
 *
 * A change is decided against the state, its records are stored, then applied to the state: one change after another.
 * What is read is what was stored.
 */

import { messageOf } from '../../base/index.ts';
import { faultsBetween, faultsWithAll, rulesOf } from './compatibility/index.ts';
import type { RegistryRecord } from './records.ts';
import {
  type CompatibilityLevel,
  type Deleted,
  defaultLevel,
  type Registered,
  type RegisterOptions,
  RegistryError,
  type RegistryMode,
  type SchemaRegistry,
} from './registry.ts';
import { type KnownSchema, type ResolvedSchema, type SchemaText, type SubjectVersion, sameSchema } from './schema.ts';
import { RegistryState } from './state.ts';

/** Where the records of a registry are kept. */
export interface RegistryStore {
  /** Every record there is, in order; called once, before the first `append`. */
  read(): Promise<readonly RegistryRecord[]>;
  /** Keeps all of them; fulfilled when they are on the disk. */
  append(records: readonly RegistryRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Keeps nothing: for tests and tools. */
const noStore: RegistryStore = {
  read: async () => [],
  append: async () => undefined,
  close: async () => undefined,
};

export class LocalRegistry implements SchemaRegistry {
  readonly #store: RegistryStore;
  readonly #state: Promise<RegistryState>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: RegistryStore = noStore) {
    this.#store = store;
    this.#state = store.read().then((records) => {
      const state = new RegistryState();
      for (const record of records) state.apply(record);
      return state;
    });
    this.#state.catch(() => undefined);
  }

  register(subject: string, given: SchemaText, options: RegisterOptions = {}): Promise<Registered> {
    return this.#change(async (state) => {
      const schema = await this.#checked(state, given, options);
      const known = this.#find(state, subject, schema);
      if (known !== undefined) return { result: { id: known.id, version: known.version }, records: [] };
      checkWritable(state, subject);
      const faults = await this.#faults(state, subject, schema);
      if (faults.length > 0) {
        throw new RegistryError(
          409,
          `the schema is not compatible with those of the subject "${subject}": ${faults.join('; ')}`,
        );
      }
      const id = state.idOf(schema) ?? state.lastId + 1;
      const version = (state.versions(subject, true).at(-1) ?? 0) + 1;
      const { type, schema: text, references = [] } = schema;
      const content = { id, type, schema: text, references, deleted: false };
      return { result: { id, version }, records: [{ kind: 'version', subject, version, content }] };
    });
  }

  async byId(id: number): Promise<KnownSchema | undefined> {
    return (await this.#state).schema(id);
  }

  async latest(subject: string): Promise<SubjectVersion | undefined> {
    const state = await this.#state;
    const last = state.versions(subject, false).at(-1);
    return last === undefined ? undefined : state.version(subject, last);
  }

  async version(
    subject: string,
    version: number,
    { deleted = false }: Deleted = {},
  ): Promise<SubjectVersion | undefined> {
    const state = await this.#state;
    return state.versions(subject, deleted).includes(version) ? state.version(subject, version) : undefined;
  }

  async find(
    subject: string,
    given: SchemaText,
    options: RegisterOptions & Deleted = {},
  ): Promise<SubjectVersion | undefined> {
    const state = await this.#state;
    return this.#find(state, subject, await this.#checked(state, given, options), options.deleted);
  }

  async subjects({ deleted = false }: Deleted = {}): Promise<readonly string[]> {
    return (await this.#state).subjects(deleted);
  }

  async versions(subject: string, { deleted = false }: Deleted = {}): Promise<readonly number[]> {
    return (await this.#state).versions(subject, deleted);
  }

  async incompatibilities(
    subject: string,
    given: SchemaText,
    { version, ...options }: RegisterOptions & { readonly version?: number | undefined } = {},
  ): Promise<readonly string[]> {
    const state = await this.#state;
    const schema = await this.#checked(state, given, options);
    if (version !== undefined) return this.#faults(state, subject, schema, [version]);
    return this.#find(state, subject, schema) === undefined ? this.#faults(state, subject, schema) : [];
  }

  async referrers(subject: string, version: number): Promise<readonly number[]> {
    const state = await this.#state;
    const ids = state.referrers(subject, version).flatMap((one) => state.content(one.subject, one.version)?.id ?? []);
    return [...new Set(ids)].sort((a, b) => a - b);
  }

  async level(subject?: string): Promise<CompatibilityLevel | undefined> {
    const level = (await this.#state).level(subject);
    return level ?? (subject === undefined ? defaultLevel : undefined);
  }

  setLevel(level: CompatibilityLevel | undefined, subject?: string): Promise<void> {
    return this.#change(async () => ({ result: undefined, records: [{ kind: 'level', subject, level }] }));
  }

  async mode(subject?: string): Promise<RegistryMode | undefined> {
    const mode = (await this.#state).mode(subject);
    return mode ?? (subject === undefined ? 'READWRITE' : undefined);
  }

  setMode(mode: RegistryMode | undefined, subject?: string): Promise<void> {
    return this.#change(async () => ({ result: undefined, records: [{ kind: 'mode', subject, mode }] }));
  }

  deleteSubject(subject: string, { permanent = false } = {}): Promise<readonly number[]> {
    return this.#change(async (state) => {
      const all = state.versions(subject, true);
      const alive = state.versions(subject, false);
      if (all.length === 0) throw subjectNotFound(subject);
      checkWritable(state, subject);
      for (const version of all) this.#checkNotReferred(state, subject, version);
      if (permanent) {
        if (alive.length > 0) {
          throw new RegistryError(
            40405,
            `the subject "${subject}" was not deleted first before it is deleted for good`,
          );
        }
        const settings: RegistryRecord[] = [
          ...(state.level(subject) === undefined ? [] : [{ kind: 'level', subject, level: undefined } as const]),
          ...(state.mode(subject) === undefined ? [] : [{ kind: 'mode', subject, mode: undefined } as const]),
        ];
        const gone = all.map((version): RegistryRecord => ({ kind: 'version', subject, version, content: undefined }));
        return { result: all, records: [lastIdOf(state), ...gone, ...settings] };
      }
      if (alive.length === 0) {
        throw new RegistryError(
          40404,
          `the subject "${subject}" was soft-deleted; set permanent=true to delete it for good`,
        );
      }
      return { result: alive, records: [{ kind: 'delete-subject', subject, version: alive.at(-1) as number }] };
    });
  }

  deleteVersion(subject: string, version: number, { permanent = false } = {}): Promise<void> {
    return this.#change(async (state) => {
      const content = state.content(subject, version);
      if (state.versions(subject, true).length === 0) throw subjectNotFound(subject);
      if (content === undefined) throw new RegistryError(40402, `the version ${version} was not found`);
      checkWritable(state, subject);
      this.#checkNotReferred(state, subject, version);
      if (permanent && !content.deleted) {
        throw new RegistryError(
          40407,
          `the version ${version} of "${subject}" was not deleted first before it is deleted for good`,
        );
      }
      if (!permanent && content.deleted) {
        throw new RegistryError(40406, `the version ${version} of "${subject}" was soft-deleted`);
      }
      const left = permanent ? undefined : { ...content, deleted: true };
      const change = { kind: 'version', subject, version, content: left } as const;
      return { result: undefined, records: permanent ? [lastIdOf(state), change] : [change] };
    });
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => undefined);
    await this.#store.close();
  }

  // ------------------------------------------------------------------------------------------------- rules

  /** The schema as it is to be kept, with what it refers to; a text that is no schema is refused. */
  async #checked(
    state: RegistryState,
    given: SchemaText,
    { normalize = false }: RegisterOptions,
  ): Promise<ResolvedSchema> {
    for (const { name, subject, version } of given.references ?? []) {
      if (state.content(subject, version) === undefined) {
        throw new RegistryError(
          42201,
          `the schema refers to "${name}", and there is no version ${version} of the subject "${subject}"`,
        );
      }
    }
    const resolved: ResolvedSchema = { ...given, definitions: state.definitionsOf(given) };
    try {
      const rules = await rulesOf(given.type);
      rules.check(resolved);
      return normalize ? { ...resolved, schema: rules.normalized(resolved) } : resolved;
    } catch (error) {
      throw new RegistryError(42201, `the text is not a schema of the type ${given.type}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #find(
    state: RegistryState,
    subject: string,
    schema: SchemaText,
    deleted: Deleted['deleted'] = false,
  ): SubjectVersion | undefined {
    for (const version of [...state.versions(subject, deleted)].reverse()) {
      const found = state.version(subject, version);
      if (found !== undefined && sameSchema(found, schema)) return found;
    }
    return undefined;
  }

  async #faults(
    state: RegistryState,
    subject: string,
    schema: ResolvedSchema,
    versions = state.versions(subject, false),
  ): Promise<readonly string[]> {
    const level = state.level(subject) ?? state.level(undefined) ?? defaultLevel;
    const former = versions.flatMap((version) => state.version(subject, version) ?? []);
    try {
      return await faultsWithAll(level, former, schema, faultsBetween);
    } catch (error) {
      // References within each other may go deeper than each of the two schemas is, and alternatives be too many.
      if (!(error instanceof RangeError)) throw error;
      throw new RegistryError(
        42201,
        'the schemas refer to themselves, or have alternatives, in too many ways to be compared',
      );
    }
  }

  #checkNotReferred(state: RegistryState, subject: string, version: number): void {
    const [first] = state.referrers(subject, version);
    if (first === undefined) return;
    throw new RegistryError(
      42206,
      `the version ${version} of "${subject}" is referred to by the version ${first.version} of "${first.subject}"`,
    );
  }

  /** Runs after the changes that were asked for before. */
  #change<T>(
    decide: (state: RegistryState) => Promise<{ readonly result: T; readonly records: readonly RegistryRecord[] }>,
  ): Promise<T> {
    const change = async (): Promise<T> => {
      const state = await this.#state;
      const { result, records } = await decide(state);
      if (records.length > 0) await this.#store.append(records);
      for (const record of records) state.apply(record);
      return result;
    };
    const changed = this.#turn.then(change, change);
    this.#turn = changed;
    changed.catch(() => undefined);
    return changed;
  }
}

const checkWritable = (state: RegistryState, subject: string): void => {
  if ((state.mode(subject) ?? state.mode(undefined)) === 'READONLY') {
    throw new RegistryError(42205, `the subject "${subject}" is in the mode READONLY`);
  }
};

/** Kept before versions go for good: compaction removes their records, and their ids stay in messages. */
const lastIdOf = (state: RegistryState): RegistryRecord => ({ kind: 'last-id', id: state.lastId });

const subjectNotFound = (subject: string): RegistryError =>
  new RegistryError(40401, `the subject "${subject}" was not found`);
