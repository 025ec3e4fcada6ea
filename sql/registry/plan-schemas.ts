/**
 * The registry as statements see it while they are planned: synchronous, and with what the statements before them in
 * the same request are going to register. Nothing is registered here.
 *
 * What has to be fetched first interrupts the planning with `SchemaPending`; when that is there, planning begins again
 * (`planned`). A schema that is to be registered has a provisional id below 0, for which the real one is put when the
 * statement is decided (`withSchemaIds`).
 */

import { UserError } from '../../base/index.ts';
import { RegistryError, type SchemaRegistry } from './registry.ts';
import { contentKey, type KnownSchema, type ResolvedSchema } from './schema.ts';

/** Planning needs something of the registry, and begins again when `ready` is fulfilled. */
export class SchemaPending extends Error {
  readonly ready: Promise<void>;

  constructor(ready: Promise<void>) {
    super('a schema is being fetched');
    this.name = 'SchemaPending';
    this.ready = ready;
  }
}

/** Plans, and plans again when what was missing is there. `plan` starts from the same things each time. */
export const planned = async <T>(plan: () => T): Promise<T> => {
  for (;;) {
    try {
      return plan();
    } catch (error) {
      if (!(error instanceof SchemaPending)) throw error;
      await error.ready;
    }
  }
};

/** What a registry refuses, or does not answer, as the fault of a statement. */
export const registryFault = (error: unknown): unknown => {
  if (!(error instanceof RegistryError)) return error;
  const { code, message } = error;
  if (code === 409) return new UserError('SQL_SCHEMA_INCOMPATIBLE', message, { cause: error });
  return new UserError('SCHEMA_REGISTRY_FAILED', message, {
    hint: 'See whether the registry runs, and what it may be asked for.',
    cause: error,
  });
};

/** What a statement registers when it is decided: in this order. */
export interface NewSchema {
  readonly subject: string;
  readonly schema: KnownSchema;
}

/** What was fetched of a registry, once for the planning of a request. */
export class FetchedSchemas {
  readonly #registry: SchemaRegistry;
  readonly #values = new Map<string, unknown>();

  constructor(registry: SchemaRegistry) {
    this.#registry = registry;
  }

  latest(subject: string): KnownSchema | undefined {
    return this.#get(`latest ${subject}`, () => this.#registry.latest(subject));
  }

  byId(id: number): KnownSchema | undefined {
    return this.#get(`id ${id}`, () => this.#registry.byId(id));
  }

  incompatibilities(subject: string, schema: ResolvedSchema): readonly string[] {
    const key = `compatible ${subject} ${contentKey(schema)}`;
    return this.#get(key, () => this.#registry.incompatibilities(subject, schema));
  }

  #get<T>(key: string, fetch: () => Promise<T>): T {
    if (this.#values.has(key)) return this.#values.get(key) as T;
    throw new SchemaPending(
      fetch().then(
        (value) => {
          this.#values.set(key, value);
        },
        (error: unknown) => {
          throw registryFault(error);
        },
      ),
    );
  }
}

export interface SchemaSource extends Pick<FetchedSchemas, 'latest' | 'byId' | 'incompatibilities'> {
  /** The id that a schema will get, where that is known beforehand; left out: a provisional one. */
  newId?(): number;
}

export class PlanSchemas {
  readonly #source: SchemaSource;
  /** By subject: what is going to be the last version; null: the subject is going to be deleted. */
  readonly #last = new Map<string, KnownSchema | null>();
  readonly #byId = new Map<number, KnownSchema>();
  readonly #byContent = new Map<string, KnownSchema>();
  #nextId = -1;

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  latest(subject: string): KnownSchema | undefined {
    const last = this.#last.get(subject);
    if (last === null) return undefined;
    return last ?? this.#source.latest(subject);
  }

  byId(id: number): KnownSchema | undefined {
    return this.#byId.get(id) ?? this.#source.byId(id);
  }

  /** Why the schema could not be the subject's next version. A subject that a statement of this request changes is
   *  compared when its schemas are registered. */
  incompatibilities(subject: string, schema: ResolvedSchema): readonly string[] {
    return this.#last.has(subject) ? [] : this.#source.incompatibilities(subject, schema);
  }

  /** The schema as the subject's last version. One that already is stays as it is. */
  register(subject: string, schema: ResolvedSchema): KnownSchema {
    const latest = this.latest(subject);
    const key = contentKey(schema);
    const known =
      latest !== undefined && contentKey(latest) === key
        ? latest
        : (this.#byContent.get(key) ?? { ...schema, id: this.#source.newId?.() ?? this.#nextId-- });
    this.#byContent.set(key, known);
    this.#byId.set(known.id, known);
    this.#last.set(subject, known);
    return known;
  }

  deleteSubject(subject: string): void {
    this.#last.set(subject, null);
  }
}

/** A copy of a command's data in which provisional ids of schemas are the real ones. The data is searched as JSON,
 *  whatever kind of command it is. */
export const withSchemaIds = <T>(data: T, ids: ReadonlyMap<number, number>): T => {
  if (Array.isArray(data)) return data.map((each: unknown) => withSchemaIds(each, ids)) as T;
  if (typeof data !== 'object' || data === null) return data;
  const copy: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(data)) {
    const id: unknown = name === 'schema' && typeof part === 'object' && part !== null ? part.id : undefined;
    const real = typeof id === 'number' ? ids.get(id) : undefined;
    copy[name] = real === undefined ? withSchemaIds(part, ids) : { ...part, id: real };
  }
  return copy as T;
};
