/**
 * The SQL engine: statements and queries over one log and one runtime. It stands behind `facade.ts`.
 *
 * A request's statements are planned one after the other in a sandbox (`session.ts`), a copy of the catalog and of the names of topics; when one of
 * them is at fault, nothing has happened. Then they run in order, each: topics are made, the command is logged (durable), and what it says is
 * applied. Requests that change something come one after another.
 *
 * At start the statement log is read and its commands are applied; nothing is planned. An entry that cannot be applied is skipped and
 * reported, and so is a query that cannot be built; the engine starts in any case. Queries start side by side and restore
 * their state in the background.
 */

import { AssertionError, type Clock, type Random, UserError } from '../base/index.ts';
import type { Runtime } from '../engine/index.ts';
import { type Log, LogError, numberConfig, type Producer, produceRecords } from '../storage/index.ts';
import { analyzeQuery } from './analyze/query.ts';
import { Typer } from './analyze/typer.ts';
import { applicationIdOf } from './application-id.ts';
import { Catalog, type Query } from './catalog.ts';
import type { CompileEnvironment } from './compile/environment.ts';
import { ScanRegistry } from './compile/scan.ts';
import { compileTopology, resultEncoding } from './compile/topology.ts';
import {
  type EngineReport,
  ExecutionError,
  type Inserter,
  type QueryHandle,
  type QueryStatus,
  type SqlEngine,
  type StatementOptions,
  type StatementResult,
} from './facade.ts';
import { builtInFunctions } from './functions/index.ts';
import type { FunctionRegistry } from './functions/registry.ts';
import type { ParsedStatement, QueryStatement } from './parser/ast.ts';
import { planQuery } from './plan/planner.ts';
import { checkedRows } from './queries/checked-rows.ts';
import { BulkInserter } from './queries/inserter.ts';
import { checkPullQuery, pullRows } from './queries/pull.ts';
import { PushQuery } from './queries/push.ts';
import { PushBuffers, type PushLimits } from './queries/push-buffers.ts';
import { type PlannedStatement, type PlanStatement, Session } from './session.ts';
import { Settings } from './settings.ts';
import { type StatementEntry, StatementLog } from './statement-log.ts';
import { applyCommand, type Command, type Effects, readCommand } from './statements/command.ts';
import { checkInsertTarget } from './statements/insert-target.ts';
import type { NewTopic, TopicInfo, Topics, View } from './statements/statement.ts';
import { sweep } from './sweep.ts';
import type { Row } from './types/value.ts';

export interface SqlEngineOptions {
  readonly log: Log;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly random: Random;
  /** Functions that statements can name; the built-in ones when left out. Queries that run in worker threads know the built-in ones only. */
  readonly functions?: FunctionRegistry;
  /** Properties that hold where a request says nothing else. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** How statements are planned. A restart never asks it: a test proves that with one that always fails. */
  readonly plan?: PlanStatement;
  /** What this thread's queries share when they read topics; its counters tell how often columns were parsed. */
  readonly scans?: ScanRegistry;
  /** Memory for rows that wait for the clients of push queries. */
  readonly push?: Partial<PushLimits>;
}

export const openSqlEngine = async (options: SqlEngineOptions): Promise<SqlEngine> => {
  const statements = await StatementLog.open(options.log);
  const engine = new Engine(options, statements);
  await engine.recover();
  return engine;
};

/** The parser is loaded with the first text: a start, and a restart with queries, needs none and is shorter by some 50 ms of processor time (15 with a warm compile cache). */
const parse = async (sql: string): Promise<ParsedStatement[]> => {
  const { parseStatements } = await import('./parser/parse.ts');
  return parseStatements(sql);
};

