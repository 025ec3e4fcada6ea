/**
 * Runs one case on the engine, without a server and without a log.
 *
 * Statements are planned by a session as a server would; every persistent query becomes a topology in the synchronous
 * test driver, fed as the cases' own rules say: first the input records on its source topics in the order listed, then,
 * for source topics that no input names, what earlier queries or INSERT VALUES wrote there. One record at a time; what
 * it caused is appended to the topics before the next.
 */

import { TopologyTestDriver } from '../../engine/test-driver.ts';
import { knownFormats } from '../../sql/formats/index.ts';
import {
  builtInFunctions,
  Catalog,
  compileTopology,
  type FunctionContext,
  isKnownProperty,
  type PhysicalPlan,
  ScanRegistry,
  Session,
  Settings,
  sourcesOf,
  type Topics,
} from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import type { Case } from './cases.ts';
import { topicDifference } from './compare.ts';
import { registerCaseFunctions } from './functions.ts';
import { postDifference } from './post.ts';
import { decodeRecord, encodeRecord, type Forms, type WrittenRecord } from './records.ts';
import { describeError, rejectionFault } from './rejection.ts';
import { CaseSchemas } from './schemas.ts';
import { skipReason } from './skip-rule.ts';

export interface Outcome {
  readonly id: string;
  /** The place of the case in the run, from 1. */
  readonly number: number;
  readonly result: 'pass' | 'fail' | 'skip';
  /** Why it was left out, or the first difference. */
  readonly why?: string;
}

/** What formats need besides, such as a parser of schemas: awaited before the first case. */
export const loadFormats = async (): Promise<void> => {
  for (const { schemas } of knownFormats()) await schemas?.load?.();
};

export const runCase = (one: Case, number: number): Outcome => {
  const { id, expectedException } = one;
  const skipped = skipReason(one);
  if (skipped !== undefined) return { id, number, result: 'skip', why: skipped };
  let error: unknown;
  let found: string | undefined;
  try {
    const run = new CaseRun(one);
    run.execute();
    if (expectedException === undefined) found = run.difference();
  } catch (thrown) {
    error = thrown;
  }
  if (expectedException !== undefined) found = rejectionFault(expectedException.message, error);
  else if (error !== undefined) found = describeError(error);
  return found === undefined ? { id, number, result: 'pass' } : { id, number, result: 'fail', why: found };
};

/** The time and the random numbers that functions get: the same in every run. */
const fixedContext = (): FunctionContext => {
  let seed = 0.5;
  return {
    now: () => 1_600_000_000_000,
    random: () => {
      seed = (seed * 997 + 0.125) % 1;
      return seed;
    },
  };
};

class CaseRun {
  readonly #case: Case;
  readonly #functions = builtInFunctions();
  readonly #context = fixedContext();
  readonly #schemas: CaseSchemas;
  readonly #session: Session;
  /** What lies on the topics; inputs go straight to the queries. */
  readonly #written = new Map<string, WrittenRecord[]>();
  /** The sinks by topic: a topic that a query writes is read in the sink's formats. */
  readonly #sinks = new Map<string, Forms>();
  /** Repartition topics of all queries. */
  readonly #internal: string[] = [];

