/**
 * What a statement's handler is given and what it answers.
 *
 * A handler decides and changes nothing: it looks at a catalog and at the topics (the sandbox's, in which the
 * statements before it in the same request have been applied), and answers with a plan of what to do. Everything that
 * can be wrong with a statement is found here, before any statement of the request runs.
 */

import type { Typer } from '../analyze/typer.ts';
import type { Catalog } from '../catalog.ts';
import type {
  QueryDescription,
  QueryDrops,
  QueryRow,
  SourceDescription,
  SourceRow,
  StatementResult,
} from '../facade.ts';
import type { FunctionContext } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { Statement } from '../parser/statements/index.ts';
import type { Rule } from '../plan/rule.ts';
import type { NewRecord } from '../queries/inserts.ts';
import type { NewSchema, PlanSchemas } from '../registry/plan-schemas.ts';
import type { SchemaRegistry } from '../registry/registry.ts';
import type { Settings } from '../settings.ts';

export interface TopicInfo {
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** Topics by name; the sandbox adds what statements are going to create. */
export type Topics = Map<string, TopicInfo>;

export interface StatementContext {
  readonly catalog: Catalog;
  readonly topics: Topics;
  readonly schemas: PlanSchemas;
  readonly settings: Settings;
  /** As in `Rewriting`. */
  readonly rules?: readonly Rule[] | undefined;
  readonly typer: Typer;
  readonly functions: FunctionRegistry;
  readonly functionContext: FunctionContext;
  /** The statement as written, with the values of variables in their places. */
  readonly text: string;
  /** What `${name}` stands for behind the statement. */
  readonly variables: ReadonlyMap<string, string>;
  /** As in `ParsedStatement`. Printing needs the parser, which is loaded with the first text. */
  canonical(): string;
  /** The number that the next command will have: the n of query ids. */
  readonly number: number;
}

export interface NewTopic extends TopicInfo {
  readonly name: string;
}

/** State of the persistent queries and of the topics at run time, for statements that only show. */
export interface View {
  readonly catalog: Catalog;
  readonly topics: ReadonlyMap<string, TopicInfo>;
  readonly settings: Settings;
  readonly functions: FunctionRegistry;
  state(queryId: string): string;
  errors(queryId: string): readonly string[];
  drops(queryId: string): QueryDrops;
  /** The records of a topic, and the groups that read it. */
  topicUse(topic: string): Promise<TopicUse>;
  /** The names of the topics at the moment, and of their partitions. */
  topicsNow(): Promise<ReadonlyMap<string, TopicInfo>>;
  readonly registry: SchemaRegistry;
  /** Resolves after so many milliseconds. */
  pause(ms: number): Promise<void>;
}

export interface TopicUse {
  readonly partitions: readonly {
    readonly partition: number;
    readonly start: number;
    readonly end: number;
    readonly bytes: number;
  }[];
  readonly groups: readonly TopicGroup[];
}

/** A group that has committed positions of a topic. */
export interface TopicGroup {
  readonly group: string;
  readonly offsets: readonly { readonly partition: number; readonly offset: number }[];
}

/** The answer of a statement without what all answers have. */
export type Answer = StatementResult extends infer R
  ? R extends StatementResult
    ? Omit<R, 'statementText' | 'warnings'>
    : never
  : never;

/** What a statement would do; `C` is the command that it comes to, if it comes to one. */
export type PlannedBy<C> =
  /** Changes the catalog: logged, then applied. */
  | {
      readonly kind: 'command';
      readonly command: C;
      readonly topic?: NewTopic | undefined;
      /** Registered right before the command is logged. */
      readonly schemas?: readonly NewSchema[] | undefined;
      readonly answer: Answer;
    }
  | { readonly kind: 'record'; readonly record: NewRecord; readonly answer: Answer }
  | { readonly kind: 'settings'; readonly settings: Settings; readonly answer: Answer }
  /** Looks, and changes nothing. */
  | { readonly kind: 'show'; show(view: View): Answer | Promise<Answer> }
  /** Nothing to do: IF EXISTS, IF NOT EXISTS. */
  | { readonly kind: 'nothing'; readonly answer: Answer };

export type Handler<S extends Statement, C = never> = (statement: S, context: StatementContext) => PlannedBy<C>;

export type { QueryDescription, QueryRow, SourceDescription, SourceRow };
