/**
 * The physical plan: the steps that a query runs, as plain data.
 *
 * A plan is written to the statement log, goes to worker threads, and is applied at every start without being made
 * again: it is versioned, it is JSON, and what it says does not change when the planner gets better. Steps form a tree,
 * each over the step that feeds it; columns are referred to by slot in the schema of that step, functions by the
 * signature that was chosen.
 *
 * `id` names a step within its plan: in the processing log, in the topology, in `EXPLAIN`. `store` and `repartition`
 * become part of the names of internal topics and therefore must never change for a plan that runs.
 *
 * A row is the value columns of the step's schema. Keys stay bytes in the step's key format (`keyFormat` is given where
 * a key is made, and holds until another is made); the sink writes them as they are when its own format is the same. A
 * key of several columns has their names in its bytes: they are those of the result from the moment the key is made,
 * whatever the steps between call the columns.
 */

import { assert, UserError, unreachable } from '../../base/index.ts';
import {
  type AggregateCall,
  type AggregateWindow,
  type NamedExpression,
  printAggregate,
  printNamed,
  windowText,
} from '../analyze/logical.ts';
import { printTyped, type TypedExpression } from '../analyze/typed.ts';
import { type FormatChoice, printProperties, type TimestampColumn } from '../formats/choices.ts';
import { type Column, printSchema, type Schema } from '../types/schema.ts';

export const planVersion = 1;

interface StepBase {
  readonly id: string;
  readonly schema: Schema;
}

export interface SourceStep extends StepBase {
  readonly kind: 'streamSource' | 'tableSource';
  /** The catalog's name, for people. */
  readonly source: string;
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn | undefined;
  /** Other names that the key columns have in the bytes from here on. */
  readonly keyNames?: readonly string[] | undefined;
}

export interface FilterStep extends StepBase {
  readonly kind: 'streamFilter' | 'tableFilter';
  readonly from: Step;
  readonly predicate: TypedExpression;
}

export interface SelectStep extends StepBase {
  readonly kind: 'streamSelect' | 'tableSelect';
  readonly from: Step;
  readonly items: readonly NamedExpression[];
}

export interface SelectKeyStep extends StepBase {
  readonly kind: 'streamSelectKey';
  readonly from: Step;
  /** None: the key is dropped. */
  readonly keys: readonly NamedExpression[];
  readonly items: readonly NamedExpression[];
  readonly keyFormat: FormatChoice;
  /** The hop through an internal topic that brings equal keys together; absent where nobody behind needs them together.
   *  */
  readonly repartition?: string | undefined;
  /** A record whose new key is NULL is dropped: an inner join has no use for it. */
  readonly dropNullKeys: boolean;
}

/** A table under the same key in another format, so that it meets the keys that it is joined with. */
export interface TableSelectKeyStep extends StepBase {
  readonly kind: 'tableSelectKey';
  readonly from: Step;
  readonly keyFormat: FormatChoice;
  readonly repartition: string;
}

export interface GroupByStep extends StepBase {
  readonly kind: 'streamGroupBy';
  readonly from: Step;
  readonly keys: readonly NamedExpression[];
  /** The columns that the aggregates need. */
  readonly items: readonly NamedExpression[];
  readonly keyFormat: FormatChoice;
  readonly repartition: string;
}

export interface TableGroupByStep extends StepBase {
  readonly kind: 'tableGroupBy';
  readonly from: Step;
  readonly keys: readonly NamedExpression[];
  readonly items: readonly NamedExpression[];
  readonly keyFormat: FormatChoice;
  readonly repartition: string;
  /** Holds the table's rows, so that a row that changes can be taken out of its former group. */
  readonly store: string;
}

export interface AggregateStep extends StepBase {
  /** Over a table every aggregate can take back what it was given. */
  readonly kind: 'streamAggregate' | 'tableAggregate';
  readonly from: Step;
  readonly aggregates: readonly AggregateCall[];
  readonly store: string;
}

export interface WindowedAggregateStep extends StepBase {
  readonly kind: 'streamWindowedAggregate';
  readonly from: Step;
  readonly aggregates: readonly AggregateCall[];
  readonly store: string;
  readonly window: AggregateWindow;
}

