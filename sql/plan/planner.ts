/**
 * The planner: from the logical plan, rewritten by the rules, to the steps that run.
 *
 * Decided here: where records go through a repartition topic (only where the key really changes and a later step needs
 * equal keys together), which format keys have on the way (the sink's where it can hold them, so that they are not
 * written twice), which stores there are and what they are called.
 *
 * Keys meet as bytes, so both sides of a join have theirs in one format: that of the left side, unless it gets another
 * key for the join anyway and the right side does not; the side that has another one is written again through a
 * repartition topic.
 *
 * Names of stores and repartitions come from the step's path: `Join-Right`, `Aggregate`. They must stay as they are: a
 * running query's topics are named by them.
 */

import { assert, unreachable } from '../../base/index.ts';
import type { LogicalNode, NamedExpression } from '../analyze/logical.ts';
import type { Source, SourceCatalog } from '../analyze/sources.ts';
import { columnsOf } from '../analyze/typed.ts';
import { type FormatChoice, sameFormat, type TimestampColumn } from '../formats/choices.ts';
import { type Format, holdsColumns, isSelfContained } from '../formats/format.ts';
import { formatNamed, formats, keylessFormat } from '../formats/index.ts';
import type { Column } from '../types/schema.ts';
import { keeperOf, keyFormatOf, type PhysicalPlan, planVersion, type Step, withKeyNames } from './plan.ts';
import { rebind } from './rules/prune-columns.ts';
import { applyRules, type RewriteStep } from './rules.ts';
import type { SourceStep } from './steps/source.ts';
import { storeHashesOf } from './store-schema.ts';

export interface PlanTarget {
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn | undefined;
  /** A record without a usable event time fails the query. */
  readonly timesMustBeValid?: boolean | undefined;
}

/** The steps of a query that writes a topic; without a target, of one whose rows go to a client. */
export const planQuery = (
  plan: LogicalNode,
  catalog: SourceCatalog,
  target: PlanTarget | undefined,
): { readonly logical: LogicalNode; readonly trace: readonly RewriteStep[]; readonly physical: PhysicalPlan } => {
  const { plan: logical, trace } = applyRules(plan, { catalog });
  const planner = new Planner(catalog, target);
  const planned = planner.plan(logical, '');
  const { key } = logical.schema;
  const from =
    key.length > 1 && formatNamed(keyFormatOf(planned).name).named
      ? withKeyNames(
          planned,
          key.map((column) => column.name),
        )
      : planned;
  const root: Step =
    target === undefined
      ? { kind: 'result', id: 'Result', from, schema: logical.schema }
      : {
          kind: logical.flow === 'stream' ? 'streamSink' : 'tableSink',
          id: 'Sink',
          from,
          topic: target.topic,
          keyFormat: target.keyFormat,
          valueFormat: target.valueFormat,
          timestamp: target.timestamp && checkedTimestamp(target.timestamp, target.timesMustBeValid),
          store: logical.flow === 'table' && keeperOf(from) === undefined ? 'Sink' : undefined,
          schema: logical.schema,
        };
  return { logical, trace, physical: clean({ version: planVersion, root, stores: storeHashesOf(root) }) };
};

/** Without fields that are undefined, so that a plan equals what is read back from its text. */
const clean = (plan: PhysicalPlan): PhysicalPlan => JSON.parse(JSON.stringify(plan)) as PhysicalPlan;

/** The join behind a stream: what a key that is made for it has to match. */
interface JoinedBy {
  readonly type: 'inner' | 'left';
  readonly keyFormat: FormatChoice;
}

/** The steps of a query that keeps the rows of a table as they are in its topic. */
export const planKeptTable = (source: Source, timesMustBeValid: boolean | undefined): PhysicalPlan => {
  const from = sourceStep(source, 'Source', timesMustBeValid);
  const root: Step = { kind: 'tableStore', id: 'Store', from, store: 'Store', schema: from.schema };
  return clean({ version: planVersion, root, stores: storeHashesOf(root) });
};

const sourceStep = (source: Source, id: string, timesMustBeValid: boolean | undefined): SourceStep => ({
  kind: source.kind === 'stream' ? 'streamSource' : 'tableSource',
  id,
  source: source.name,
  topic: source.topic,
  keyFormat: source.keyFormat,
  valueFormat: source.valueFormat,
  timestamp: source.timestamp && checkedTimestamp(source.timestamp, timesMustBeValid),
  schema: source.schema,
});

const checkedTimestamp = (chosen: TimestampColumn, mustBeValid: boolean | undefined): TimestampColumn =>
  mustBeValid === true ? { ...chosen, mustBeValid: true } : chosen;

class Planner {
  readonly #catalog: SourceCatalog;
  readonly #target: PlanTarget | undefined;

  constructor(catalog: SourceCatalog, target: PlanTarget | undefined) {
    this.#catalog = catalog;
    this.#target = target;
  }

