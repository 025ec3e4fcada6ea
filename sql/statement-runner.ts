/**
 * Statements of a request: checked together, decided in order, carried out side by side.
 *
 * First all statements are planned one after the other in a sandbox (`session.ts`), a copy of the catalog and of the
 * names of topics; when one of them is at fault, nothing has happened. Then they run in order. Commands that stand
 * together are *decided* in one turn: their topics are made, their entries go to the statement log in one batch, and
 * the catalog changes. Only turns come one after another, over all requests; when another request came between planning
 * and the turn, what is left is planned again. What commands start, stop and delete happens after the turn
 * (`query-lifecycle.ts`).
 */

import { AssertionError, assert, type Clock, messageOf, UserError } from '../base/index.ts';
import type { Catalog, PersistentQuery } from './catalog.ts';
import { type CommandOutcome, type CommandStatuses, outcomeOf } from './command-statuses.ts';
import { ExecutionError, type StatementResult } from './facade.ts';
import { loadFormats } from './formats/index.ts';
import type { FunctionContext } from './functions/define.ts';
import type { FunctionRegistry } from './functions/registry.ts';
import { FaultList } from './parser/faults.ts';
import type { ParsedStatement, RefusedStatement } from './parser/statements/index.ts';
import { sourcesOf } from './plan/plan.ts';
import type { Rule } from './plan/rule.ts';
import type { NewRecord } from './queries/inserts.ts';
import type { NotRunning, QueryLifecycle } from './query-lifecycle.ts';
import { FetchedSchemas, type NewSchema, planned, registryFault, withSchemaIds } from './registry/plan-schemas.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import { type PlannedStatement, type PlanStatement, Session } from './session.ts';
import type { Settings } from './settings.ts';
import type { StatementEntry, StatementLog } from './statement-log.ts';
import type { StatementTopics } from './statement-topics.ts';
import type { Effects, TopicId } from './statements/command.ts';
import {
  applyCommand,
  type Command,
  deletesTopicOf,
  readCommand,
  topicDeletedBy,
  withTopicId,
} from './statements/index.ts';
import type { Answer, View } from './statements/statement.ts';

export interface StatementRunnerOptions {
  /** Changed by the commands. */
  readonly catalog: Catalog;
  readonly statements: StatementLog;
  readonly topics: StatementTopics;
  readonly registry: SchemaRegistry;
  readonly lifecycle: QueryLifecycle;
  readonly clock: Clock;
  readonly functions: FunctionRegistry;
  readonly functionContext: FunctionContext;
  readonly plan: PlanStatement | undefined;
  readonly rules: readonly Rule[] | undefined;
  /** Writes the record of an INSERT VALUES; resolves when it is on the disk. */
  readonly write: (record: NewRecord) => Promise<void>;
  /** Deletes the subjects of a topic that goes. */
  readonly forgetSchemas: (topic: string) => Promise<void>;
  readonly view: (settings: Settings) => Promise<View>;
  readonly statuses: CommandStatuses;
  /** Told of an entry of the statement log that cannot be applied. */
  readonly failed: (statement: string, error: unknown) => void;
}

interface PlannedCommand extends PlannedStatement {
  readonly planned: Extract<PlannedStatement['planned'], { readonly kind: 'command' }>;
}

type StatementRead = ParsedStatement | RefusedStatement;

/** A request on its way: its statements, and the plans of those that have not run. */
interface Request {
  readonly statements: readonly StatementRead[];
  planned: readonly PlannedStatement[];
  /** The end of the statement log for which the plans were made. */
  version: number;
  /** The real ids of schemas for the provisional ones in these plans. */
  schemaIds: Map<number, number>;
}

interface Decided {
  /** The commands that were logged, each with the warnings of what it starts, stops and deletes. */
  readonly done: readonly { readonly one: PlannedCommand; readonly warnings: Promise<readonly string[]> }[];
  /** Why the command behind the last of them could not be decided. */
  readonly failure?: unknown;
}

