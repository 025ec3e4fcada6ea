/**
 * From a physical plan to a topology of the engine.
 *
 * It runs in whatever thread the query runs in: the plan is data, suppliers made here are called once per task.
 * Stateless steps right above a source are fused into its scan; other steps become nodes, named by the step's id.
 * Between steps a record's value is a row, or, right behind a scan, the scan's vectors (see `reading.ts`): what reads
 * single columns of a scanned record (an aggregate, a join, a new key) does so without a row being made.
 *
 * Between records of one task everything that is lent (rows, keys, vectors) is used again.
 */

import { assert, unreachable } from '../../base/index.ts';
import {
  aggregate,
  filter,
  joinStreamTable,
  mapValues,
  type ProcessorSupplier,
  repartitionSink,
  repartitionSource,
  result,
  StreamRecord,
  type TableFields,
  Topology,
  tableFilter,
  tableMapValues,
  tableSource,
  tumbling,
  windowAggregate,
} from '../../engine/index.ts';
import type { NamedExpression } from '../analyze/logical.ts';
import type { ColumnReference, TypedExpression } from '../analyze/typed.ts';
import type { ColumnScope } from '../evaluate/closure.ts';
import {
  allSteps,
  keyColumnsOf,
  keyedSchema,
  keyFormatOf,
  type PhysicalPlan,
  type Step,
  type StepOf,
} from '../plan/plan.ts';
import { RowEncoding } from '../types/row-encoding.ts';
import type { Column, Schema } from '../types/schema.ts';
import type { SqlType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import { accumulationOf, accumulatorTypes, aggregator, lentRows, resultFiller } from './aggregates.ts';
import type { CompileEnvironment } from './environment.ts';
import { flatMapRows } from './flat-map.ts';
import { fusedMaker, type Scan, type ScanNeeds, substituted } from './fuse.ts';
import { wholeKeys, windowBytesOf } from './keys.ts';
import { columnScope, type Reading } from './reading.ts';
import { recodeKeys, rekey } from './rekey.ts';
import { scanSource } from './scan.ts';
import { condition, rowFiller, rowMaker, type Test, tableRowMaker } from './select.ts';
import { sqlSink } from './sink.ts';
import { changeAggregator, changeColumns, tableGroupBy } from './table-group.ts';

export const compileTopology = (plan: PhysicalPlan, environment: CompileEnvironment): Topology => {
  const compiler = new Compiler(environment);
  compiler.compile(plan.root);
  return compiler.topology;
};

/** A node that delivers rows. */
interface Rows {
  readonly kind: 'rows';
  readonly parent: string;
  readonly schema: Schema;
}

type Built = Scan | Rows;

/** What a step behind a scan or a node reads: the node, and the form of its records. */
interface Feed {
  readonly parent: string;
  readonly reading: Reading;
  readonly schema: Schema;
}

/** The scope of what a feed delivers: its value columns, and the key of the step that it stands for. */
const scopeBehind = (step: Step, { schema, reading }: Feed): ColumnScope =>
  columnScope({ ...schema, key: keyColumnsOf(step) }, keyFormatOf(step), reading);

const typesOf = (columns: readonly Column[]): readonly SqlType[] => columns.map((column) => column.type);

const isAggregate = (step: Step): step is StepOf<'streamAggregate' | 'streamWindowedAggregate'> =>
  step.kind === 'streamAggregate' || step.kind === 'tableAggregate' || step.kind === 'streamWindowedAggregate';

/** How the rows of a plan that ends in a result are written for its client. */
export const resultEncoding = ({ schema }: Step): RowEncoding => new RowEncoding(typesOf(schema.value));

/** A result of the aggregate below, as it is. */
const isResult = (expression: TypedExpression): expression is ColumnReference =>
  expression.kind === 'column' && expression.from === 'value';

class Compiler {
  readonly topology = new Topology();
  readonly #environment: CompileEnvironment;
  constructor(environment: CompileEnvironment) {
    this.#environment = environment;
  }

  compile(root: Step): void {
    switch (root.kind) {
      case 'streamSink':
      case 'tableSink':
        return this.#sink(root);
      case 'result': {
        const parents = [this.#rows(this.#finishTable(root.from, undefined)).parent];
        this.topology.addResult(root.id, { parents, supplier: result(resultEncoding(root)) });
        return;
      }
      default:
        assert(false, `a plan does not end in ${root.kind}`);
    }
  }

  #build(step: Step): Built {
    switch (step.kind) {
      case 'streamSource':
      case 'tableSource':
        return { kind: 'scan', step, filters: [], items: undefined, schema: step.schema };
      case 'streamFilter':
      case 'tableFilter':
        return this.#filter(step);
      case 'streamSelect':
      case 'tableSelect':
        return this.#select(step);
      case 'streamFlatMap':
        return this.#flatMap(step);
      case 'streamSelectKey':
        return this.#selectKey(step);
      case 'tableSelectKey':
        return this.#tableSelectKey(step);
      case 'streamGroupBy':
        return this.#groupBy(step);
      case 'tableGroupBy':
        return this.#tableGroupBy(step);
      case 'streamAggregate':
      case 'tableAggregate':
      case 'streamWindowedAggregate':
        return this.#aggregate(step);
      case 'streamTableJoin':
        return this.#join(step);
      case 'streamSink':
      case 'tableSink':
      case 'result':
        return assert(false, `${step.kind} stands at the top of a plan`) as never;
      default:
        return unreachable(step);
    }
  }

  // ------------------------------------------------------------------------------------------------- stateless steps

  #filter(step: StepOf<'streamFilter'>): Built {
    const built = this.#build(step.from);
    if (built.kind === 'scan') {
      const predicate = substituted(step.predicate, built.items);
      if (predicate !== undefined) return { ...built, filters: [...built.filters, predicate] };
    }
    const { parent } = this.#rows(built);
    const environment = this.#environment;
    const keyFormat = keyFormatOf(step.from);
    const schema = keyedSchema(step.from);
    const test = (): Test => condition(step.predicate, columnScope(schema, keyFormat, 'row'), environment);
    if (step.kind === 'streamFilter') {
      this.topology.addProcessor<Row, Row>(
        step.id,
        (context, forward) => {
          const keeps = test();
          return filter<Row>((record) => record.value !== null && keeps(record, context))(context, forward);
        },
        [parent],
      );
    } else {
      this.topology.addProcessor<Row, Row>(
        step.id,
        (context, forward) => {
          const keeps = test();
          const probe = new StreamRecord<Row>();
          return tableFilter<Row>((row, record) => {
            probe.takeEnvelope(record);
            probe.value = row;
            return keeps(probe, context);
          })(context, forward);
        },
        [parent],
        { before: 'needed' },
      );
    }
    return { kind: 'rows', parent: step.id, schema: step.schema };
  }

  #select(step: StepOf<'streamSelect'>): Built {
    if (isAggregate(step.from)) {
      const picked = step.items.map(({ expression }) => (isResult(expression) ? expression.index : -1));
      if (!picked.includes(-1)) return this.#aggregate(step.from, { picked, schema: step.schema });
    }
    const built = this.#build(step.from);
    if (built.kind === 'scan') {
      const items = step.items.map(({ name, expression }) => ({
        name,
        expression: substituted(expression, built.items),
      }));
      const fits = (item: { expression: TypedExpression | undefined }): boolean => item.expression !== undefined;
      if (items.every(fits)) return { ...built, items: items as readonly NamedExpression[], schema: step.schema };
    }
    const { parent } = this.#rows(built);
    const environment = this.#environment;
    const keyFormat = keyFormatOf(step.from);
    const schema = keyedSchema(step.from);
    if (step.kind === 'streamSelect') {
      this.topology.addProcessor<Row, Row>(
        step.id,
        (context, forward) => {
          const row = rowMaker(step.items, columnScope(schema, keyFormat, 'row'), environment);
          return mapValues<Row, Row>((record) => (record.value === null ? null : row(record, context)))(
            context,
            forward,
          );
        },
        [parent],
      );
    } else {
      this.topology.addProcessor<Row, Row>(
        step.id,
        (context, forward) => {
          const fill = rowFiller(step.items, columnScope(schema, keyFormat, 'row'), environment);
          return tableMapValues<Row, Row>(tableRowMaker(fill, step.items.length))(context, forward);
        },
        [parent],
        { before: 'passed on' },
      );
    }
    return { kind: 'rows', parent: step.id, schema: step.schema };
  }

  #flatMap(step: StepOf<'streamFlatMap'>): Built {
    const { items, calls } = step;
    const read = [...items.map((item) => item.expression), ...calls.flatMap((call) => call.args)];
    const { feed, expressions } = this.#read(this.#build(step.from), read, { noNullValues: true });
    let next = 0;
    const take = (): TypedExpression => expressions[next++] as TypedExpression;
    const mapping = {
      items: items.map(({ name }) => ({ name, expression: take() })),
      calls: calls.map((call) => ({ ...call, args: call.args.map(take) })),
      scope: () => scopeBehind(step.from, feed),
      environment: this.#environment,
    };
    this.topology.addProcessor<Row, Row>(step.id, flatMapRows(mapping), [feed.parent]);
    return { kind: 'rows', parent: step.id, schema: step.schema };
  }

  /** Makes the scan a node. */
  #scan(scan: Scan, needs: ScanNeeds = {}): Feed {
    const { step } = scan;
    const environment = this.#environment;
    this.topology.addSource<Row>(step.id, {
      topic: step.topic,
      kind: step.kind === 'tableSource' ? 'table' : 'stream',
      supplier: scanSource(step, environment.scans, fusedMaker(scan, needs, environment)),
    });
    return needs.columns === undefined
      ? { parent: step.id, reading: 'row', schema: scan.schema }
      : { parent: step.id, reading: 'vectors', schema: step.schema };
  }

  /** What is built as a node that delivers rows. */
  #rows(built: Built): Feed {
    if (built.kind === 'rows') return { parent: built.parent, reading: 'row', schema: built.schema };
    return this.#scan(built);
  }

  /** Expressions over what is built, as something that can read them: in place where a scan allows it, else over rows.
   *  */
  #read(
    built: Built,
    expressions: readonly TypedExpression[],
    needs: Omit<ScanNeeds, 'columns'>,
  ): { readonly feed: Feed; readonly expressions: readonly TypedExpression[] } {
    if (built.kind === 'scan') {
      const inPlace = expressions.map((expression) => substituted(expression, built.items, true));
      if (inPlace.every((expression) => expression !== undefined)) {
        return { feed: this.#scan(built, { ...needs, columns: inPlace }), expressions: inPlace };
      }
      return { feed: this.#scan(built, needs), expressions };
    }
    const feed = this.#rows(built);
    const { noNullValues = false, keys } = needs;
    if (!noNullValues && keys === undefined) return { feed, expressions };
    const id = `${feed.parent}-Present`;
    this.topology.addProcessor<Row, Row>(
      id,
      (context, forward) => {
        const wanted = keys?.();
        return filter<Row>((record) => {
          if (noNullValues && record.value === null) return false;
          return wanted === undefined || wanted(record, context);
        })(context, forward);
      },
      [feed.parent],
    );
    return { feed: { ...feed, parent: id }, expressions };
  }

  // ------------------------------------------------------------------------------------------------- new keys

  #selectKey(step: StepOf<'streamSelectKey'>): Built {
    const both = [...step.keys, ...step.items];
    const { feed, expressions } = this.#read(
      this.#build(step.from),
      both.map((item) => item.expression),
      {},
    );
    const named = both.map(({ name }, i) => ({ name, expression: expressions[i] as TypedExpression }));
    const keys = named.slice(0, step.keys.length);
    const items = named.slice(step.keys.length);
    this.topology.addProcessor<Row, Row>(
      step.id,
      rekey({
        keys,
        items,
        schema: step.schema,
        keyFormat: step.keyFormat,
        scope: () => scopeBehind(step.from, feed),
        environment: this.#environment,
        nulls: 'keep',
      }),
      [feed.parent],
    );
    if (step.repartition === undefined) return { kind: 'rows', parent: step.id, schema: step.schema };
    return this.#hop(step.id, step.repartition, step.schema, step.dropNullKeys);
  }

  #tableSelectKey(step: StepOf<'tableSelectKey'>): Built {
    const { parent } = this.#rows(this.#build(step.from));
    this.topology.addProcessor<Row, Row>(
      step.id,
      recodeKeys({ schema: keyedSchema(step.from), from: keyFormatOf(step.from), to: step.keyFormat }),
      [parent],
    );
    return this.#hop(step.id, step.repartition, step.schema, true);
  }

  #groupBy(step: StepOf<'streamGroupBy'>): Built {
    const both = [...step.keys, ...step.items];
    const { feed, expressions } = this.#read(
      this.#build(step.from),
      both.map((item) => item.expression),
      { noNullValues: true },
    );
    const named = both.map(({ name }, i) => ({ name, expression: expressions[i] as TypedExpression }));
    this.topology.addProcessor<Row, Row>(
      step.id,
      rekey({
        keys: named.slice(0, step.keys.length),
        items: named.slice(step.keys.length),
        schema: step.schema,
        keyFormat: step.keyFormat,
        scope: () => scopeBehind(step.from, feed),
        environment: this.#environment,
        nulls: 'drop',
      }),
      [feed.parent],
    );
    return this.#hop(step.id, step.repartition, step.schema, true);
  }

  #tableGroupBy(step: StepOf<'tableGroupBy'>): Built {
    const { parent } = this.#table(step.from, step.store);
    const environment = this.#environment;
    const scope = (): ColumnScope => columnScope(keyedSchema(step.from), keyFormatOf(step.from), 'row');
    this.topology.addProcessor<Row, Row>(step.id, tableGroupBy({ step, scope, environment }), [parent], {
      before: 'needed',
    });
    const { parent: hop } = this.#hop(
      step.id,
      step.repartition,
      { ...step.schema, value: changeColumns(step.schema.value) },
      true,
    );
    return { kind: 'rows', parent: hop, schema: step.schema };
  }

  #hop(parent: string, name: string, schema: Schema, dropNullKeys: boolean): Rows {
    const types = typesOf(schema.value);
    this.topology.addRepartition<Row, Row>(name, {
      parents: [parent],
      sinkName: `${name}-Sink`,
      sourceName: `${name}-Source`,
      sink: repartitionSink<Row>({
        name,
        value: new RowEncoding(types),
        nullKeys: dropNullKeys ? 'drop' : 'keep',
        windowBytes: windowBytesOf(schema.windowed),
      }),
      source: (context, forward) => repartitionSource<Row>({ value: lentRows(types) })(context, forward),
    });
    return { kind: 'rows', parent: `${name}-Source`, schema };
  }

  // ------------------------------------------------------------------------------------------------- state

  /** `select` is the projection above, where it only picks results: they are then made once, in its order. */
  #aggregate(
    step: StepOf<'streamAggregate' | 'streamWindowedAggregate'>,
    select?: { readonly picked: readonly number[]; readonly schema: Schema },
  ): Built {
    const { aggregates, store } = step;
    const environment = this.#environment;
    const read = aggregates.flatMap((call) => call.args);
    const windowed = step.kind === 'streamWindowedAggregate';
    // Of a key of several columns each may be NULL; one column that is NULL is no key at all, which the aggregate drops
    // by itself.
    const columns = keyColumnsOf(step.from);
    const keys =
      columns.length > 1 && step.from.kind !== 'streamGroupBy' && step.from.kind !== 'tableGroupBy'
        ? () => wholeKeys(keyedSchema(step.from), keyFormatOf(step.from))
        : undefined;
    const { feed, expressions } = this.#read(this.#build(step.from), read, { noNullValues: true, keys });
    let next = 0;
    const calls = aggregates.map((call) => ({
      ...call,
      args: call.args.map(() => expressions[next++] as TypedExpression),
    }));
    const types = accumulatorTypes(calls, environment);
    const picked = select?.picked ?? calls.map((_, i) => i);
    const supplier: ProcessorSupplier<Row, Row> = (context, forward) => {
      const scope = scopeBehind(step.from, feed);
      const plain = aggregator(calls, scope, environment);
      const steps = step.kind === 'tableAggregate' ? changeAggregator(plain, step.from.schema.value.length) : plain;
      const results = resultFiller(calls, environment, picked);
      const shared = { store, accumulation: accumulationOf(types, steps, results, picked.length) };
      return windowed
        ? windowAggregate<Row, Row, Row>({
            ...shared,
            windows: tumbling(step.window.sizeMs),
            graceMs: step.window.graceMs,
            retentionMs: step.window.retentionMs,
          })(context, forward)
        : aggregate<Row, Row, Row>(shared)(context, forward);
    };
    this.topology.addStore(
      windowed
        ? { name: store, kind: 'window', retentionMs: step.window.retentionMs }
        : { name: store, kind: 'key-value' },
    );
    this.topology.addProcessor(step.id, supplier, [feed.parent], { stores: [store] });
    return { kind: 'rows', parent: step.id, schema: select?.schema ?? step.schema };
  }

  #join(step: StepOf<'streamTableJoin'>): Built {
    const environment = this.#environment;
    const { left, right, store } = step;
    const leftBuilt = this.#build(left);
    const leftColumns = left.schema.value.map((column, index) => ({
      name: column.name,
      expression: { kind: 'column', name: column.name, from: 'value', index, type: column.type } as TypedExpression,
    }));
    // The columns of the left side go straight into the joined row, whatever they are made of.
    const items = leftBuilt.kind === 'scan' ? (leftBuilt.items ?? leftColumns) : leftColumns;
    const source = leftBuilt.kind === 'scan' ? { ...leftBuilt, items: undefined } : leftBuilt;
    const { feed } = this.#read(
      source,
      items.map((item) => item.expression),
      { noNullValues: true },
    );
    const width = left.schema.value.length;
    const rightWidth = right.schema.value.length;
    this.#table(right, store);
    this.topology.addProcessor<Row, Row>(
      step.id,
      (context, forward) => {
        const fill = rowFiller(items, scopeBehind(left, feed), environment);
        const joined: Row = new Array<Value>(width + rightWidth).fill(null);
        return joinStreamTable<Row, Row, Row, Row>({
          store,
          row: lentRows(typesOf(right.schema.value)),
          view: (row) => row,
          join(record, row, within) {
            fill(record, within, joined);
            for (let i = 0; i < rightWidth; i++) joined[width + i] = row === null ? null : (row[i] as Value);
            return joined;
          },
          left: step.type === 'left',
        })(context, forward);
      },
      [feed.parent],
      { stores: [store] },
    );
    return { kind: 'rows', parent: step.id, schema: step.schema };
  }

  /** A table that is kept in a store. */
  #table(step: Step, store: string, options: Pick<TableFields<Row>, 'knownDeletesOnly'> = {}): Rows {
    const built = this.#build(step);
    const { parent } = this.#rows(built);
    const types = typesOf(step.schema.value);
    const id = `${parent}-Table`;
    this.topology.addStore({ name: store, kind: 'key-value' });
    this.topology.addProcessor<Row, Row>(
      id,
      (context, forward) => tableSource<Row>({ store, row: new RowEncoding(types), ...options })(context, forward),
      [parent],
      { stores: [store] },
    );
    return { kind: 'rows', parent: id, schema: step.schema };
  }

  /** Tables read from a topic drop records without a key, and keep their rows where the plan says so. */
  #finishTable(step: Step, store: string | undefined): Built {
    if (store !== undefined) {
      const filtered = allSteps(step).some(({ kind }) => kind === 'tableFilter');
      return this.#table(step, store, { knownDeletesOnly: filtered });
    }
    const built = this.#build(step);
    if (built.kind !== 'scan' || built.step.kind !== 'tableSource') return built;
    const { parent } = this.#rows(built);
    const id = `${parent}-Table`;
    this.topology.addProcessor<Row, Row>(
      id,
      (context, forward) => tableSource<Row>({ row: new RowEncoding(typesOf(step.schema.value)) })(context, forward),
      [parent],
    );
    return { kind: 'rows', parent: id, schema: step.schema };
  }

  #sink(step: StepOf<'streamSink'>): void {
    const built = step.kind === 'tableSink' ? this.#finishTable(step.from, step.store) : this.#build(step.from);
    const { parent } = this.#rows(built);
    this.topology.addSink<Row>(step.id, {
      topic: step.topic,
      parents: [parent],
      supplier: sqlSink(step, keyFormatOf(step.from)),
    });
  }
}
