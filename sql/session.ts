/**
 * A session: planning statements one after the other, each against what those before it would have made.
 *
 * It is the sandbox of a request, and all there is of a server for a caller that only needs plans (the conformance
 * runner): a copy of the catalog, the names of topics, the settings, and the number that the next command will get.
 * Nothing here touches a log.
 */

import { type Position, UserError } from '../base/index.ts';
import { Typer } from './analyze/typer.ts';
import type { Catalog } from './catalog.ts';
import type { FunctionContext } from './functions/define.ts';
import type { FunctionRegistry } from './functions/registry.ts';
import type { ParsedStatement } from './parser/statements/index.ts';
import type { Rule } from './plan/rule.ts';
import { PlanSchemas, type SchemaSource } from './registry/plan-schemas.ts';
import { subjectOf } from './registry/schema.ts';
import type { Settings } from './settings.ts';
import { applyCommand, type Planned, planStatement, topicDeletedBy } from './statements/index.ts';
import type { Topics } from './statements/statement.ts';

export interface SessionOptions {
  /** Changed by the session: hand in a copy. */
  readonly catalog: Catalog;
  readonly topics: Topics;
  /** What the registry has; nothing when left out. */
  readonly schemas?: SchemaSource | undefined;
  readonly settings: Settings;
  readonly functions: FunctionRegistry;
  readonly functionContext: FunctionContext;
  readonly number: number;
  /** By what plans are rewritten; as in `Rewriting`. */
  readonly rules?: readonly Rule[] | undefined;
  /** How statements are planned; the real way when left out. */
  readonly plan?: PlanStatement | undefined;
}

/** From a statement to what it would do. */
export type PlanStatement = typeof planStatement;

/** A planned statement, with what was in force when it was. */
export interface PlannedStatement {
  readonly text: string;
  readonly settings: Settings;
  readonly planned: Planned;
}

/** A registry without a schema. */
const noSchemas: SchemaSource = { latest: () => undefined, byId: () => undefined, incompatibilities: () => [] };

export class Session {
  readonly catalog: Catalog;
  readonly topics: Topics;
  readonly schemas: PlanSchemas;
  readonly #functions: FunctionRegistry;
  readonly #functionContext: FunctionContext;
  readonly #typer: Typer;
  #settings: Settings;
  #number: number;
  readonly #rules: readonly Rule[] | undefined;
  readonly #plan: PlanStatement;

  constructor(options: SessionOptions) {
    this.catalog = options.catalog;
    this.topics = options.topics;
    this.schemas = new PlanSchemas(options.schemas ?? noSchemas);
    this.#functions = options.functions;
    this.#functionContext = options.functionContext;
    this.#typer = new Typer(
      options.functions,
      (name) => this.catalog.type(name),
      (name) => this.#settings.ofFunction(name),
    );
    this.#settings = options.settings;
    this.#number = options.number;
    this.#rules = options.rules;
    this.#plan = options.plan ?? planStatement;
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Plans the statement and applies it to this session. */
  plan({ statement, text, at, variables, canonical }: ParsedStatement): PlannedStatement {
    const settings = this.#settings;
    const planned = withPlace(at, () =>
      this.#plan(statement, {
        catalog: this.catalog,
        topics: this.topics,
        schemas: this.schemas,
        settings,
        rules: this.#rules,
        typer: this.#typer,
        functions: this.#functions,
        functionContext: this.#functionContext,
        text,
        variables,
        canonical,
        number: this.#number,
      }),
    );
    switch (planned.kind) {
      case 'command': {
        const { topic } = planned;
        if (topic !== undefined) this.topics.set(topic.name, topic);
        const { command } = planned;
        const deleted = topicDeletedBy(command, this.catalog);
        if (deleted !== undefined) {
          this.topics.delete(deleted);
          for (const side of ['key', 'value'] as const) this.schemas.deleteSubject(subjectOf(deleted, side));
        }
        applyCommand(this.catalog, command);
        this.#number++;
        break;
      }
      case 'settings':
        this.#settings = planned.settings;
        break;
      case 'record':
      case 'show':
      case 'nothing':
        break;
    }
    return { text, settings, planned };
  }
}

/** A fault without a place of its own gets that of the statement. */
const withPlace = <T>({ line, column, offset }: Position, plan: () => T): T => {
  try {
    return plan();
  } catch (error) {
    throw error instanceof UserError && error.at === undefined ? error.with({ at: { line, column, offset } }) : error;
  }
};
