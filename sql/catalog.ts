/**
 * The catalog: which streams and tables there are, which queries read and write them.
 *
 * It is what the applied statements add up to, and nothing else: a copy of it serves to try a request before any of it
 * is run, and replaying the statement log makes it again. It does no I/O; topics are made by the statements.
 *
 * Laws. A name stands for one source, whatever its kind. A source that a query reads, or that an INSERT query writes,
 * cannot be dropped; its own CREATE … AS query goes with it. Names are compared as they are: the parser has upper-cased
 * the unquoted ones.
 */

import { closest, type Position, UserError } from '../base/index.ts';
import type { SourceKind } from './parser/ast.ts';
import type { FormatChoice, TimestampColumn } from './plan/choices.ts';
import type { PhysicalPlan } from './plan/plan.ts';
import type { Schema } from './types/schema.ts';

export interface Source {
  readonly name: string;
  readonly kind: SourceKind;
  readonly schema: Schema;
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn;
  /** Declared with the word SOURCE: nobody may insert into it or delete its topic. */
  readonly readOnly: boolean;
  /** The statement that made it. */
  readonly statement: string;
  /** The query that writes it, for what CREATE … AS made. */
  readonly query?: string;
}

export interface Query {
  readonly id: string;
  readonly kind: 'create-as' | 'insert';
  readonly sink: string;
  readonly sources: readonly string[];
  readonly statement: string;
  readonly plan: PhysicalPlan;
  readonly properties: Readonly<Record<string, string>>;
}

export class Catalog {
  readonly #sources: Map<string, Source>;
  readonly #queries: Map<string, Query>;

  constructor(sources: Iterable<Source> = [], queries: Iterable<Query> = []) {
    this.#sources = new Map(Array.from(sources, (source) => [source.name, source]));
    this.#queries = new Map(Array.from(queries, (query) => [query.id, query]));
  }

  /** A copy that may be changed without a trace here: sources and queries themselves never change. */
  copy(): Catalog {
    return new Catalog(this.#sources.values(), this.#queries.values());
  }

  source(name: string): Source | undefined {
    return this.#sources.get(name);
  }

  /** Sorted by name. */
  sources(kind?: SourceKind): readonly Source[] {
    const all = [...this.#sources.values()].filter((source) => kind === undefined || source.kind === kind);
    return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  query(id: string): Query | undefined {
    return this.#queries.get(id);
  }

  /** In order of creation. */
  queries(): readonly Query[] {
    return [...this.#queries.values()];
  }

  /** The query of this id, in whatever case it was written. */
  findQuery(id: string): Query | undefined {
    const wanted = id.toUpperCase();
    return this.#queries.get(id) ?? this.queries().find((query) => query.id.toUpperCase() === wanted);
  }

  /** Queries that read a source, in order of creation. */
  readersOf(name: string): readonly Query[] {
    return this.queries().filter((query) => query.sources.includes(name));
  }

  writersOf(name: string): readonly Query[] {
    return this.queries().filter((query) => query.sink === name);
  }

  add(source: Source): void {
    this.#sources.set(source.name, source);
  }

  addQuery(query: Query): void {
    this.#queries.set(query.id, query);
  }

  removeQuery(id: string): void {
    this.#queries.delete(id);
  }

  /** Takes the source out, together with its own CREATE … AS query, whose id is answered. */
  remove(name: string): string | undefined {
    const query = this.#sources.get(name)?.query;
    this.#sources.delete(name);
    if (query !== undefined && this.#queries.delete(query)) return query;
    return undefined;
  }

  /** The source, or an error that says what is close. */
  require(name: string, at?: Position): Source {
    const source = this.#sources.get(name);
    if (source !== undefined) return source;
    throw unknownSource(this, name, at);
  }

  /** Says why a source cannot be dropped, or nothing when it can. */
  checkDrop(name: string, at?: Position): void {
    const own = this.#sources.get(name)?.query;
    const readers = this.readersOf(name).map((query) => query.id);
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

export const unknownSource = (catalog: Catalog, name: string, at?: Position): UserError => {
  const names = catalog.sources().map((source) => source.name);
  const near = closest(name, names);
  return new UserError('SQL_UNKNOWN_SOURCE', `there is no stream or table called "${name}"`, {
    hint:
      near !== undefined
        ? `Did you mean "${near}"?`
        : name !== name.toUpperCase() || !names.includes(name)
          ? 'SHOW STREAMS; and SHOW TABLES; list what there is.'
          : undefined,
    at,
  });
};