export interface JoinStep extends StepBase {
  readonly kind: 'streamTableJoin';
  readonly type: 'inner' | 'left';
  readonly left: Step;
  readonly right: Step;
  /** Holds the table's rows by key. */
  readonly store: string;
}

export interface SinkStep extends StepBase {
  readonly kind: 'streamSink' | 'tableSink';
  readonly from: Step;
  readonly topic: string;
  readonly keyFormat: FormatChoice;
  readonly valueFormat: FormatChoice;
  readonly timestamp?: TimestampColumn | undefined;
  /** Where the rows of the table are kept for pull queries, when no aggregate below keeps them. */
  readonly store?: string | undefined;
}

/** The top of a query whose rows go to a client. */
export interface ResultStep extends StepBase {
  readonly kind: 'result';
  readonly from: Step;
}

export type Step =
  | SourceStep
  | FilterStep
  | SelectStep
  | SelectKeyStep
  | TableSelectKeyStep
  | GroupByStep
  | TableGroupByStep
  | AggregateStep
  | WindowedAggregateStep
  | JoinStep
  | SinkStep
  | ResultStep;

export interface PhysicalPlan {
  readonly version: typeof planVersion;
  readonly root: Step;
}

export const stepsBelow = (step: Step): readonly Step[] => {
  switch (step.kind) {
    case 'streamSource':
    case 'tableSource':
      return [];
    case 'streamTableJoin':
      return [step.left, step.right];
    default:
      return [step.from];
  }
};

/** Every step, those below first. */
export const allSteps = (step: Step): readonly Step[] => [...stepsBelow(step).flatMap(allSteps), step];

/** In the order of the text of the query: left before right. */
export const sourcesOf = (plan: PhysicalPlan): readonly SourceStep[] =>
  allSteps(plan.root).filter((step): step is SourceStep => step.kind === 'streamSource' || step.kind === 'tableSource');

/** A step that makes the keys behind it, or rewrites them. */
type KeyMaker = SourceStep | SelectKeyStep | TableSelectKeyStep | GroupByStep | TableGroupByStep | SinkStep;

const keyMakerOf = (step: Step): KeyMaker => {
  switch (step.kind) {
    case 'streamSource':
    case 'tableSource':
    case 'streamSelectKey':
    case 'tableSelectKey':
    case 'streamGroupBy':
    case 'tableGroupBy':
    case 'streamSink':
    case 'tableSink':
      return step;
    case 'streamTableJoin':
      return keyMakerOf(step.left);
    default:
      return keyMakerOf(step.from);
  }
};

/** The format in which the keys behind this step lie. */
export const keyFormatOf = (step: Step): FormatChoice => keyMakerOf(step).keyFormat;

/** The key columns behind this step under the names that they have in the key's bytes. */
export const keyColumnsOf = (step: Step): readonly Column[] => {
  const maker = keyMakerOf(step);
  const names = 'keyNames' in maker ? maker.keyNames : undefined;
  if (names === undefined) return maker.schema.key;
  return maker.schema.key.map((column, i) => ({ ...column, name: names[i] ?? column.name }));
};

/** The step's schema with its key as the bytes have it: what a reader of the step's records has to know. */
export const keyedSchema = (step: Step): Schema => ({ ...step.schema, key: keyColumnsOf(step) });

/** The same steps, the key of which has these names in its bytes. */
export const withKeyNames = (step: Step, names: readonly string[]): Step => {
  switch (step.kind) {
    case 'streamSource':
    case 'tableSource':
      return step.schema.key.every((column, i) => column.name === names[i]) ? step : { ...step, keyNames: names };
    case 'streamSelectKey':
    case 'tableSelectKey':
    case 'streamGroupBy':
    case 'tableGroupBy': {
      const key = step.schema.key.map((column, i) => ({ ...column, name: names[i] ?? column.name }));
      return { ...step, schema: { ...step.schema, key } };
    }
    case 'streamTableJoin':
      return { ...step, left: withKeyNames(step.left, names) };
    default:
      return { ...step, from: withKeyNames(step.from, names) };
  }
};

/** The plan as text for the statement log and the golden files: two spaces, fields in the order in which they were
 *  made. */
