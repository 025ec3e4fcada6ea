/**
 * `npm run soak -- --minutes N [--rows-per-second N] [--data DIRECTORY] [--json FILE]`
 *
 * Whether a server that is never stopped fits its machine: a built server in its default setup takes rows over HTTP, as
 * fast as it acknowledges them or at a given rate, for queries of every kind that keeps something (aggregates over
 * repartitions, windows, a join, 200 keys). Disk, open handles and resident memory are printed as a curve. At the end
 * it is killed under load and started again.
 *
 * It exits with 1 when one of these does not hold:
 * - disk at the end is at most three times what it was after a fifth of the time, and the last quarter is no more than
 *   a quarter above the one before;
 * - in the last quarter there are no more handles than the most before it and 16 more, and memory is at most 15 % above
 *   the quarter before;
 * - after SIGKILL a restart answers a pull query within a second: the best of three, each killed as soon as it has
 *   answered.
 */

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { firstRow, insertRows, post } from './http-load.ts';
import { BenchServer } from './server-process.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'rows-per-second': { type: 'string' },
    data: { type: 'string' },
    json: { type: 'string' },
  },
});

const KEYS = 200;
const RESTART_MS = 1000;
const RESTARTS = 3;

/** Streams keep a minute; tables are compacted, windows expire. */
const statements = `
  CREATE STREAM orders (id BIGINT KEY, customer VARCHAR, item VARCHAR, amount BIGINT)
    WITH (kafka_topic='orders', partitions=2, value_format='JSON', retention_ms=60000);
  CREATE STREAM profiles (customer VARCHAR KEY, city VARCHAR)
    WITH (kafka_topic='profiles', partitions=2, value_format='JSON', retention_ms=60000);
  CREATE TABLE customers AS SELECT customer, LATEST_BY_OFFSET(city) AS city FROM profiles GROUP BY customer;
  CREATE TABLE by_item AS SELECT item, COUNT(*) AS n, SUM(amount) AS total FROM orders GROUP BY item;
  CREATE TABLE by_window AS SELECT item, COUNT(*) AS n FROM orders
    WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 MINUTE, GRACE PERIOD 5 SECONDS) GROUP BY item;
  CREATE STREAM located WITH (retention_ms=60000) AS
    SELECT o.customer, o.item, o.amount, c.city FROM orders o JOIN customers c ON o.customer = c.customer;
  CREATE TABLE by_city AS SELECT city, SUM(amount) AS total FROM located GROUP BY city;`;

interface Sample {
  readonly seconds: number;
  readonly rows: number;
  readonly diskBytes: number;
  readonly handles: number;
  readonly residentMb: number;
}

const diskBytes = (directory: string): number => {
  let sum = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    try {
      sum += entry.isDirectory() ? diskBytes(path) : statSync(path).size;
    } catch {
      // Deleted since it was listed.
    }
  }
  return sum;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends orders until it is stopped; answers how many were acknowledged. */
class Load {
  readonly #server: BenchServer;
  readonly #rowsPerSecond: number | undefined;
  #stopped = false;
  rows = 0;
  ended: Promise<unknown>;

