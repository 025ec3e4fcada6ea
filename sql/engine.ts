/**
 * The SQL engine: statements and queries over one log and one runtime. It stands behind `facade.ts`.
 *
 * Statements are run by `statement-runner.ts`: planned in a sandbox, logged, then applied. SELECTs become pull queries,
 * which read what there is, or push queries, which follow it (`queries/`).
 *
 * At start the statement log is read and its commands are applied; nothing is planned. An entry that cannot be applied
 * is skipped and reported (`report`); a query that cannot start is in ERROR (`queries`). The engine starts in any case.
 * Queries start side by side and restore their state in the background.
 */

import { type Clock, messageOf, type Random, type Timers, UserError } from '../base/index.ts';
import type { Metric, Position, Runtime, StateReport } from '../engine/index.ts';
import type { CommittedOffset, Log } from '../storage/index.ts';
import { analyzeQuery } from './analyze/query.ts';
import { Typer } from './analyze/typer.ts';
import { Catalog, type PersistentQuery } from './catalog.ts';
import { closingOf } from './closing.ts';
import { CommandStatuses, outcomeOf } from './command-statuses.ts';
import type { CompileEnvironment } from './compile/environment.ts';
import { ScanRegistry } from './compile/scan-view.ts';
import { compileTopology, resultEncoding } from './compile/topology.ts';
import { workerPlan } from './compile/worker-plan.ts';
import {
  type CommandStatus,
  type Completion,
  type EngineReport,
  type Inserter,
  type QueryHandle,
  type QueryOptions,
  type QueryStatus,
  type SqlEngine,
  type StatementOptions,
  type StatementResult,
  type TypedRow,
} from './facade.ts';
import { loadFormats } from './formats/index.ts';
import { WriterSchemas } from './formats/writer-schemas.ts';
import { builtInFunctions } from './functions/index.ts';
import type { LoadedModule } from './functions/module.ts';
import type { FunctionRegistry } from './functions/registry.ts';
import type { QueryStatement } from './parser/statements/index.ts';
import type { PrintTopic } from './parser/statements/print.ts';
import { planQuery } from './plan/planner.ts';
import type { Rule } from './plan/rule.ts';
import { checkedRows } from './queries/checked-rows.ts';
import { Inserts } from './queries/inserts.ts';
import { printTopic } from './queries/print-topic.ts';
import { memoryProperty } from './queries/pull/memory.ts';
import { planPull } from './queries/pull.ts';
import { PushQuery } from './queries/push.ts';
import { PushBuffers, type PushLimits } from './queries/push-buffers.ts';
import { positionOf, shown } from './queries/read-position.ts';
import { QueryLifecycle } from './query-lifecycle.ts';
import { dropsOf, errorOf, hintsOf, stateOf, statusesOf } from './query-status.ts';
import { LocalRegistry } from './registry/local-registry.ts';
import type { SchemaRegistry } from './registry/registry.ts';
import { subjectOf } from './registry/schema.ts';
import type { PlanStatement } from './session.ts';
import { Settings } from './settings.ts';
import { type StatementEntry, StatementLog, statementTopic } from './statement-log.ts';
import { StatementRunner, schemasLeft } from './statement-runner.ts';
import { StatementTopics } from './statement-topics.ts';
import type { TopicId } from './statements/command.ts';
import { applyCommand, readCommand } from './statements/index.ts';
import type { TopicUse, View } from './statements/statement.ts';
import { sweep } from './sweep.ts';
import { stringType } from './types/type.ts';
import type { Row } from './types/value.ts';

export interface SqlEngineOptions {
  readonly log: Log;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Functions that statements can name; the built-in ones when left out. Queries that run in worker threads know the
   *  built-in ones only. */
  readonly functions?: FunctionRegistry;
  /** Properties that hold unless a request sets them. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The rules that rewrite plans; all of them when left out. A test compares with none. */
  readonly rules?: readonly Rule[];
  /** How statements are planned. A restart never asks it: a test proves that with one that always fails. */
  readonly plan?: PlanStatement;
  /** What this thread's queries share when they read topics; its counters tell how often columns were parsed. */
  readonly scans?: ScanRegistry;
  /** How long a statement waits for what it has started or stopped, before it answers with a warning. Default 10 s. */
  readonly statementWaitMs?: number;
  /** The registry of schemas; one that forgets when left out. */
  readonly registry?: SchemaRegistry;
  /** Memory for rows that wait for the clients of push queries. */
  readonly push?: Partial<PushLimits>;
}

