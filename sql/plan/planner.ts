/**
 * The planner: from the logical plan, rewritten by the rules, to the steps that run.
 *
 * Decided here: where records go through a repartition topic (only where the key really changes and a later step needs
 * equal keys together), which format keys have on the way (the sink's where it can hold them, so that they are not
 * written twice), which stores there are and what they are called.
 *
 * Keys meet as bytes, so both sides of a join have theirs in one format: that of the left side, unless it gets another
 * key for the join anyway and the right side does not; the side that has another one is written again through a
 * repartition topic. A format whose bytes are more than the key, such as the id of a schema, is not met in.
 *
 * Names of stores and repartitions come from the step's path: `Join-Right`, `Aggregate`. They must stay as they are: a
 * running query's topics are named by them.
 */

import { assert, UserError, unreachable } from '../../base/index.ts';
import type { LogicalJoin, LogicalNode, NamedExpression } from '../analyze/logical.ts';
import { referTo } from '../analyze/scope.ts';
import type { Source, SourceCatalog } from '../analyze/sources.ts';
import { columnsOf, type TypedExpression } from '../analyze/typed.ts';
import { type FormatChoice, sameFormat, type TimestampColumn } from '../formats/choices.ts';
import { type Format, holdsColumns, isSelfContained } from '../formats/format.ts';
import { formatNamed, formats, keylessFormat } from '../formats/index.ts';
import type { SourceKind } from '../parser/ast.ts';
import { type Column, withHeaderValues } from '../types/schema.ts';
import { keeperOf, keyFormatOf, type PhysicalPlan, planVersion, type Step, type StepOf, withKeyNames } from './plan.ts';
import { rebind } from './rules/prune-columns.ts';
import { applyRules, type RewriteStep, type Rewriting } from './rules.ts';
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

/** The rows go to a client. */
export type ResultTarget = Required<Pick<StepOf<'result'>, 'deleted'>>;

/** The steps of a query that writes a topic, or of one whose rows go to a client. */
export const planQuery = (
  plan: LogicalNode,
  { catalog, rules }: Rewriting,
  target: PlanTarget | ResultTarget = { deleted: undefined },
): { readonly logical: LogicalNode; readonly trace: readonly RewriteStep[]; readonly physical: PhysicalPlan } => {
  const { plan: logical, trace } = applyRules(plan, { catalog, rules });
  const sink = 'topic' in target ? target : undefined;
  const planner = new Planner(catalog, sink);
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
    sink === undefined
      ? { kind: 'result', id: 'Result', from, ...target, schema: logical.schema }
      : {
          kind: logical.flow === 'stream' ? 'streamSink' : 'tableSink',
          id: 'Sink',
          from,
          topic: sink.topic,
          keyFormat: sink.keyFormat,
          valueFormat: sink.valueFormat,
          timestamp: sink.timestamp && checkedTimestamp(sink.timestamp, sink.timesMustBeValid),
          store: logical.flow === 'table' && keeperOf(from) === undefined ? 'Sink' : undefined,
          schema: logical.schema,
        };
  return { logical, trace, physical: clean({ version: planVersion, root, stores: storeHashesOf(root) }) };
};

/** Without fields that are undefined, so that a plan equals what is read back from its text. */
const clean = (plan: PhysicalPlan): PhysicalPlan => JSON.parse(JSON.stringify(plan)) as PhysicalPlan;

/** The join behind a stream: what a key that is made for it has to match. */
interface JoinedBy {
  readonly keyFormat: FormatChoice;
  /** A row without a key makes a row of the result. */
  readonly keepsNullKeys: boolean;
}

