/**
 * `millrace types`: the rows of every stream and table as TypeScript.
 *
 * It asks a running server, or reads a data directory in which nothing runs. The same sources give the same text.
 *
 * `Row<'NAME'>` is a row of `SELECT *` as `query` and `subscribe` give it. `Insert<'NAME'>` is what `insert` takes; it
 * is wider, since one value may be given in several forms, and columns may be left out. What is written are type
 * aliases: an interface would not fit the library's `Readonly<Record<string, unknown>>`.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StoredSource } from '../millrace.ts';
import { Client, serverAddress } from './client.ts';
import { exitCode, UsageFault } from './exit.ts';
import { reportFault } from './report.ts';
import { Terminal } from './terminal.ts';

export interface TypesOptions {
  readonly server?: string;
  readonly data?: string;
  readonly out?: string;
}

type Field = StoredSource['fields'][number];
type Description = Field['schema'];
type Kind = Description['type'];

/** Gives the exit code. */
export async function runTypes({ server, data, out }: TypesOptions): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr);
  try {
    if (server !== undefined && data !== undefined)
      throw new UsageFault('--server and --data cannot both be given', 'Leave --data out while a server uses it.');
    const { sources, made } = data === undefined ? await ofServer(server) : await ofDirectory(data, terminal);
    const text = rowTypes(sources, made);
    if (out === undefined) await terminal.write(text);
    else write(resolve(out), text);
    return exitCode.ok;
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: unknown };
    return reportFault(
      typeof hint === 'string' && data !== undefined ? new UsageFault(message, hint) : error,
      terminal,
    );
  }
}

interface Found {
  readonly sources: readonly StoredSource[];
  /** The command that makes the same again. */
  readonly made: string;
}

async function ofServer(server: string | undefined): Promise<Found> {
  const url = serverAddress(server);
  const entities = await new Client(url).execute('DESCRIBE STREAMS; DESCRIBE TABLES;', {
    properties: {},
    variables: {},
  });
  // The server's entity has these fields, and more.
  const sources = entities.flatMap((entity) => entity['sourceDescriptions'] as readonly StoredSource[]);
  return { sources, made: `millrace types --server ${url.origin}` };
}

async function ofDirectory(data: string, terminal: Terminal): Promise<Found> {
  const { storedSources } = await import('../millrace.ts');
  const { sources, failures } = await storedSources({ data });
  for (const failure of failures) terminal.message(`left out: ${failure}`);
  return { sources, made: `millrace types --data ${data}` };
}

/** A file that is up to date already is not touched: what watches it has nothing to do. */
function write(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new UsageFault(`${path} cannot be written: ${(error as Error).message}`);
  }
}