export const openSqlEngine = async (options: SqlEngineOptions): Promise<SqlEngine> => {
  const statements = await StatementLog.open(options.log);
  const engine = new Engine(options, statements);
  await engine.recover();
  return engine;
};

/** The parser is loaded with the first text: a start, and a restart with queries, needs none and is shorter by some 50
 *  ms of processor time (15 with a warm compile cache). */
const read = async (
  sql: string,
  settings: Settings,
  variables: StatementOptions['variables'] = {},
  parameters?: QueryOptions['parameters'],
) => {
  const [{ parseStatements, readStatements }, { variablesOf }] = await Promise.all([
    import('./parser/parse.ts'),
    import('./parser/variables.ts'),
  ]);
  const substitute = settings.isTrue('ksql.variable.substitution.enable') ?? true;
  const options = { variables: variablesOf(variables), substitute, parameters };
  return { all: () => readStatements(sql, options), faultless: () => parseStatements(sql, options) };
};

/** A group, and what it has committed of any topic. */
interface GroupPositions {
  readonly group: string;
  readonly offsets: readonly CommittedOffset[];
}

class Engine implements SqlEngine {
  readonly #log: Log;
  readonly #runtime: Runtime;
  readonly #random: Random;
  readonly #timers: Timers;
  readonly #functions: FunctionRegistry;
  readonly #registry: SchemaRegistry;
  readonly #environment: CompileEnvironment;
  readonly #rules: readonly Rule[] | undefined;
  readonly #defaults: Settings;
  readonly #statements: StatementLog;
  readonly #topics: StatementTopics;
  readonly #lifecycle: QueryLifecycle;
  readonly #runner: StatementRunner;
  readonly #statuses: CommandStatuses;
  readonly #catalog = new Catalog();
  readonly #failed: { statement: string; message: string }[] = [];
  #unclaimed: readonly string[] = [];
  readonly #open = new Set<QueryHandle>();
  readonly #pushBuffers: PushBuffers;
  readonly #inserts: Inserts;
  #closed = false;