export class StatementRunner {
  readonly #options: StatementRunnerOptions;
  /** The end of the last turn that was asked for. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: StatementRunnerOptions) {
    this.#options = options;
  }

  async execute(statements: readonly StatementRead[], settings: Settings): Promise<readonly StatementResult[]> {
    const request: Request = { statements, planned: [], version: 0, schemaIds: new Map() };
    await this.#plan(request, 0, settings);
    const results: StatementResult[] = [];
    while (results.length < statements.length) {
      try {
        await this.#runNext(request, results);
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        const { text } = statements[results.length] as ParsedStatement;
        throw new ExecutionError(error instanceof Error ? error : new Error(String(error)), text, results);
      }
    }
    return results;
  }

  /** Resolves when no turn is under way or asked for. */
  async idle(): Promise<void> {
    await this.#turn.catch(() => undefined);
  }

  /** Plans the statements from `at` on, as things are now. Throws the faults of all of them. */
  async #plan(request: Request, at: number, settings: Settings): Promise<void> {
    const { catalog, statements, topics, registry, functions, functionContext, plan, rules } = this.#options;
    const parsed = request.statements.slice(at);
    await loadFormats(formatsNear(parsed, settings, catalog));
    const known = await topics.list();
    request.version = statements.next;
    request.schemaIds = new Map();
    const schemas = new FetchedSchemas(registry);
    const rest = await planned(() => {
      const session = new Session({
        catalog: catalog.copy(),
        topics: new Map(known),
        schemas,
        settings,
        functions,
        functionContext,
        number: statements.next,
        plan,
        rules,
      });
      const faults = new FaultList();
      const all = parsed.flatMap((statement) => {
        try {
          if (!('faults' in statement)) return [session.plan(statement)];
          faults.add(statement, statement.faults);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          faults.add(statement, [error]);
        }
        return [];
      });
      faults.throwAny();
      return all;
    });
    request.planned = [...request.planned.slice(0, at), ...rest];
  }

  /** Runs the next statement, or all commands that stand together next. */
  async #runNext(request: Request, results: StatementResult[]): Promise<void> {
    const one = request.planned[results.length] as PlannedStatement;
    const { planned } = one;
    switch (planned.kind) {
      case 'record':
        await this.#options.write(planned.record);
        results.push(resultOf(one, planned.answer));
        return;
      case 'show':
        results.push(resultOf(one, await planned.show(await this.#options.view(one.settings))));
        return;
      case 'settings':
      case 'nothing':
        results.push(resultOf(one, planned.answer));
        return;
      case 'command': {
        const { done, failure } = await this.#decide(request, results.length);
        for (const { one: command, warnings } of done) {
          results.push(resultOf(command, command.planned.answer, await warnings));
        }
        if (failure !== undefined) throw failure;
        // Records that were encoded with provisional ids of schemas are made again, with the real ones.
        const next = request.planned[results.length];
        if (request.schemaIds.size > 0 && next !== undefined) await this.#plan(request, results.length, next.settings);
      }
    }
  }

  // ------------------------------------------------------------------------------------------------- deciding

  async #decide(request: Request, at: number): Promise<Decided> {
    for (;;) {
      const decided = await this.#inTurn(async () => {
        await this.#catchUp();
        const { statements } = this.#options;
        if (request.version !== statements.next) {
          await this.#plan(request, at, (request.planned[at] as PlannedStatement).settings);
        }
        return this.#log(request, at);
      });
      // A topic of that name is about to be deleted; only a statement that needs the name waits for that.
      if (!('waitFor' in decided)) return decided;
      await decided.waitFor;
    }
  }

  /** Logs and applies the commands that stand together from `at` on. */
  async #log(request: Request, at: number): Promise<Decided | { readonly waitFor: Promise<void> }> {
    const { catalog, statements, topics, clock } = this.#options;
    const commands: PlannedCommand[] = [];
    const made: TopicId[] = [];
    const entries: StatementEntry[] = [];
    const deleted = new Set<string>();
    let failure: unknown;
    for (const one of request.planned.slice(at)) {
      // Plans after an IF NOT EXISTS may have changed kind: only what is a command now is decided.
      if (one.planned.kind !== 'command') break;
      const { topic } = one.planned;
      let { command } = one.planned;
      // What needs what a command before it has done waits for the next turn.
      if (topic !== undefined && deleted.has(topic.name)) break;
      const dropped = deletesTopicOf(command);
      if (dropped !== undefined && commands.length > 0 && catalog.source(dropped) === undefined) break;
      const waitFor = topic === undefined ? undefined : topics.goes(topic.name);
      if (waitFor !== undefined) {
        if (commands.length === 0) return { waitFor };
        break;
      }
      let topicId: string | undefined;
      try {
        if (topic !== undefined) {
          topicId = await topics.make(topic);
          made.push({ name: topic.name, id: topicId });
        }
        command = await this.#register(command, one.planned.schemas ?? [], request.schemaIds);
      } catch (error) {
        // A schema was refused: the topic that was made for the statement goes.
        const last = topicId === undefined ? undefined : made.pop();
        if (last !== undefined) await topics.takeBack([last], error as Error);
        failure = error;
        break;
      }
      const bound = await this.#bind(command, topicId);
      const gone = dropped === undefined ? undefined : catalog.source(dropped)?.topic;
      if (gone !== undefined) deleted.add(gone);
      commands.push({ ...one, planned: { ...one.planned, command: bound } });
      const outcome = outcomeOfAnswer(one.planned.answer);
      entries.push({
        version: 1,
        text: one.text,
        properties: one.settings.toRecord(),
        command: bound,
        ...(outcome && { outcome }),
      });
    }
    if (commands.length === 0) {
      if (failure !== undefined) throw failure;
      return { done: [] };
    }
    let first: number;
    try {
      first = await statements.append(entries, clock.now());
    } catch (error) {
      await topics.takeBack(made, error as Error);
      throw error;
    }
    request.version += commands.length;
    // Begun within the turn, so that the next one sees what is going; awaited behind it.
    const effects = commands.map((one) => applyCommand(catalog, one.planned.command));
    const done = commands.map((one, i) => ({
      one,
      warnings: this.#carryOut(effects[i] as Effects, first + i, entries[i]?.outcome),
    }));
    return { done, failure };
  }

  /** Registers what the command needs; answers with the command that has the ids. */
  async #register(command: Command, schemas: readonly NewSchema[], ids: Map<number, number>): Promise<Command> {
    const { registry } = this.#options;
    for (const { subject, schema } of schemas) {
      const { id } = await registry.register(subject, schema).catch((error: unknown) => {
        throw registryFault(error);
      });
      if (schema.id < 0) ids.set(schema.id, id);
      else assert(id === schema.id, `the schema ${schema.id} of the subject "${subject}" was given the id ${id}`);
    }
    return ids.size === 0 ? command : withSchemaIds(command, ids);
  }

  /** The command with the id of its topic: of the one that was made for it, or of the one that goes with it. */
  async #bind(command: Command, made: string | undefined): Promise<Command> {
    const { catalog, topics } = this.#options;
    const deleted = topicDeletedBy(command, catalog);
    const id = made ?? (deleted === undefined ? undefined : await topics.idOf(deleted));
    return id === undefined ? command : withTopicId(command, id);
  }

  /** Applies what reached the statement log without an answer. */
  async #catchUp(): Promise<void> {
    const { catalog, statements, statuses, failed } = this.#options;
    for (const found of await statements.news()) {
      const outcome = found.kind === 'entry' ? outcomeOf(found.data) : undefined;
      try {
        if (found.kind === 'unreadable') throw new UserError('SQL_STATEMENT_UNREADABLE', found.why);
        const effects = applyCommand(catalog, readCommand((found.data as StatementEntry).command));
        void this.#carryOut(effects, found.offset, outcome);
      } catch (error) {
        statuses.failed(found.offset, outcome, messageOf(error));
        failed(found.text, error);
      }
    }
  }

  /** Runs after the turns that were asked for before, however they end. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result;
    result.catch(() => undefined);
    return result;
  }

  // ------------------------------------------------------------------------------------------------- carrying out

  /** Does what a command has to; resolves to warnings: what failed, or is not done yet. */
  async #carryOut(effects: Effects, number: number, outcome: CommandOutcome | undefined): Promise<readonly string[]> {
    const { statuses } = this.#options;
    statuses.logged(number, outcome);
    try {
      const warnings = await this.#effectsDone(effects);
      statuses.ran(number, outcome, warnings);
      return warnings;
    } catch (error) {
      statuses.failed(number, outcome, messageOf(error));
      throw error;
    }
  }

  /** Starts, stops and deletes. */
  async #effectsDone({ start, replace, stop, pause, resume, deleteTopic }: Effects): Promise<readonly string[]> {
    const { lifecycle, topics, catalog } = this.#options;
    const stops = stop.map((id) => lifecycle.stop(id));
    const work: Promise<string | undefined>[] = [];
    for (const id of pause ?? []) lifecycle.pause(id);
    for (const id of resume ?? []) lifecycle.resume(id);
    if (replace !== undefined) {
      const started = lifecycle.replace(replace).then((fault) => fault && notRunning(replace.id, fault));
      work.push(lifecycle.within(started, `the query ${replace.id} does not run again yet`));
    }
    if (start !== undefined) {
      work.push(this.#passedOver(start));
      const started = lifecycle.start(start).then((fault) => fault && notRunning(start.id, fault));
      work.push(lifecycle.within(started, `the query ${start.id} does not run yet`));
    }
    stops.forEach((stopped, i) => {
      const id = stop[i] as string;
      const ended = stopped.then(
        () => undefined,
        (error: unknown) =>
          `the query ${id} has ended, but what it kept is deleted only at the next start: ${messageOf(error)}`,
      );
      work.push(lifecycle.within(ended, `the query ${id} has not stopped yet`));
    });
    if (deleteTopic !== undefined && !catalog.sources().some(({ topic }) => topic === deleteTopic.name)) {
      const { name } = deleteTopic;
      // The subjects first: after a crash between the two a start finds the topic, and deletes both.
      const forgotten = Promise.allSettled(stops)
        .then(() => this.#options.forgetSchemas(name))
        .then(
          () => undefined,
          (error: unknown) => schemasLeft(name, error),
        );
      const deleted = topics.delete(deleteTopic, forgotten).then(
        () => undefined,
        (error: unknown) => `the topic ${name} could not be deleted, and is at the next start: ${messageOf(error)}`,
      );
      work.push(lifecycle.within(forgotten, `the schemas of the topic ${name} are not deleted yet`));
      work.push(lifecycle.within(deleted, `the topic ${name} is not deleted yet`));
    }
    return (await Promise.all(work)).filter((warning) => warning !== undefined);
  }

  /** That a new query begins behind records which are there already, where nobody has said where it begins. */
  async #passedOver({ id, plan, properties }: PersistentQuery): Promise<string | undefined> {
    if (properties[offsetReset] !== undefined) return undefined;
    const streams = sourcesOf(plan).filter(({ kind }) => kind === 'streamSource');
    const found: string[] = [];
    for (const { source, topic } of streams) if (await this.#options.topics.hasRecords(topic)) found.push(source);
    if (found.length === 0) return undefined;
    const names = [...new Set(found)].join(' and ');
    return `the query ${id} begins with what comes from now on, and ${names} has rows already; to begin with the oldest, SET '${offsetReset}' = 'earliest'; before the query is created`;
  }
}