  /** `path` says which side of which join the node is on: '', 'Left-', 'Right-', 'Left-Left-'; `join` is the join that
   *  reads it. */
  plan(node: LogicalNode, path: string, join?: JoinedBy): Step {
    const { schema } = node;
    switch (node.kind) {
      case 'source':
        return this.#source(node.name, `${path}Source`);
      case 'filter': {
        const from = this.plan(node.input, path, join);
        const id = `${path}${node.clause === 'where' ? 'Where' : 'Having'}`;
        return {
          kind: node.flow === 'stream' ? 'streamFilter' : 'tableFilter',
          id,
          from,
          predicate: node.predicate,
          schema,
        };
      }
      case 'project': {
        const from = this.plan(node.input, path, join);
        const id = `${path}${path === '' ? 'Project' : 'Columns'}`;
        return { kind: node.flow === 'stream' ? 'streamSelect' : 'tableSelect', id, from, items: node.items, schema };
      }
      case 'flat-map': {
        const from = this.plan(node.input, path, join);
        return { kind: 'streamFlatMap', id: `${path}FlatMap`, from, items: node.items, calls: node.calls, schema };
      }
      case 'rekey': {
        const from = this.plan(node.input, path);
        const forJoin = node.purpose === 'join' ? join : undefined;
        const name = `${path}${forJoin !== undefined ? 'JoinKey' : 'PartitionBy'}`;
        return {
          kind: 'streamSelectKey',
          id: name,
          from,
          keys: node.keys,
          items: node.items,
          keyFormat: forJoin?.keyFormat ?? this.#innerKeyFormat(schema.key),
          repartition: forJoin === undefined ? undefined : name,
          dropNullKeys: forJoin?.type === 'inner',
          schema,
        };
      }
      case 'aggregate':
        return this.#aggregate(node, path);
      case 'join': {
        const table = this.plan(node.right, `${path}Right-`);
        const left = this.plan(node.left, `${path}Left-`, { type: node.type, keyFormat: keyFormatOf(table) });
        const right = this.#withKeyFormat(table, keyFormatOf(left), `${path}Right-JoinKey`);
        const id = `${path}Join`;
        return { kind: 'streamTableJoin', id, type: node.type, left, right, store: `${id}-Right`, schema };
      }
      default:
        return unreachable(node);
    }
  }

  #withKeyFormat(from: Step, keyFormat: FormatChoice, id: string): Step {
    if (sameFormat(keyFormatOf(from), keyFormat)) return from;
    return { kind: 'tableSelectKey', id, from, keyFormat, repartition: id, schema: from.schema };
  }

  #source(name: string, id: string): SourceStep {
    const source = this.#catalog.source(name);
    assert(source !== undefined, `the planned source ${name} is in the catalog`);
    return sourceStep(source, id, this.#target?.timesMustBeValid);
  }

  #aggregate(node: Extract<LogicalNode, { readonly kind: 'aggregate' }>, path: string): Step {
    const below = this.plan(node.input, path);
    const { schema } = node;
    let from = below;
    let aggregates = node.aggregates;
    const table = node.input.flow === 'table';
    if (table || !keepsKey(node)) {
      const read = columnsOf(...aggregates.flatMap((call) => call.args));
      const items: NamedExpression[] = read
        .filter((column) => column.from !== 'rowtime')
        .map((column) => ({ name: column.name, expression: column }));
      const shuffled = {
        key: schema.key,
        value: items.map(({ name, expression }) => ({ name, type: expression.type })),
      };
      const id = `${path}GroupBy`;
      const grouping = {
        id,
        from: below,
        keys: node.groupBy,
        items,
        keyFormat: this.#innerKeyFormat(schema.key),
        repartition: `${path}Aggregate-GroupBy`,
        schema: shuffled,
      };
      from = table ? { kind: 'tableGroupBy', store: id, ...grouping } : { kind: 'streamGroupBy', ...grouping };
      aggregates = aggregates.map((call) => ({ ...call, args: call.args.map((arg) => rebind(arg, shuffled)) }));
    }
    const id = `${path}Aggregate`;
    if (node.window === undefined) {
      return { kind: table ? 'tableAggregate' : 'streamAggregate', id, from, aggregates, store: id, schema };
    }
    return {
      kind: 'streamWindowedAggregate',
      id,
      from,
      aggregates,
      store: id,
      openWindows: node.final === true ? `${id}-Open` : undefined,
      window: node.window,
      schema,
    };
  }

  /** The sink's key format where it can hold these columns, else the first format that can: canonical ones first, which
   *  are compact and have one way to write a key. Formats of a registry are not used between steps. */
  #innerKeyFormat(key: readonly Column[]): FormatChoice {
    if (key.length === 0) return { name: keylessFormat.name };
    const able = (format: Format): boolean => isSelfContained(format) && holdsColumns(format, key, 'key');
    const sink = this.#target?.keyFormat;
    if (sink !== undefined && able(formatNamed(sink.name))) return sink;
    const others = formats.filter(able);
    const chosen = others.find((format) => format.canonical) ?? others[0];
    assert(chosen !== undefined, 'some format can hold every key');
    return { name: chosen.name };
  }
}

/** Whether rows of one group already lie together: the grouping is the key, column by column. */
const keepsKey = (node: Extract<LogicalNode, { readonly kind: 'aggregate' }>): boolean => {
  const { key } = node.input.schema;
  return (
    key.length === node.groupBy.length &&
    node.groupBy.every(
      ({ expression }, i) => expression.kind === 'column' && expression.from === 'key' && expression.index === i,
    )
  );
};