export const writePlan = (plan: PhysicalPlan): string => `${JSON.stringify(plan, null, 2)}\n`;

/** A plan as it came back from the log. What is not a plan of a version that this build knows is refused. */
export const readPlan = (data: unknown): PhysicalPlan => {
  const plan = data as Partial<PhysicalPlan> | null;
  if (typeof plan !== 'object' || plan === null || typeof plan.version !== 'number') {
    throw new UserError('SQL_PLAN_UNREADABLE', 'the entry of the statement log holds no plan');
  }
  if (plan.version !== planVersion) {
    throw new UserError(
      'SQL_PLAN_VERSION',
      `the plan has version ${plan.version}, and this build reads version ${planVersion}`,
      {
        hint: 'It was written by a newer Millrace: run that one, or make the query again.',
      },
    );
  }
  assert(plan.root !== undefined, 'a plan has a root');
  for (const step of allSteps(plan.root)) headline(step);
  return plan as PhysicalPlan;
};

/** The plan as a tree, the last step first. */
export const printPlan = (step: Step, indent = ''): string => {
  const lines = [
    `${indent}[${step.id}] ${headline(step)}`,
    `${indent}    -> ${printSchema(step.schema)}${windowText(step.schema.windowed)}`,
  ];
  for (const below of stepsBelow(step)) lines.push(printPlan(below, `${indent}  `));
  return lines.join('\n');
};

const printFormat = (choice: FormatChoice): string => {
  const { name, wrapSingleValue } = choice;
  const wrapping = wrapSingleValue === undefined ? '' : wrapSingleValue ? ' wrapped' : ' unwrapped';
  const properties = printProperties(choice);
  return `${name}${wrapping}${properties === '' ? '' : ` with ${properties}`}`;
};

const printTimestamp = (timestamp: TimestampColumn | undefined): string =>
  timestamp === undefined
    ? ''
    : `, timestamp ${timestamp.column}${timestamp.format === undefined ? '' : ` as '${timestamp.format}'`}`;

const headline = (step: Step): string => {
  switch (step.kind) {
    case 'streamSource':
    case 'tableSource':
      return `${step.kind} ${step.source}: topic ${step.topic}, key ${printFormat(step.keyFormat)}, value ${printFormat(step.valueFormat)}${printTimestamp(step.timestamp)}`;
    case 'streamFilter':
    case 'tableFilter':
      return `${step.kind} ${printTyped(step.predicate)}`;
    case 'streamSelect':
    case 'tableSelect':
      return `${step.kind} ${printNamed(step.items)}`;
    case 'streamSelectKey':
      return `streamSelectKey ${step.keys.length === 0 ? 'NULL' : printNamed(step.keys)} as ${printFormat(step.keyFormat)}${step.repartition === undefined ? '' : `, through ${step.repartition}-repartition`}`;
    case 'tableSelectKey':
      return `tableSelectKey as ${printFormat(step.keyFormat)}, through ${step.repartition}-repartition`;
    case 'streamGroupBy':
    case 'tableGroupBy':
      return `${step.kind} ${printNamed(step.keys)} as ${printFormat(step.keyFormat)}, through ${step.repartition}-repartition`;
    case 'streamAggregate':
    case 'tableAggregate':
      return `${step.kind} ${step.aggregates.map(printAggregate).join(', ')} in ${step.store}`;
    case 'streamWindowedAggregate': {
      const { window } = step;
      return `streamWindowedAggregate ${step.aggregates.map(printAggregate).join(', ')} in ${step.store}, ${window.type} of ${window.sizeMs} ms, kept ${window.retentionMs} ms, grace ${window.graceMs} ms`;
    }
    case 'streamTableJoin':
      return `streamTableJoin ${step.type} with ${step.store}`;
    case 'streamSink':
    case 'tableSink':
      return `${step.kind} topic ${step.topic}, key ${printFormat(step.keyFormat)}, value ${printFormat(step.valueFormat)}${printTimestamp(step.timestamp)}${step.store === undefined ? '' : `, kept in ${step.store}`}`;
    case 'result':
      return 'result';
    default:
      return unreachable(step);
  }
};
