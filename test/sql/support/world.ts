/** The SQL engine on a log of its own: what most tests of running queries need. */

import { ManualClock, Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import { Runtime, type RuntimeOptions } from '../../../engine/index.ts';
import { openSqlEngine, type Row, type SqlEngine, type SqlEngineOptions, type Value } from '../../../sql/index.ts';
import { consumeRecords, type Log, openMemoryLog } from '../../../storage/index.ts';

export interface World {
  readonly engine: SqlEngine;
  readonly runtime: Runtime;
  readonly log: Log;
  stop(): Promise<void>;
}

const opened: World[] = [];

/** For `afterEach`. */
export const closeWorlds = async (): Promise<void> => {
  for (const world of opened.splice(0).reverse()) await world.stop();
};

export interface WorldOptions {
  readonly log?: Log;
  readonly engine?: Partial<SqlEngineOptions>;
  readonly runtime?: Partial<RuntimeOptions>;
}

export const openWorld = async (options: WorldOptions = {}): Promise<World> => {
  const log = options.log ?? (await openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(7) }));
  const runtime = new Runtime({
    log,
    clock: systemClock,
    timers: systemClock,
    soon: setImmediate,
    random: new Random(1),
    ...options.runtime,
  });
  const engine = await openSqlEngine({
    log,
    runtime,
    clock: new ManualClock(1_000_000),
    timers: systemClock,
    random: new Random(2),
    ...options.engine,
  });
  let stopped: Promise<void> | undefined;
  const world: World = {
    engine,
    runtime,
    log,
    stop: () => (stopped ??= engine.close().then(() => runtime.close())),
  };
  opened.push(world);
  return world;
};

/** All rows of a query that ends. */
export const rowsOf = async (engine: SqlEngine, sql: string, properties = {}): Promise<Row[]> => {
  const handle = await engine.query(sql, { properties });
  const rows: Row[] = [];
  for await (const batch of handle.rows()) rows.push(...batch.map((row) => [...row] as Value[]));
  return rows;
};

const text = new TextDecoder();

/** The committed records of a topic as `key=value`, keys as text. */
export const topicOf = async (log: Log, topic: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key, value } of consumeRecords(log, topic, { untilEnd: true })) {
    found.push(`${key === null ? '-' : text.decode(key)}=${value === null ? '-' : text.decode(value)}`);
  }
  return found;
};
