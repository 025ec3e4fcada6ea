/** Pull queries on tables: committed rows of a materialized table, by key, by window, or all of them, filtered and
 *  projected. */

import { assert, ByteWriter, UserError } from '../../base/index.ts';
import { type EntryRange, type Runtime, type StoreEntry, sessionsEndingAt } from '../../engine/index.ts';
import type { AnalyzedQuery } from '../analyze/query.ts';
import type { Catalog } from '../catalog.ts';
import type { CompileEnvironment } from '../compile/environment.ts';
import { keyWriter, windowBytesOf } from '../compile/keys.ts';
import { columnScope } from '../compile/reading.ts';
import { condition, rowFiller } from '../compile/select.ts';
import { formatNamed } from '../formats/index.ts';
import type { Query } from '../parser/ast.ts';
import type { Rule } from '../plan/rule.ts';
import type { Settings } from '../settings.ts';
import type { Row, Value } from '../types/value.ts';
import { accessOf, accessText, conditionOf } from './access.ts';
import { materializedTable, silentContext } from './materialized.ts';
import type { PullStep, Rows } from './pull/step.ts';

export interface PullContext {
  readonly catalog: Catalog;
  readonly environment: CompileEnvironment;
  readonly runtime: Runtime;
  readonly settings: Settings;
  /** The rules that rewrite plans; all of them when left out. */
  readonly rules?: readonly Rule[] | undefined;
}

/** What cannot be read is found here, before the first row is asked for. */
export const pullTable = (analyzed: AnalyzedQuery, query: Query, context: PullContext): PullStep => {
  const { catalog, environment, runtime, settings } = context;
  const scoped = analyzed.sources[0] as (typeof analyzed.sources)[number];
  const { source } = scoped;
  const { plan } = analyzed;
  if (plan.kind !== 'project') throw new UserError('SQL_PULL_QUERY', 'a pull query selects columns', { at: query.at });
  const predicate = conditionOf(plan.input);
  for (const column of ['ROWPARTITION', 'ROWOFFSET']) {
    if (JSON.stringify([plan.items, predicate]).includes(`"from":"${column.toLowerCase()}"`)) {
      throw new UserError('SQL_PULL_QUERY', `a row of a table has no ${column}`, { at: query.at });
    }
  }
  const table = materializedTable(source, catalog, environment, scoped.at);
  const access = accessOf(predicate, source.schema);
  const [firstKey] = source.schema.key;
  const isSorted = firstKey !== undefined && formatNamed(table.keyFormat.name).sorts?.(firstKey.type) === true;
  const readsRange =
    isSorted &&
    table.windows === 'none' &&
    (access.low !== undefined || access.high !== undefined) &&
    settings.isTrue('ksql.query.pull.range.scan.enabled') !== false;
  if (access.keys === undefined && !readsRange && settings.isTrue('ksql.query.pull.table.scan.enabled') === false) {
    throw new UserError(
      'SQL_PULL_SCAN',
      `the query reads the whole table "${source.name}", and scans are switched off`,
      {
        at: query.where?.at ?? query.at,
        hint: `Ask by key: WHERE ${source.schema.key.map((column) => `${column.name} = …`).join(' AND ')}.`,
      },
    );
  }
  const scope = columnScope(source.schema, table.keyFormat, 'row');
  const keeps = predicate === undefined ? undefined : condition(predicate, scope, environment);
  const fill = rowFiller(plan.items, scope, environment);
  const width = plan.items.length;
  const limit = analyzed.limit ?? Number.POSITIVE_INFINITY;

  const rowsOf = (entries: readonly StoreEntry[], most: number): Row[] => {
    const rows: Row[] = [];
    for (const entry of entries) {
      if (rows.length >= most) break;
      const record = table.read(entry);
      if (record === undefined || (keeps !== undefined && !keeps(record, silentContext))) continue;
      const row = new Array<Value>(width).fill(null);
      fill(record, silentContext, row);
      rows.push(row);
    }
    return rows;
  };

  return { text: accessText(analyzed), inputs: [], rows };

  async function* rows(): Rows {
    let left = limit;
    if (left <= 0 || access.from > access.to) return;
    const pages = access.keys === undefined ? scan() : lookUp(access.keys);
    for await (const page of pages) {
      const rows = rowsOf(page, left);
      left -= rows.length;
      // Empty ones too: a client that has left is noticed between batches.
      yield rows;
      if (left <= 0) return;
    }
  }

  async function* scan(): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    const { from, to, low, high } = access;
    const writer = keyWriter(source.schema.key, table.keyFormat);
    const bytesOf = (key: string): ByteWriter => {
      const out = new ByteWriter(64);
      assert(writer.write([key], out), 'a key that is not NULL has bytes');
      return out;
    };
    yield* runtime.scan(table.queryId, table.store, {
      ...(readsRange && low !== undefined ? { from: bytesOf(low).slice() } : {}),
      // The last key is excluded there, and included here: nothing lies between bytes and the same with one more zero
      // byte.
      ...(readsRange && high !== undefined ? { to: withZero(bytesOf(high)) } : {}),
      ...(table.windows === 'of a size' && Number.isFinite(from) ? { fromWindow: from } : {}),
      ...(table.windows === 'of a size' && Number.isFinite(to) ? { toWindow: to + 1 } : {}),
    });
  }

  /** The windows of one key. */
  function entryRange(): EntryRange {
    if (table.windows === 'none') return {};
    const from = Math.max(access.from, 0);
    const to = Math.min(access.to, Number.MAX_SAFE_INTEGER);
    if (table.windows === 'of a size') return { windows: { from, to } };
    return {
      orders: { from: sessionsEndingAt(from), ...(to < Number.MAX_SAFE_INTEGER && { to: sessionsEndingAt(to + 1) }) },
    };
  }

  /** The windows of one key, where they are part of the entries' keys. */
  async function* windowsInKeys(key: Uint8Array): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    const length = key.length + windowBytesOf(source.schema.windowed);
    // Behind all windows of the key, and of the longer keys that begin with it.
    const to = new Uint8Array(length + 1).fill(0xff);
    to.set(key);
    for await (const page of runtime.scan(table.queryId, table.store, { from: key, to })) {
      yield page.filter((entry) => entry.key.length === length);
    }
  }

  async function* lookUp(keys: readonly Row[]): AsyncGenerator<readonly StoreEntry[], void, undefined> {
    const writer = keyWriter(source.schema.key, table.keyFormat);
    const out = new ByteWriter(64);
    const range = entryRange();
    for (const key of keys) {
      out.reset();
      if (!writer.write(key, out)) continue;
      if (table.windows === 'in the key') {
        yield* windowsInKeys(out.slice());
        continue;
      }
      yield await runtime.read(table.queryId, table.store, out.slice(), range);
    }
  }
};

const withZero = (out: ByteWriter): Uint8Array => {
  out.i8(0);
  return out.slice();
};