  constructor(server: BenchServer, rowsPerSecond: number | undefined) {
    this.#server = server;
    this.#rowsPerSecond = rowsPerSecond;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    const perRequest = Math.min(20_000, this.#rowsPerSecond ?? 20_000);
    const started = performance.now();
    while (!this.#stopped) {
      const from = this.rows;
      await insertRows(this.#server.url, 'orders', perRequest, (i) => {
        const id = from + i;
        const key = (id * 7919) % KEYS;
        return `{"ID":${id},"CUSTOMER":"customer ${key}","ITEM":"item ${(id * 31) % KEYS}","AMOUNT":${id % 100}}`;
      });
      this.rows += perRequest;
      await insertRows(this.#server.url, 'profiles', 20, (i) => {
        const key = (this.rows / perRequest + i * 11) % KEYS;
        return `{"CUSTOMER":"customer ${Math.floor(key)}","CITY":"city ${i}"}`;
      });
      if (this.#rowsPerSecond === undefined) continue;
      const dueMs = (this.rows / this.#rowsPerSecond) * 1000;
      await pause(Math.max(0, dueMs - (performance.now() - started)));
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

const mean = (samples: readonly Sample[], of: (sample: Sample) => number): number =>
  samples.reduce((sum, sample) => sum + of(sample), 0) / Math.max(1, samples.length);

/** What does not hold, as sentences. */
const faultsOf = (samples: readonly Sample[], restartMs: number): string[] => {
  const faults: string[] = [];
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const last = samples.slice(-quarter);
  const before = samples.slice(-2 * quarter, -quarter);
  const early = samples[Math.floor(samples.length / 5)];
  const end = samples.at(-1);
  if (early === undefined || end === undefined || before.length === 0) return ['there are too few samples'];
  const fault = (holds: boolean, sentence: string): void => {
    if (!holds) faults.push(sentence);
  };
  const times = (a: number, b: number): string => (a / b).toFixed(2);
  const disk = ({ diskBytes }: Sample): number => diskBytes;
  const memory = ({ residentMb }: Sample): number => residentMb;
  fault(
    end.diskBytes <= 3 * early.diskBytes,
    `disk at the end is ${times(end.diskBytes, early.diskBytes)} times that after a fifth of the time`,
  );
  fault(
    mean(last, disk) <= 1.25 * mean(before, disk),
    `disk still grows: the last quarter is ${times(mean(last, disk), mean(before, disk))} times the one before`,
  );
  fault(
    mean(last, memory) <= 1.15 * mean(before, memory),
    `memory still grows: the last quarter is ${times(mean(last, memory), mean(before, memory))} times the one before`,
  );
  const most = Math.max(...samples.slice(0, -quarter).map(({ handles }) => handles));
  const mostLast = Math.max(...last.map(({ handles }) => handles));
  fault(mostLast <= most + 16, `open handles still grow: ${mostLast}, before ${most}`);
  fault(restartMs <= RESTART_MS, `the restart answered after ${Math.round(restartMs)} ms`);
  return faults;
};

const line = ({ seconds, rows, diskBytes, handles, residentMb }: Sample): string =>
  [
    `${seconds.toFixed(0)} s`.padStart(6),
    `${rows} rows`.padStart(15),
    `disk ${(diskBytes / 1e6).toFixed(0)} MB`.padStart(14),
    '#'.repeat(Math.min(60, Math.round(diskBytes / 25e6))).padEnd(30),
    `${handles} handles`.padStart(12),
    `${residentMb.toFixed(0)} MB resident`.padStart(16),
  ].join('  ');

const run = async (data: string): Promise<number> => {
  const seconds = Number(values.minutes) * 60;
  const server = new BenchServer(data);
  const samples: Sample[] = [];
  try {
    await server.start();
    await post(server.url, '/ksql', { ksql: statements, streamsProperties: { 'auto.offset.reset': 'earliest' } });
    const rate = values['rows-per-second'];
    const load = new Load(server, rate === undefined ? undefined : Number(rate));
    load.ended.catch(() => undefined);
    const started = performance.now();
    const stepMs = Math.max(1000, (seconds * 1000) / 60);
    for (let at = stepMs; at <= seconds * 1000; at += stepMs) {
      await Promise.race([pause(started + at - performance.now()), load.ended]);
      const sample: Sample = {
        seconds: at / 1000,
        rows: load.rows,
        diskBytes: diskBytes(data),
        handles: server.openHandles(),
        residentMb: server.residentMegabytes(),
      };
      samples.push(sample);
      process.stdout.write(`${line(sample)}\n`);
    }
    await server.stop('SIGKILL');
    load.stop();
    await load.ended.catch(() => undefined);
    let restartMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RESTARTS; i++) {
      const elapsedMs = await server.start(
        async (url) => (await firstRow(url, `SELECT n FROM by_item WHERE item = 'item 31';`)) !== undefined,
      );
      const cpuMs = Math.round(server.processorMs());
      process.stdout.write(
        `killed; the restart answered after ${Math.round(elapsedMs)} ms, ${cpuMs} ms of processor\n`,
      );
      restartMs = Math.min(restartMs, elapsedMs);
      await server.stop('SIGKILL');
    }
    const faults = faultsOf(samples, restartMs);
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ samples, restartMs, faults }));
    for (const fault of faults) process.stdout.write(`FAULT: ${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await server.stop('SIGKILL');
  }
};

const own = values.data === undefined;
const data = values.data ?? mkdtempSync(join(tmpdir(), 'millrace-soak-'));
try {
  process.exitCode = await run(data);
} finally {
  if (own) rmSync(data, { recursive: true, force: true });
}