const offsetReset = 'auto.offset.reset';

/** The formats that the statements may need, by their names: those of the sources, those that a setting names, and
 *  every word that could be one. */
const formatsNear = (statements: readonly StatementRead[], settings: Settings, catalog: Catalog): Set<string> => {
  const words = statements.flatMap(({ text }) => text.toUpperCase().match(/\w+/g) ?? []);
  const sources = catalog.sources().flatMap(({ keyFormat, valueFormat }) => [keyFormat.name, valueFormat.name]);
  return new Set([...words, ...sources, ...Object.values(settings.toRecord())]);
};

/** Subjects that could not be deleted do not keep the topic: its name is free. */
export const schemasLeft = (topic: string, error: unknown): string =>
  `the schemas of the topic ${topic} are still registered: ${messageOf(error)}`;

const notRunning = (id: string, { why, retried }: NotRunning): string =>
  `the query ${id} was created, but does not run${retried ? ' yet, and is tried again' : ''}: ${why}`;

const outcomeOfAnswer = (answer: Answer): CommandOutcome | undefined => {
  if (answer.kind !== 'currentStatus') return undefined;
  const { message, queryId } = answer.commandStatus;
  return { commandId: answer.commandId, message, queryId };
};

const resultOf = ({ text }: PlannedStatement, answer: Answer, warnings: readonly string[] = []): StatementResult =>
  ({ ...answer, statementText: text, warnings }) as unknown as StatementResult;