class Engine implements SqlEngine {
  readonly #log: Log;
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #functions: FunctionRegistry;
  readonly #environment: CompileEnvironment;
  readonly #plan: PlanStatement | undefined;
  readonly #defaults: Settings;
  readonly #statements: StatementLog;
  readonly #catalog = new Catalog();
  readonly #failed: { statement: string; message: string }[] = [];
  #unclaimed: readonly string[] = [];
  readonly #open = new Set<QueryHandle>();
  readonly #pushBuffers: PushBuffers;
  #producer: Promise<Producer> | undefined;
  /** The end of what was asked before: requests that change something wait for it. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SqlEngineOptions, statements: StatementLog) {
    const { log, runtime, clock, random } = options;
    this.#log = log;
    this.#runtime = runtime;
    this.#clock = clock;
    this.#random = random;
    this.#functions = options.functions ?? builtInFunctions();
    this.#environment = {
      functions: this.#functions,
      context: { now: () => clock.now(), random: () => random.float() },
      scans: options.scans ?? new ScanRegistry(),
    };
    this.#plan = options.plan;
    this.#defaults = Settings.of(options.settings);
    this.#statements = statements;
    this.#pushBuffers = new PushBuffers(options.push);
  }

  get report(): EngineReport {
    return { recovery: this.#log.recovery, failedStatements: this.#failed, unclaimed: this.#unclaimed };
  }

  // ------------------------------------------------------------------------------------------------- start

  async recover(): Promise<void> {
    let dropped: string | undefined;
    const made = new Map<string, Query>();
    for (const found of await this.#statements.read()) {
      dropped = undefined;
      if (found.kind === 'unreadable') {
        this.#failed.push({ statement: found.text, message: found.why });
        continue;
      }
      try {
        const entry = found.data as StatementEntry;
        const effects = applyCommand(this.#catalog, readCommand(entry.command));
        for (const query of effects.start) made.set(query.id, query);
        dropped = effects.deleteTopic;
      } catch (error) {
        this.#failed.push({ statement: found.text, message: messageOf(error) });
      }
    }
    // A crash between the last statement and its effects: they are done now.
    if (dropped !== undefined) await this.#deleteTopic(dropped);
    this.#unclaimed = await sweep({
      log: this.#log,
      queries: this.#catalog.queries(),
      dropped: [...made.values()].filter(({ id }) => this.#catalog.query(id) === undefined),
      compile: ({ plan }) => compileTopology(plan, this.#environment),
      forget: (applicationId) => this.#runtime.forgetRecord(applicationId),
    });
    for (const query of this.#catalog.queries()) {
      this.#start(query).catch((error: unknown) => {
        this.#failed.push({ statement: query.statement, message: messageOf(error) });
      });
    }
  }

  async #start(query: Query): Promise<void> {
    const topology = compileTopology(query.plan, this.#environment);
    const reset = query.properties['auto.offset.reset'] ?? 'latest';
    await this.#runtime.start({
      id: query.id,
      applicationId: applicationIdOf(query.id),
      topology,
      plan: query.plan,
      startFrom: reset.toLowerCase() === 'earliest' ? 'earliest' : 'latest',
    });
  }

  // ------------------------------------------------------------------------------------------------- statements

  async execute(sql: string, options: StatementOptions = {}): Promise<readonly StatementResult[]> {
    const statements = await parse(sql);
    const settings = Settings.of(options.properties).over(this.#defaults);
    return this.#inTurn(async () => {
      await this.#catchUp();
      const session = new Session({
        catalog: this.#catalog.copy(),
        topics: await this.#topics(),
        settings,
        functions: this.#functions,
        functionContext: this.#environment.context,
        number: this.#statements.next,
        plan: this.#plan,
      });
      const planned = statements.map((statement) => session.plan(statement));
      const results: StatementResult[] = [];
      for (const one of planned) {
        try {
          results.push(await this.#run(one));
        } catch (error) {
          if (error instanceof AssertionError) throw error;
          throw new ExecutionError(error instanceof Error ? error : new Error(String(error)), one.text, results);
        }
      }
      return results;
    });
  }

  async #run({ text, settings, planned }: PlannedStatement): Promise<StatementResult> {
    const result = <A>(answer: A): StatementResult =>
      ({ ...answer, statementText: text, warnings: [] }) as unknown as StatementResult;
    switch (planned.kind) {
      case 'command':
        await this.#runCommand(planned.command, planned.topic, text, settings);
        return result(planned.answer);
      case 'record': {
        const { topic, key, value, timestamp } = planned.record;
        const producer = await this.#ownProducer();
        await produceRecords(this.#log, producer, topic, [{ key, value, timestamp }], {
          acks: 'durable',
          now: this.#clock.now(),
        });
        return result(planned.answer);
      }
      case 'show':
        return result(planned.show(await this.#view(settings)));
      case 'settings':
      case 'nothing':
        return result(planned.answer);
    }
  }

  async #runCommand(command: Command, topic: NewTopic | undefined, text: string, settings: Settings): Promise<void> {
    if (topic !== undefined) {
      await this.#log.createTopic({ name: topic.name, partitions: topic.partitions, configs: topic.configs });
    }
    try {
      await this.#statements.append({ version: 1, text, properties: settings.toRecord(), command }, this.#clock.now());
    } catch (error) {
      // Nothing was decided: the topic goes again. Where the answer is unknown it stays, as the statement may.
      const unknown = error instanceof LogError && error.kind === 'unknown';
      if (topic !== undefined && !unknown) await this.#deleteTopic(topic.name);
      throw error;
    }
    await this.#effects(applyCommand(this.#catalog, command));
  }

  /** Applies what reached the statement log without an answer. */
  async #catchUp(): Promise<void> {
    for (const found of await this.#statements.news()) {
      try {
        if (found.kind === 'unreadable') throw new UserError('SQL_STATEMENT_UNREADABLE', found.why);
        await this.#effects(applyCommand(this.#catalog, readCommand((found.data as StatementEntry).command)));
      } catch (error) {
        this.#failed.push({ statement: found.text, message: messageOf(error) });
      }
    }
  }

  async #effects({ start, stop, deleteTopic }: Effects): Promise<void> {
    for (const id of stop) {
      if (this.#runtime.queries().some(({ queryId }) => queryId === id)) await this.#runtime.stop(id, { forget: true });
    }
    if (deleteTopic !== undefined) await this.#deleteTopic(deleteTopic);
    for (const query of start) await this.#start(query);
  }

  async #deleteTopic(name: string): Promise<void> {
    const used = this.#catalog.sources().some((source) => source.topic === name);
    if (!used && (await this.#log.describeTopic(name)) !== undefined) await this.#log.deleteTopic(name);
  }

  async #topics(): Promise<Topics> {
    const topics = new Map<string, TopicInfo>();
    for (const { name, partitions, configs } of await this.#log.describeTopics())
      topics.set(name, { partitions, configs });
    return topics;
  }

  async #view(settings: Settings): Promise<View> {
    const offsets = new Map<string, number>();
    const topics = await this.#topics();
    for (const { topic } of this.#catalog.sources()) {
      const { partitions } = topics.get(topic) ?? { partitions: 0 };
      let records = 0;
      for (let partition = 0; partition < partitions; partition++) {
        const { start, stable } = await this.#log.offsets({ topic, partition });
        records += stable - start;
      }
      offsets.set(topic, records);
    }
    const status = (id: string) => this.#runtime.queries().find(({ queryId }) => queryId === id);
    return {
      catalog: this.#catalog,
      topics,
      settings,
      functions: this.#functions,
      state: (id) => stateOf(status(id)?.state, status(id)?.paused),
      errors: (id) => {
        const error = status(id)?.error;
        return error === undefined ? [] : [error.message];
      },
      statistics: (topic) => `offsets held: ${offsets.get(topic) ?? 0}`,
    };
  }

  /** Runs after everything that was asked before has ended, however it ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    const result = this.#turn.then(work);
    this.#turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  // ------------------------------------------------------------------------------------------------- queries

  async query(sql: string, options: StatementOptions = {}): Promise<QueryHandle> {
    const statements = await parse(sql);
    if (this.#closed) throw closedError();
    const [first, second] = statements;
    if (first === undefined || second !== undefined || first.statement.kind !== 'query') {
      throw new UserError('SQL_NOT_ONE_QUERY', 'exactly one SELECT is wanted here', {
        at: second?.at ?? first?.at,
        hint: 'Other statements go to /ksql.',
      });
    }
    const settings = Settings.of(options.properties).over(this.#defaults);
    const statement: QueryStatement = first.statement;
    return statement.query.emit === undefined ? this.#pull(statement, settings) : this.#push(statement, settings);
  }

  #newId(kind: string, source: string): string {
    return `${kind}_${source}_${this.#random.uuid().slice(0, 8)}`;
  }

  async #pull({ query }: QueryStatement, settings: Settings): Promise<QueryHandle> {
    checkPullQuery(query);
    const catalog = this.#catalog;
    const analyzed = analyzeQuery(query, { catalog, typer: new Typer(this.#functions), purpose: 'pull' });
    const source = (analyzed.sources[0] as (typeof analyzed.sources)[number]).source;
    const rows = pullRows(analyzed, query, {
      catalog,
      environment: this.#environment,
      runtime: this.#runtime,
      log: this.#log,
      settings,
    });
    let running: AsyncGenerator<readonly Row[], void, undefined> | undefined;
    return this.#handle({
      id: this.#newId('pull', source.name),
      kind: 'pull',
      columns: analyzed.columns,
      rows: () => {
        running = rows();
        return running;
      },
      close: async () => {
        await running?.return();
      },
    });
  }

  async #push({ query }: QueryStatement, settings: Settings): Promise<QueryHandle> {
    const catalog = this.#catalog;
    const analyzed = analyzeQuery(query, { catalog, typer: new Typer(this.#functions), purpose: 'push' });
    const source = (analyzed.sources[0] as (typeof analyzed.sources)[number]).source;
    const { physical } = planQuery(analyzed.plan, catalog, undefined);
    const id = this.#newId('transient', source.name);
    const push = new PushQuery({
      id,
      runtime: this.#runtime,
      buffers: this.#pushBuffers,
      encoding: resultEncoding(physical.root),
      limit: analyzed.limit,
    });
    const topology = compileTopology(physical, this.#environment);
    const reset = settings.get('auto.offset.reset')?.toLowerCase();
    await push.start({ topology, plan: physical, startFrom: reset === 'earliest' ? 'earliest' : 'latest' });
    return this.#handle({
      id,
      kind: 'push',
      columns: analyzed.columns.map((column) => ({ ...column, isKey: false })),
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
      rows: () => forgetting(checkedRows(handle.columns, handle.rows()), () => this.#open.delete(remembered)),
    };
  }

  // ------------------------------------------------------------------------------------------------- rows

  async inserter(target: string, options: StatementOptions = {}): Promise<Inserter> {
    if (this.#closed) throw closedError();
    Settings.of(options.properties);
    const quoted = /^`(.*)`$/s.exec(target.trim());
    const name = quoted === null ? target.trim().toUpperCase() : (quoted[1] as string);
    const source = this.#catalog.require(name);
    checkInsertTarget(source);
    const topic = await this.#log.describeTopic(source.topic);
    if (topic === undefined) {
      throw new UserError(
        'SQL_UNKNOWN_TOPIC',
        `the topic "${source.topic}" of "${source.name}" does not exist any more`,
        {
          hint: `DROP ${source.kind.toUpperCase()} ${source.name}; and create it again.`,
        },
      );
    }
    return new BulkInserter({
      source,
      partitions: topic.partitions,
      maxBatchBytes: numberConfig(topic.configs, 'max.message.bytes'),
      producer: await this.#ownProducer(),
      now: () => this.#clock.now(),
    });
  }

  #ownProducer(): Promise<Producer> {
    this.#producer ??= this.#log.producer();
    return this.#producer;
  }

  // ------------------------------------------------------------------------------------------------- status

  async queries(): Promise<readonly QueryStatus[]> {
    const running = new Map(this.#runtime.queries().map((status) => [status.queryId, status]));
    return Promise.all(
      this.#catalog.queries().map(async (query): Promise<QueryStatus> => {
        const status = running.get(query.id);
        const counters = status === undefined ? undefined : this.#runtime.counters(query.id);
        const lag = status === undefined ? undefined : await this.#runtime.lag(query.id);
        const error = status?.error?.message;
        return {
          id: query.id,
          statement: query.statement,
          state: stateOf(status?.state, status?.paused),
          lag: lag ?? null,
          recordsRead: counters?.recordsRead ?? 0,
          recordsWritten: counters?.recordsOut ?? 0,
          dropped: counters?.drops ?? {},
          replayed: counters?.replayed ?? 0,
          ...(error === undefined ? {} : { error }),
        };
      }),
    );
  }

  get fault(): Error | undefined {
    return this.#log.fenced;
  }

  async awaitIdle(): Promise<void> {
    await this.#runtime.awaitIdle();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turn;
    await Promise.all([...this.#open].map((handle) => handle.close()));
    await (await this.#producer)?.close();
    await this.#statements.close();
  }
}

async function* forgetting<T>(rows: AsyncIterable<T>, ended: () => void): AsyncGenerator<T, void, undefined> {
  try {
    yield* rows;
  } finally {
    ended();
  }
}

const stateOf = (state: string | undefined, paused: boolean | undefined): QueryStatus['state'] => {
  if (state === 'starting') return 'RESTORING';
  if (state === 'running') return paused === true ? 'PAUSED' : 'RUNNING';
  return 'ERROR';
};

const closedError = (): UserError => new UserError('SQL_CLOSED', 'the engine is closed');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