  constructor(options: SqlEngineOptions, statements: StatementLog) {
    const { log, runtime, clock, random } = options;
    this.#log = log;
    this.#runtime = runtime;
    this.#random = random;
    this.#functions = options.functions ?? builtInFunctions();
    this.#registry = options.registry ?? new LocalRegistry();
    this.#environment = {
      functions: this.#functions,
      context: { now: () => clock.now(), random: () => random.float() },
      scans: options.scans ?? new ScanRegistry(),
      schemas: new WriterSchemas((id) => this.#registry.byId(id)),
    };
    this.#rules = options.rules;
    this.#defaults = Settings.of(options.settings);
    this.#statements = statements;
    this.#pushBuffers = new PushBuffers(options.push);
    this.#topics = new StatementTopics(log);
    this.#inserts = new Inserts(log, this.#catalog, clock);
    const { timers, statementWaitMs: waitMs } = options;
    this.#timers = timers;
    this.#lifecycle = new QueryLifecycle({
      runtime,
      environment: this.#environment,
      timers,
      waitMs,
      isPaused: (id) => this.#catalog.isPaused(id),
    });
    this.#statuses = new CommandStatuses(timers);
    this.#runner = new StatementRunner({
      statuses: this.#statuses,
      catalog: this.#catalog,
      statements,
      topics: this.#topics,
      registry: this.#registry,
      forgetSchemas: (topic) => this.#forgetSchemas(topic),
      lifecycle: this.#lifecycle,
      clock,
      functions: this.#functions,
      functionContext: this.#environment.context,
      plan: options.plan,
      rules: options.rules,
      write: (record) => this.#inserts.record(record),
      view: (settings) => this.#view(settings),
      failed: (statement, error) => this.#failed.push({ statement, message: messageOf(error) }),
    });
  }

  get registry(): SchemaRegistry {
    return this.#registry;
  }

  get state(): StateReport {
    return this.#runtime.state;
  }

  metrics(): Promise<readonly Metric[]> {
    return this.#runtime.metrics();
  }

  get report(): EngineReport {
    const { recovery, damage, housekeepingFailure } = this.#log;
    return {
      recovery,
      failedStatements: this.#failed,
      unclaimed: this.#unclaimed,
      damage: damage.map(({ message }) => message),
      housekeepingFailure: housekeepingFailure?.message,
    };
  }

  // ------------------------------------------------------------------------------------------------- start

  async recover(): Promise<void> {
    const made = new Map<string, PersistentQuery>();
    const deleted: { readonly topic: TopicId; readonly statement: string }[] = [];
    const found = await this.#statements.read();
    for (const entry of found) {
      if (entry.kind === 'unreadable') {
        this.#failed.push({ statement: entry.text, message: entry.why });
        this.#statuses.failed(entry.offset, undefined, entry.why);
        continue;
      }
      const outcome = outcomeOf(entry.data);
      try {
        const { command } = entry.data as StatementEntry;
        const { start, replace, deleteTopic } = applyCommand(this.#catalog, readCommand(command));
        for (const query of [start, replace]) if (query !== undefined) made.set(query.id, query);
        if (deleteTopic !== undefined) deleted.push({ topic: deleteTopic, statement: entry.text });
        this.#statuses.ran(entry.offset, outcome);
      } catch (error) {
        this.#failed.push({ statement: entry.text, message: messageOf(error) });
        this.#statuses.failed(entry.offset, outcome, messageOf(error));
      }
    }
    for (const { topic, message } of this.#log.damage)
      if (topic === statementTopic) this.#failed.push({ statement: 'Statements of the statement log', message });
    // A crash between a statement and its effects: they are done now. Ids keep that from what was made since.
    for (const { topic, statement } of deleted) {
      if (this.#isUsed(topic.name)) continue;
      if ((await this.#topics.idOf(topic.name)) === topic.id) {
        await this.#forgetSchemas(topic.name).catch((error: unknown) => {
          this.#failed.push({ statement, message: schemasLeft(topic.name, error) });
        });
      }
      await this.#topics.delete(topic);
    }
    await this.#topics.sweep(({ name, id }) => this.#isUsed(name) || found.some(({ raw }) => raw.includes(id)));
    this.#unclaimed = await sweep({
      log: this.#log,
      queries: this.#catalog.queries(),
      dropped: [...made.values()].filter(({ id }) => this.#catalog.query(id) === undefined),
      compile: ({ plan }) => compileTopology(plan, this.#environment),
      forget: (applicationId) => this.#runtime.forgetRecord(applicationId),
    });
    for (const query of this.#catalog.queries()) void this.#lifecycle.start(query);
  }

  async #forgetSchemas(topic: string): Promise<void> {
    for (const side of ['key', 'value'] as const) {
      const subject = subjectOf(topic, side);
      if ((await this.#registry.latest(subject)) !== undefined) await this.#registry.deleteSubject(subject);
    }
  }

  #isUsed(topic: string): boolean {
    return this.#catalog.sources().some((source) => source.topic === topic);
  }

  // ------------------------------------------------------------------------------------------------- statements

  async execute(sql: string, options: StatementOptions = {}): Promise<readonly StatementResult[]> {
    if (this.#closed) throw closedError();
    const settings = this.#defaults.requested(options.properties);
    const statements = (await read(sql, settings, options.variables)).all();
    if (this.#closed) throw closedError();
    return this.#runner.execute(statements, settings);
  }

  get commands(): ReadonlyMap<string, CommandStatus> {
    return this.#statuses.all;
  }

  hasRun(commandNumber: number, withinMs: number): Promise<boolean> {
    return this.#statuses.hasRun(commandNumber, withinMs);
  }

  async #view(settings: Settings): Promise<View> {
    const topics = await this.#topics.list();
    const status = new Map(this.#runtime.queries().map((one) => [one.queryId, one]));
    let groups: Promise<readonly GroupPositions[]> | undefined;
    return {
      catalog: this.#catalog,
      topics,
      settings,
      functions: this.#functions,
      state: (id) => stateOf(status.get(id), this.#lifecycle.faultOf(id)),
      errors: (id) => {
        const error = errorOf(status.get(id), this.#lifecycle.faultOf(id));
        return error === undefined ? [] : [error.message, ...hintsOf(error)];
      },
      drops: (id) => dropsOf(status.has(id) ? this.#runtime.counters(id) : undefined),
      topicUse: async (topic) => ({
        partitions: await this.#partitionSizes(topic, topics.get(topic)?.partitions ?? 0),
        groups: (await (groups ??= this.#groups()))
          .map(({ group, offsets }) => ({ group, offsets: offsets.filter((one) => one.topic === topic) }))
          .filter(({ offsets }) => offsets.length > 0),
      }),
      topicsNow: () => this.#topics.list(),
      registry: this.#registry,
      pause: (ms) => new Promise((resolve) => void this.#timers.after(ms, resolve)),
    };
  }

  /** None of a topic that was deleted meanwhile. */
  async #partitionSizes(topic: string, count: number): Promise<TopicUse['partitions']> {
    try {
      return await Promise.all(
        Array.from({ length: count }, async (_, partition) => {
          const { start, stable } = await this.#log.offsets({ topic, partition });
          return { partition, start, end: stable, bytes: await this.#log.sizeBytes({ topic, partition }) };
        }),
      );
    } catch (error) {
      if ((await this.#topics.idOf(topic)) === undefined) return [];
      throw error;
    }
  }

  async #groups(): Promise<readonly GroupPositions[]> {
    const found: GroupPositions[] = [];
    for (const group of await this.#log.groups()) found.push({ group, offsets: await this.#log.committed(group) });
    return found;
  }

  // ------------------------------------------------------------------------------------------------- queries

  async query(sql: string, options: QueryOptions = {}): Promise<QueryHandle> {
    let settings = this.#defaults.requested(options.properties);
    if (options.memoryBytes !== undefined) settings = settings.with(memoryProperty, String(options.memoryBytes));
    const statements = (await read(sql, settings, options.variables, options.parameters)).faultless();
    if (this.#closed) throw closedError();
    const [first, second] = statements;
    if (first?.statement.kind === 'print' && second === undefined) return this.#print(first.statement);
    if (first === undefined || second !== undefined || first.statement.kind !== 'query') {
      throw new UserError('SQL_NOT_ONE_QUERY', 'exactly one SELECT or PRINT is wanted here', {
        at: second?.at ?? first?.at,
        hint: 'Other statements go to /ksql.',
      });
    }
    await loadFormats(this.#catalog.sources().flatMap((one) => [one.keyFormat.name, one.valueFormat.name]));
    const statement: QueryStatement = first.statement;
    if (statement.query.emit === undefined) return this.#pull(statement, settings, options.from);
    if (options.from !== undefined) {
      throw new UserError('SQL_PUSH_QUERY', 'a query with EMIT cannot be read from a position', {
        at: statement.query.emit.at,
        hint: 'Leave "from" out, or leave EMIT out to ask once.',
      });
    }
    return this.#push(statement, settings, options.deletions === true);
  }

  async #print(statement: PrintTopic): Promise<QueryHandle> {
    const ended = new AbortController();
    const { signal } = ended;
    const lines = await printTopic(statement, { log: this.#log, registry: this.#registry, signal });
    return this.#handle({
      id: this.#newId('print', statement.topic.name),
      kind: 'print',
      columns: [{ name: 'LINE', type: stringType, isKey: false }],
      position: [],
      async *rows() {
        for await (const line of lines()) yield [[line]];
      },
      close: async () => ended.abort(),
    });
  }

  #typerOf(settings: Settings): Typer {
    return new Typer(
      this.#functions,
      (name) => this.#catalog.type(name),
      (name) => settings.ofFunction(name),
    );
  }

  #newId(kind: string, source: string): string {
    return `${kind}_${source}_${this.#random.uuid().slice(0, 8)}`;
  }

  async #pull({ query }: QueryStatement, settings: Settings, from: Position | undefined): Promise<QueryHandle> {
    const { step, columns, sources } = planPull(query, {
      catalog: this.#catalog,
      typer: this.#typerOf(settings),
      environment: this.#environment,
      runtime: this.#runtime,
      log: this.#log,
      settings,
      rules: this.#rules,
    });
    const reading = { catalog: this.#catalog, runtime: this.#runtime, log: this.#log, timers: this.#timers };
    if (from !== undefined) await shown(sources, from, reading);
    let running: AsyncGenerator<readonly Row[], void, undefined> | undefined;
    return this.#handle({
      id: this.#newId('pull', sources[0]?.name ?? ''),
      kind: 'pull',
      columns,
      // Before the first row is read, so that the rows show at least this.
      position: await positionOf(sources, reading),
      rows: () => {
        running = step.rows();
        return running;
      },
      close: async () => {
        await running?.return();
      },
    });
  }

  async #push({ query }: QueryStatement, settings: Settings, shown: boolean): Promise<QueryHandle> {
    const catalog = this.#catalog;
    const analyzed = analyzeQuery(query, {
      catalog,
      typer: this.#typerOf(settings),
      purpose: 'push',
      noFinal: settings.isTrue('ksql.suppress.enabled') === false,
    });
    const source = (analyzed.sources[0] as (typeof analyzed.sources)[number]).source;
    const deletions = shown && analyzed.flow === 'table';
    const { physical } = planQuery(analyzed.plan, { catalog }, { deleted: deletions ? analyzed.keys : undefined });
    const id = this.#newId('transient', source.name);
    const push = new PushQuery({
      id,
      runtime: this.#runtime,
      buffers: this.#pushBuffers,
      encoding: resultEncoding(physical.root),
      deletions,
      limit: analyzed.limit,
    });
    const topology = compileTopology(physical, this.#environment);
    const reset = settings.get('auto.offset.reset')?.toLowerCase();
    await push.start({
      topology,
      plan: workerPlan(physical, this.#functions),
      offsetReset: reset === 'earliest' ? 'earliest' : 'latest',
      ...closingOf(settings.get('millrace.closing')),
    });
    return this.#handle({
      id,
      kind: 'push',
      columns: analyzed.columns.map((column) => ({ ...column, isKey: false })),
      deletions,
      position: [],
      rows: () => push.rows(),
      close: () => push.close(),
    });
  }

  /** Remembers what is open, so that closing the engine ends it. */
  #handle(handle: QueryHandle): QueryHandle {
    const remembered: QueryHandle = {
      ...handle,
      close: async () => {
        this.#open.delete(remembered);
        await handle.close();
      },
    };
    this.#open.add(remembered);
    return {
      ...remembered,
      rows: () => forgetting(checkedRows(handle, handle.rows()), () => this.#open.delete(remembered)),
    };
  }

  async addFunctions(module: LoadedModule): Promise<void> {
    if (this.#closed) throw closedError();
    this.#functions.addModule(module);
    await this.#lifecycle.startWaiting(this.#catalog.queries());
  }

  async complete(text: string, cursor: number): Promise<Completion> {
    const { complete } = await import('./completion.ts');
    const topics = [...(await this.#topics.list()).keys()];
    return complete(text, cursor, { catalog: this.#catalog, functions: this.#functions, topics });
  }

  // ------------------------------------------------------------------------------------------------- rows

  async inserter(target: string, options: StatementOptions = {}): Promise<Inserter> {
    if (this.#closed) throw closedError();
    checkInserts(this.#defaults.requested(options.properties));
    return this.#inserts.bulk(target);
  }

  async insert(target: string, rows: Iterable<TypedRow>): Promise<Position> {
    if (this.#closed) throw closedError();
    checkInserts(this.#defaults);
    return this.#inserts.typed(target, rows);
  }

  // ------------------------------------------------------------------------------------------------- status

  queries(): Promise<readonly QueryStatus[]> {
    return statusesOf(this.#catalog.queries(), this.#runtime, this.#lifecycle);
  }

  get fault(): Error | undefined {
    return this.#log.fenced ?? this.#runtime.waitsFor ?? this.#log.refusedWrite;
  }

  async awaitIdle(): Promise<void> {
    await this.#runtime.awaitIdle();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#runner.idle();
    await Promise.all([...this.#open].map((handle) => handle.close()));
    await this.#inserts.close();
    await this.#statements.close();
    await this.#registry.close();
  }
}

async function* forgetting<T>(rows: AsyncIterable<T>, ended: () => void): AsyncGenerator<T, void, undefined> {
  try {
    yield* rows;
  } finally {
    ended();
  }
}

const checkInserts = (settings: Settings): void =>
  settings.require('ksql.insert.into.values.enabled', 'inserts of rows are');

const closedError = (): UserError => new UserError('SQL_CLOSED', 'the engine is closed');
