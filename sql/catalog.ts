/**
 * The catalog: which streams, tables and types there are, which queries read and write them, which queries are paused.
 *
 * It is what the applied statements add up to, and nothing else: a copy of it serves to try a request before any of it
 * is run, and replaying the statement log makes it again. It does no I/O; topics are made by the statements.
 *
 * Laws. A name stands for one source, whatever its kind. A source that a query reads, or that an INSERT query writes,
 * cannot be dropped; its own CREATE … AS query goes with it. Names are compared as they are: the parser has upper-cased
 * the unquoted ones.
 */

import { type Position, UserError } from '../base/index.ts';
import { type Source, type SourceCatalog, unknownSource } from './analyze/sources.ts';
import type { SourceKind } from './parser/ast.ts';
import type { PhysicalPlan } from './plan/plan.ts';
import type { SqlType } from './types/type.ts';

/** A query that runs until it is terminated, made by CREATE … AS, INSERT INTO … SELECT or CREATE SOURCE TABLE. */
export interface PersistentQuery {
  readonly id: string;
  readonly kind: 'create-as' | 'insert' | 'source-table';
  /** The stream or table that it writes; for a source table, which writes no topic, the table itself. */
  readonly sink: string;
  readonly sources: readonly string[];
  readonly statement: string;
  readonly plan: PhysicalPlan;
  readonly properties: Readonly<Record<string, string>>;
}

export class Catalog implements SourceCatalog {
  readonly #sources: Map<string, Source>;
  readonly #queries: Map<string, PersistentQuery>;
  readonly #types = new Map<string, SqlType>();
  /** Ids of paused queries. */
  readonly #paused = new Set<string>();

  constructor(sources: Iterable<Source> = [], queries: Iterable<PersistentQuery> = []) {
    this.#sources = new Map(Array.from(sources, (source) => [source.name, source]));
    this.#queries = new Map(Array.from(queries, (query) => [query.id, query]));
  }

  /** A copy that may be changed without a trace here: sources and queries themselves never change. */
  copy(): Catalog {
    const copy = new Catalog(this.#sources.values(), this.#queries.values());
    for (const [name, type] of this.#types) copy.#types.set(name, type);
    for (const id of this.#paused) copy.#paused.add(id);
    return copy;
  }

  /** What CREATE TYPE has made, by name; sorted. */
  types(): ReadonlyMap<string, SqlType> {
    return new Map([...this.#types].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  /** Names of types are compared without regard to case, quoted ones too, as those of the built-in types. */
  type(name: string): SqlType | undefined {
    return this.#types.get(name.toUpperCase());
  }

  addType(name: string, type: SqlType): void {
    this.#types.set(name.toUpperCase(), type);
  }

  removeType(name: string): void {
    this.#types.delete(name.toUpperCase());
  }

  isPaused(queryId: string): boolean {
    return this.#paused.has(queryId);
  }

  setPaused(queryId: string, paused: boolean): void {
    if (paused) this.#paused.add(queryId);
    else this.#paused.delete(queryId);
  }

  source(name: string): Source | undefined {
    return this.#sources.get(name);
  }

  /** Sorted by name. */
  sources(kind?: SourceKind): readonly Source[] {
    const all = [...this.#sources.values()].filter((source) => kind === undefined || source.kind === kind);
    return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  query(id: string): PersistentQuery | undefined {
    return this.#queries.get(id);
  }

  /** In order of creation. */
  queries(): readonly PersistentQuery[] {
    return [...this.#queries.values()];
  }

  /** The query of this id, in whatever case it was written. */
  findQuery(id: string): PersistentQuery | undefined {
    const wanted = id.toUpperCase();
    return this.#queries.get(id) ?? this.queries().find((query) => query.id.toUpperCase() === wanted);
  }

  /** Queries that read a source, in order of creation. */
  readersOf(name: string): readonly PersistentQuery[] {
    return this.queries().filter((query) => query.sources.includes(name));
  }

  writersOf(name: string): readonly PersistentQuery[] {
    return this.queries().filter((query) => query.sink === name);
  }

  add(source: Source): void {
    this.#sources.set(source.name, source);
  }

  /** Adds the query, or puts it in the place of the one of its id. */
  addQuery(query: PersistentQuery): void {
    this.#queries.set(query.id, query);
  }

  removeQuery(id: string): void {
    this.#queries.delete(id);
    this.#paused.delete(id);
  }

  /** Removes the source, together with its own CREATE … AS query, whose id is returned. */
  remove(name: string): string | undefined {
    const query = this.#sources.get(name)?.query;
    this.#sources.delete(name);
    if (query === undefined || !this.#queries.has(query)) return undefined;
    this.removeQuery(query);
    return query;
  }

  /** The source, or an error that names one with a similar name. */
  require(name: string, at?: Position): Source {
    const source = this.#sources.get(name);
    if (source !== undefined) return source;
    throw unknownSource(this, name, at);
  }

  /** Raises a `UserError` when the source cannot be dropped. */
  checkDrop(name: string, at?: Position): void {
    const own = this.#sources.get(name)?.query;
    const readers = this.readersOf(name)
      .map((query) => query.id)
      .filter((id) => id !== own);
    const writers = this.writersOf(name)
      .map((query) => query.id)
      .filter((id) => id !== own);
    if (readers.length === 0 && writers.length === 0) return;
    const parts = [
      ...(readers.length > 0 ? [`read by the queries [${readers.join(', ')}]`] : []),
      ...(writers.length > 0 ? [`written by the queries [${writers.join(', ')}]`] : []),
    ];
    throw new UserError('SQL_SOURCE_IN_USE', `"${name}" cannot be dropped: it is ${parts.join(' and ')}`, {
      hint: `Stop them first, for example: TERMINATE ${[...readers, ...writers][0]};`,
      at,
    });
  }
}