  constructor(one: Case) {
    this.#case = one;
    registerCaseFunctions(this.#functions);
    this.#schemas = new CaseSchemas(one);
    const known = Object.entries(one.properties).filter(([name]) => isKnownProperty(name));
    this.#session = new Session({
      catalog: new Catalog(),
      topics: topicsBefore(one),
      schemas: this.#schemas,
      settings: Settings.of(Object.fromEntries(known)),
      functions: this.#functions,
      functionContext: this.#context,
      number: 0,
    });
  }

  execute(): void {
    const plans = new Map<string, PhysicalPlan>();
    for (const parsed of this.#case.statements.flatMap((text) => parseStatements(text))) {
      const { planned } = this.#session.plan(parsed);
      if (planned.kind === 'record') {
        const { topic, key, value, timestamp } = planned.record;
        const framed = (bytes: Uint8Array | null): Uint8Array | null => this.#schemas.framed(bytes);
        this.#recordsOn(topic).push({ key: framed(key), value: framed(value), timestamp, headers: [] });
      }
      if (planned.kind !== 'command') continue;
      const command = this.#schemas.register(planned.command, planned.schemas ?? []);
      if (command.kind === 'create-as' || command.kind === 'insert-as') plans.set(command.query.id, command.query.plan);
    }
    // What was dropped or terminated does not run, and what was replaced runs once.
    for (const id of plans.keys()) if (this.#session.catalog.query(id) === undefined) plans.delete(id);
    for (const plan of plans.values()) this.#run(plan);
  }

  #recordsOn(topic: string): WrittenRecord[] {
    const records = this.#written.get(topic) ?? [];
    this.#written.set(topic, records);
    return records;
  }

  #run(plan: PhysicalPlan): void {
    const { root } = plan;
    if (root.kind !== 'streamSink' && root.kind !== 'tableSink') throw new Error('a persistent query has a sink');
    this.#sinks.set(root.topic, root);
    const topology = compileTopology(plan, {
      functions: this.#functions,
      context: this.#context,
      scans: new ScanRegistry(),
      schemas: this.#schemas.writers,
    });
    for (const { topic } of topology.repartitions) this.#internal.push(topic);
    const driver = new TopologyTestDriver(topology, { applicationId: 'query' });
    const output = this.#recordsOn(root.topic);
    const pipe = (topic: string, record: WrittenRecord): void => {
      driver.pipe(topic, [record]);
      output.push(...driver.take(root.topic));
    };
    try {
      const sources = new Map(sourcesOf(plan).map((source) => [source.topic, source]));
      for (const input of this.#case.inputs) {
        const source = sources.get(input.topic);
        if (source !== undefined) pipe(input.topic, encodeRecord(input, this.#schemas.inputForms(input.topic, source)));
      }
      const fed = new Set(this.#case.inputs.map((input) => input.topic));
      for (const topic of sources.keys()) {
        if (fed.has(topic)) continue;
        for (const record of [...this.#recordsOn(topic)]) pipe(topic, record);
      }
    } finally {
      driver.close();
    }
  }

  difference(): string | undefined {
    const { outputs, post } = this.#case;
    const { catalog } = this.#session;
    for (const topic of new Set(outputs.map((output) => output.topic))) {
      const known = this.#sinks.get(topic) ?? catalog.sources().find((source) => source.topic === topic);
      const forms = known === undefined ? undefined : this.#schemas.outputForms(topic, this.#schemas.withIds(known));
      if (forms === undefined) return `nothing writes the topic ${topic}`;
      const expected = outputs.filter((output) => output.topic === topic);
      const actual = this.#recordsOn(topic).map((record) => decodeRecord(record, forms, this.#schemas.writers));
      const found = topicDifference(topic, expected, actual, forms);
      if (found !== undefined) return found;
    }
    return postDifference(post, this.#session, this.#internal, this.#schemas);
  }
}

/** The topics that are there before the first statement: those of the case, those that CREATE names, those of the
 *  inputs. */
const topicsBefore = ({ topics, statements, inputs }: Case): Topics => {
  const result: Topics = new Map();
  const add = (name: string, partitions = 4): void => {
    if (!result.has(name)) result.set(name, { partitions, configs: {} });
  };
  // Where a topic of the case has no number of partitions, it has that of the statement over it.
  for (const { name, partitions } of topics) if (partitions !== undefined) add(name, partitions);
  for (const statement of statements) {
    if (/\bAS\s+SELECT\b/i.test(statement)) continue;
    const topic = /\bKAFKA_TOPIC\s*=\s*'([^']*)'/i.exec(statement)?.[1];
    const partitions = /\bPARTITIONS\s*=\s*(\d+)/i.exec(statement)?.[1];
    if (topic !== undefined) add(topic, partitions === undefined ? 4 : Number(partitions));
  }
  for (const { name } of topics) add(name);
  for (const { topic } of inputs) add(topic);
  return result;
};