export function rowTypes(found: readonly StoredSource[], made: string): string {
  const sources = found.toSorted((a, b) => compare(a.name, b.name));
  const names = typeNames(sources);
  const nameOf = (source: StoredSource): string => names.get(source.name) ?? '';
  const queries = sources.flatMap((source) => source.writeQueries.map(({ id }) => ({ id, source: source.name })));
  const writable = sources.filter(isWritable);
  const lines = [
    '/**',
    ' * Rows of streams and tables, written by',
    ' *',
    ` *   ${made.replaceAll('*/', '* /')}`,
    ' *',
    ' * Run it again when the statements change. Changes by hand are lost then.',
    ' */',
    '',
    ...sources.flatMap((source) => [...rowType(source, nameOf(source)), '']),
    ...writable.flatMap((source) => [...insertType(source, nameOf(source)), '']),
    '/** A row of `SELECT *`, by the name of the stream or table. */',
    'export interface Sources {',
    ...sources.map((source) => `  readonly ${property(source.name)}: ${nameOf(source)}Row;`),
    '}',
    '',
    '/** A row for `insert`, by the name of the stream or table. */',
    'export interface Inserts {',
    ...writable.map((source) => `  readonly ${property(source.name)}: ${nameOf(source)}Insert;`),
    '}',
    '',
    '/** What a persistent query writes, by its id. */',
    'export interface Queries {',
    ...queries
      .toSorted((a, b) => compare(a.id, b.id))
      .map(({ id, source }) => `  readonly ${property(id)}: Sources[${JSON.stringify(source)}];`),
    '}',
    '',
    'export type Row<Name extends keyof Sources> = Sources[Name];',
    'export type Insert<Name extends keyof Inserts> = Inserts[Name];',
    '',
  ];
  return lines.join('\n');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Not windowed, and not declared with the word SOURCE. */
const isWritable = ({ windowType, statement }: StoredSource): boolean =>
  windowType === null && !/^\s*CREATE\s+(OR\s+REPLACE\s+)?SOURCE\b/i.test(statement);

/** What the types of each source begin with: CLICKS_BY_PAGE is ClicksByPage. */
function typeNames(sources: readonly StoredSource[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set(['']);
  for (const { name } of sources) {
    const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
    const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()).join('');
    const base = /^\d/.test(joined) ? `_${joined}` : joined;
    let free = base;
    for (let number = 2; taken.has(free); number++) free = `${base}_${number}`;
    taken.add(free);
    names.set(name, free);
  }
  return names;
}

function rowType(source: StoredSource, name: string): readonly string[] {
  const { type, fields, windowType } = source;
  const keys = fields.filter((field) => field.type === 'KEY');
  const bounds = windowType === null ? [] : ['  readonly WINDOWSTART: number;', '  readonly WINDOWEND: number;'];
  // A key of several columns may lack one of them.
  const hasKey = type === 'TABLE' && keys.length === 1;
  const line = (field: Field): string =>
    `  readonly ${property(field.name)}: ${given(field.schema)}${hasKey && field.type === 'KEY' ? '' : ' | null'};`;
  return [
    `/** A row of the ${type.toLowerCase()} ${source.name}. */`,
    `export type ${name}Row = {`,
    ...keys.map(line),
    ...bounds,
    ...fields.filter((field) => field.type !== 'KEY').map(line),
    '};',
  ];
}

function insertType(source: StoredSource, name: string): readonly string[] {
  const { type, fields } = source;
  return [
    `/** A row for insert('${source.name}', …). */`,
    `export type ${name}Insert = {`,
    ...fields
      .filter((field) => field.type !== 'HEADER')
      .map((field) =>
        type === 'TABLE' && field.type === 'KEY'
          ? `  readonly ${property(field.name)}: ${taken(field.schema)};`
          : `  readonly ${property(field.name)}?: ${orNull(taken(field.schema))} | undefined;`,
      ),
    '  /** The time of the record: when left out, that of the clock. */',
    '  readonly ROWTIME?: Date | number | undefined;',
    '};',
  ];
}

/** A property's name, quoted where it has to be. */
const property = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) && name !== '__proto__' ? name : JSON.stringify(name);

/** Types of scalars: as a query gives them, and where `insert` takes more, that. */
const scalars: Readonly<Record<Exclude<Kind, 'ARRAY' | 'MAP' | 'STRUCT'>, readonly [given: string, taken?: string]>> = {
  BOOLEAN: ['boolean'],
  INTEGER: ['number'],
  BIGINT: ['number | bigint'],
  DOUBLE: ['number'],
  DECIMAL: ['string', 'string | number | bigint'],
  STRING: ['string'],
  BYTES: ['Uint8Array'],
  DATE: ['string', 'string | Date'],
  TIME: ['string'],
  TIMESTAMP: ['Date', 'Date | number'],
};

const orNull = (type: string): string => `${type} | null`;

/** What a query gives. */
function given(description: Description): string {
  const { type, fields } = description;
  if (type === 'ARRAY') return `readonly (${orNull(given(memberOf(description)))})[]`;
  if (type === 'MAP') return `ReadonlyMap<string, ${orNull(given(memberOf(description)))}>`;
  if (type !== 'STRUCT') return scalarOf(type)[0];
  return struct((fields ?? []).map(({ name, schema }) => `readonly ${property(name)}: ${orNull(given(schema))}`));
}

/** What `insert` takes. */
function taken(description: Description): string {
  const { type, fields } = description;
  if (type === 'ARRAY') return `readonly (${orNull(taken(memberOf(description)))})[]`;
  if (type === 'MAP') {
    const member = orNull(taken(memberOf(description)));
    return `ReadonlyMap<string, ${member}> | { readonly [key: string]: ${member} }`;
  }
  if (type !== 'STRUCT') return scalarOf(type)[1] ?? scalarOf(type)[0];
  return struct(
    (fields ?? []).map(({ name, schema }) => `readonly ${property(name)}?: ${orNull(taken(schema))} | undefined`),
  );
}

const struct = (members: readonly string[]): string => (members.length === 0 ? '{}' : `{ ${members.join('; ')} }`);

/** A server may be newer than this. */
function scalarOf(type: Exclude<Kind, 'ARRAY' | 'MAP' | 'STRUCT'>): readonly [string, string?] {
  if (!Object.hasOwn(scalars, type))
    throw new UsageFault(`there is no TypeScript type for ${type}`, 'Use the version of millrace that the server has.');
  return scalars[type];
}

function memberOf({ type, memberSchema }: Description): Description {
  if (memberSchema === null) throw new UsageFault(`the server describes a type ${type} without its members`);
  return memberSchema;
}
