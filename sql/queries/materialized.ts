/**
 * The table behind a pull query: which query keeps its rows, in which store, and what has to be done to a stored entry
 * until it is a row of the table.
 *
 * A CREATE TABLE … AS query keeps either the rows themselves, or, where it aggregates, the accumulators of its groups.
 * The steps above the aggregate (results, HAVING, the SELECT list) are then applied to each entry that is read. A table
 * made by CREATE TABLE over a topic keeps nothing.
 */

import { AssertionError, assert, ByteWriter, type Position, UserError } from '../../base/index.ts';
import {
  type OperatorContext,
  readSessionOrder,
  type StoreEntry,
  StreamRecord,
  takeHeaders,
  timestampBytes,
  timestampOf,
} from '../../engine/index.ts';
import type { Source } from '../analyze/sources.ts';
import type { Catalog } from '../catalog.ts';
import { accumulatorTypes, resultFiller } from '../compile/aggregates.ts';
import type { CompileEnvironment } from '../compile/environment.ts';
import { columnScope } from '../compile/reading.ts';
import { condition, rowFiller } from '../compile/select.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { keyedSchema, keyFormatOf, type Step } from '../plan/plan.ts';
import { formerColumns } from '../plan/steps/sink.ts';
import { RowEncoding } from '../types/row-encoding.ts';
import { RowSlots } from '../types/slots.ts';
import type { Row, Value } from '../types/value.ts';

export interface Materialized {
  readonly queryId: string;
  readonly store: string;
  /** What each entry has besides its key: nothing, the start of a window, or the bounds of a session. `in the key`: the
   *  bounds are the last bytes of the entry's key, as in the topic of a windowed source table. */
  readonly windows: 'none' | 'of a size' | 'sessions' | 'in the key';
  /** The format in which the store's keys lie. */
  readonly keyFormat: FormatChoice;
  /** Reads an entry; the record is lent until the next call. Undefined: the table does not show it. */
  read(entry: StoreEntry): StreamRecord<Row> | undefined;
}

/** Outside of a task there is no processing log: what fails is NULL or left out, silently, as it was noted when it was
 *  written. */
export const silentContext: OperatorContext = {
  applicationId: 'pull',
  taskId: 'pull',
  partition: 0,
  store: () => outside(),
  child: () => outside(),
  output: () => outside(),
  topicWriter: () => outside(),
  keepOrigin: () => outside(),
  takeHeaders: (record, bytes, headersAt) => void takeHeaders(record, bytes, headersAt, headers),
  originTime: (timestamp) => timestamp,
  mixesOrigins: () => false,
  streamTime: () => Number.NEGATIVE_INFINITY,
  reachedTime: () => Number.NEGATIVE_INFINITY,
  drop: () => undefined,
  sendsBefore: false,
  readsValues: true,
  cachesResults: false,
  usesBefore: () => outside(),
  schedule: () => outside(),
  inputTopic: () => undefined,
  requestCommit: () => outside(),
  failed: () => outside(),
  systemTime: () => outside(),
  scratch: () => new ByteWriter(64),
};

const headers = new ByteWriter(64);

const outside = (): never => {
  throw new AssertionError('a pull query has no task');
};

export const materializedTable = (
  source: Source,
  catalog: Catalog,
  environment: CompileEnvironment,
  at: Position | undefined,
): Materialized => {
  const query = source.query === undefined ? undefined : catalog.query(source.query);
  if (query === undefined) {
    throw new UserError(
      'SQL_NOT_MATERIALIZED',
      source.query === undefined
        ? `the table "${source.name}" reads its topic and keeps no rows that could be asked for`
        : `the query that kept the rows of "${source.name}" was terminated`,
      {
        at,
        hint: `Make a table that keeps them: CREATE TABLE QUERYABLE_${source.name} AS SELECT * FROM ${source.name};`,
      },
    );
  }
  const { root } = query.plan;
  assert(root.kind === 'tableSink' || root.kind === 'tableStore', 'a table is written by a table sink, or kept');
  const above: Step[] = [];
  let below: Step = root.from;
  while (root.store === undefined && (below.kind === 'tableSelect' || below.kind === 'tableFilter')) {
    above.unshift(below);
    below = below.from;
  }
  const aggregates =
    below.kind === 'streamAggregate' || below.kind === 'tableAggregate' || below.kind === 'streamWindowedAggregate'
      ? below
      : undefined;
  const store = root.store ?? aggregates?.store;
  assert(store !== undefined, `the query ${query.id} keeps its rows`);
  const keyFormat = keyFormatOf(below);
  const encoding = new RowEncoding(
    aggregates === undefined
      ? root.schema.value.map((column) => column.type)
      : accumulatorTypes(aggregates.aggregates, environment),
    root.kind === 'tableSink' ? formerColumns(root.formerRows) : undefined,
  );
  const stages = aggregates === undefined ? [] : stagesOf(aggregates, above, keyFormat, environment);
  const record = new StreamRecord<Row>();
  const key = new ByteWriter(64);
  return {
    queryId: query.id,
    store,
    windows: windowsOf(below),
    keyFormat,
    read(entry) {
      key.reset();
      key.bytes(entry.key);
      if (entry.windowStart !== undefined) key.i64(entry.windowStart);
      const session = entry.order === undefined ? undefined : readSessionOrder(entry.order, 0);
      if (session !== undefined) {
        key.i64(session.end);
        key.i64(session.start);
      }
      record.keyBytes = key.buffer;
      record.keyStart = 0;
      record.keyEnd = key.length;
      // The time of a session's result is its end, and is not kept beside it.
      record.timestamp = session?.end ?? timestampOf(entry.value, 0);
      record.value = encoding.read(entry.value, session === undefined ? timestampBytes : 0, entry.value.length);
      for (const stage of stages) if (!stage(record)) return undefined;
      return record;
    },
  };
};

const windowsOf = (step: Step): Materialized['windows'] => {
  if (step.kind !== 'streamWindowedAggregate') return step.schema.windowed === undefined ? 'none' : 'in the key';
  return step.window.type === 'SESSION' ? 'sessions' : 'of a size';
};

/** Changes the record's value in place; false: it is not shown. */
type Stage = (record: StreamRecord<Row>) => boolean;

const stagesOf = (
  aggregates: Extract<Step, { readonly kind: 'streamAggregate' | 'tableAggregate' | 'streamWindowedAggregate' }>,
  above: readonly Step[],
  keyFormat: FormatChoice,
  environment: CompileEnvironment,
): readonly Stage[] => {
  const fillResults = resultFiller(aggregates.aggregates, environment);
  const slots = new RowSlots();
  const filled = (
    fill: (record: StreamRecord<Row>, context: OperatorContext, into: Row) => void,
    width: number,
  ): Stage => {
    return (record) => {
      const row = new Array<Value>(width).fill(null);
      fill(record, silentContext, row);
      record.value = row;
      return true;
    };
  };
  return [
    filled((read, context, into) => {
      slots.row = read.value as Row;
      fillResults(slots, read, context, into);
    }, aggregates.aggregates.length),
    ...above.map((step): Stage => {
      assert('from' in step, `${step.kind} above an aggregate`);
      const scope = columnScope(keyedSchema(step.from), keyFormat, 'row');
      if (step.kind === 'tableSelect') return filled(rowFiller(step.items, scope, environment), step.items.length);
      assert(step.kind === 'tableFilter', `${step.kind} above an aggregate`);
      const keeps = condition(step.predicate, scope, environment);
      return (record) => keeps(record, silentContext);
    }),
  ];
};