/** The steps of a query that keeps the rows of a table as they are in its topic. */
export const planKeptTable = (source: Source, timesMustBeValid: boolean | undefined): PhysicalPlan => {
  const read = sourceStep(source, 'Source', timesMustBeValid);
  const schema = withHeaderValues(source.schema);
  const items = schema.value.map(({ name }) => ({ name, expression: referTo(source.schema, name) as TypedExpression }));
  const from: Step =
    source.schema.headers === undefined ? read : { kind: 'tableSelect', id: 'Headers', from: read, items, schema };
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

/** Whether only conditions stand between this node and a source with columns of headers: what is above puts them among
 *  the values. */
const readsHeaders = (node: LogicalNode): boolean =>
  node.kind === 'filter' ? readsHeaders(node.input) : node.kind === 'source' && node.schema.headers !== undefined;

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
        const id = `${path}${readsHeaders(node.input) ? 'Headers' : path === '' ? 'Project' : 'Columns'}`;
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
          dropNullKeys: forJoin?.keepsNullKeys === false,
          schema,
        };
      }
      case 'aggregate':
        return this.#aggregate(node, path);
      case 'join':
        return this.#join(node, path);
      default:
        return unreachable(node);
    }
  }

  #join(node: LogicalJoin, path: string): Step {
    const { type, schema, foreignKey, within } = node;
    const id = `${path}Join`;
    const stores = { leftStore: `${id}-Left`, rightStore: `${id}-Right` };
    if (foreignKey !== undefined) {
      assert(type === 'inner' || type === 'left', 'only an inner or a left join is by a foreign key');
      const left = this.plan(node.left, `${path}Left-`);
      const table = this.plan(node.right, `${path}Right-`);
      const right = this.#withKeyFormat(
        table,
        'table',
        this.#meetingFormat([table], node.right),
        `${path}Right-JoinKey`,
      );
      const topics = { subscriptions: `${id}-Subscriptions`, answers: `${id}-Answers` };
      return { kind: 'foreignKeyJoin', id, type, left, right, foreignKey, ...stores, ...topics, schema };
    }
    // A side that gets another key for the join takes the format of one that does not.
    const settled = (side: LogicalNode, name: string): Step | undefined =>
      isRekeyed(side) ? undefined : this.plan(side, `${path}${name}-`);
    const right = settled(node.right, 'Right');
    const left = settled(node.left, 'Left');
    const keyFormat = this.#meetingFormat([left, right], node);
    const keepsLeft = type === 'left' || type === 'full';
    const keepsRight = type === 'right' || type === 'full';
    const sides = {
      left: this.#withKeyFormat(
        left ?? this.plan(node.left, `${path}Left-`, { keyFormat, keepsNullKeys: keepsLeft }),
        node.left.flow,
        keyFormat,
        `${path}Left-JoinKey`,
      ),
      right: this.#withKeyFormat(
        right ?? this.plan(node.right, `${path}Right-`, { keyFormat, keepsNullKeys: keepsRight }),
        node.right.flow,
        keyFormat,
        `${path}Right-JoinKey`,
      ),
    };
    if (node.flow === 'table') return { kind: 'tableTableJoin', id, type, ...sides, ...stores, schema };
    if (within !== undefined) {
      const waits = type !== 'inner' && within.unmatched === 'when closed';
      const aloneStore = waits ? `${id}-Alone` : undefined;
      return { kind: 'streamStreamJoin', id, type, ...sides, within, ...stores, aloneStore, schema };
    }
    assert(type === 'inner' || type === 'left', 'a stream is joined with a table by an inner or a left join');
    return { kind: 'streamTableJoin', id, type, ...sides, store: stores.rightStore, schema };
  }

  /** The format in which the keys of both sides meet: the first that one has already and in which equal keys are equal
   *  bytes; else one of our choice. Sides that are still to get their key are left out. */
  #meetingFormat(sides: readonly (Step | undefined)[], { schema }: LogicalNode): FormatChoice {
    for (const side of sides) {
      const format = side && keyFormatOf(side);
      if (format !== undefined && isSelfContained(formatNamed(format.name))) return format;
    }
    return this.#innerKeyFormat(schema.key);
  }

  #withKeyFormat(from: Step, flow: SourceKind, keyFormat: FormatChoice, id: string): Step {
    if (sameFormat(keyFormatOf(from), keyFormat)) return from;
    const { schema } = from;
    if (schema.windowed !== undefined) {
      throw new UserError(
        'SQL_WINDOWED_SOURCE',
        `windowed sources are joined by the keys that they have, and these have the formats ${keyFormatOf(from).name} and ${keyFormat.name}`,
        { hint: 'Make a copy of one of them with the key format of the other: CREATE … WITH (KEY_FORMAT=…) AS ….' },
      );
    }
    if (flow === 'table') return { kind: 'tableSelectKey', id, from, keyFormat, repartition: id, schema };
    const same = ({ name }: Column): NamedExpression => ({
      name,
      expression: referTo(schema, name) as TypedExpression,
    });
    return {
      kind: 'streamSelectKey',
      id,
      from,
      keys: schema.key.map(same),
      items: schema.value.map(same),
      keyFormat,
      repartition: id,
      dropNullKeys: false,
      schema,
    };
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
   *  are compact and have one way to write a key; then those with names, which tell NULL from an empty text. Formats of
   *  a registry are not used between steps. */
  #innerKeyFormat(key: readonly Column[]): FormatChoice {
    if (key.length === 0) return { name: keylessFormat.name };
    const able = (format: Format): boolean => isSelfContained(format) && holdsColumns(format, key, 'key');
    const sink = this.#target?.keyFormat;
    if (sink !== undefined && able(formatNamed(sink.name))) return sink;
    const others = formats.filter(able);
    const chosen = others.find((format) => format.canonical) ?? others.find((format) => format.named);
    assert(chosen !== undefined, 'some format can hold every key');
    return { name: chosen.name };
  }
}

/** Whether the side of a join gets another key for it. */
const isRekeyed = (node: LogicalNode): boolean => {
  switch (node.kind) {
    case 'rekey':
      return node.purpose === 'join';
    case 'filter':
    case 'project':
      return isRekeyed(node.input);
    case 'source':
    case 'flat-map':
    case 'aggregate':
    case 'join':
      return false;
  }
};

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
