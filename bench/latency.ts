/**
 * Claim: at 10,000 records a second, 99 of 100 rows reach the client of a push query within 20 ms of their insert.
 *
 * Rows carry the time at which they were sent. They go through a derived stream and, beside it, a table of counts (both
 * exactly once, so a row is seen only when it is committed on the disk), and come back as rows of a push query over
 * each. Sender and receiver are one process and one clock. Two ways: over HTTP, to a built server, by one insert stream
 * and two push queries; and embedded, by calls of `insert` and `subscribe`. What is printed beside the figure: the
 * median, the 99th percentile and the longest of each way and query; the figure is the worst 99th percentile.
 */

import { request } from 'node:http';
import { open } from '../millrace.ts';
import type { Claim } from './claim.ts';
import { post } from './http-load.ts';
import { BenchServer } from './server-process.ts';
import { withDataDirectory } from './sql-path.ts';

const rowsPerSecond = 10_000;
const warmUpSeconds = 2;
const measuredSeconds = 4;
const tickMs = 5;

const statements = `
  CREATE STREAM events (id BIGINT KEY, kind VARCHAR, sent DOUBLE)
    WITH (kafka_topic='events', partitions=1, value_format='JSON');
  CREATE STREAM chosen AS SELECT id, kind, sent FROM events WHERE kind <> 'other';
  CREATE TABLE counted AS SELECT id, COUNT(*) AS n, MAX(sent) AS sent FROM events GROUP BY id;`;
const follow = { stream: 'SELECT sent FROM chosen EMIT CHANGES;', table: 'SELECT sent FROM counted EMIT CHANGES;' };

type Followed = keyof typeof follow;

/** Milliseconds from sending to arrival of the rows sent after the warm-up. */
class Arrivals {
  readonly #from: number;
  readonly #millis: number[] = [];

  constructor(from: number) {
    this.#from = from;
  }

  add(sent: number): void {
    if (sent >= this.#from) this.#millis.push(performance.now() - sent);
  }

  get count(): number {
    return this.#millis.length;
  }

  /** The 99th percentile; the others are printed. */
  report(name: string): number {
    const sorted = this.#millis.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
    const [p50, p99, max] = [at(0.5), at(0.99), at(1)].map((ms) => `${ms.toFixed(1)} ms`);
    process.stderr.write(`  ${name}: p50 ${p50}, p99 ${p99}, max ${max} (${sorted.length} rows)\n`);
    return at(0.99);
  }
}

/** Sends what is due every few milliseconds, on time whatever the answers; resolves when the time is over. */
const sendAtRate = (send: (from: number, count: number, sent: number) => void): Promise<void> =>
  new Promise((resolve) => {
    const started = performance.now();
    const all = rowsPerSecond * (warmUpSeconds + measuredSeconds);
    let next = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      const due = Math.min(all, Math.floor(((now - started) / 1000) * rowsPerSecond));
      if (due > next) send(next, due - next, now);
      next = due;
      if (next < all) return;
      clearInterval(timer);
      resolve();
    }, tickMs);
  });

const arrived = async (arrivals: readonly Arrivals[], count: () => number): Promise<void> => {
  const until = performance.now() + 10_000;
  while (arrivals.some((one) => one.count < count()) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

interface Way {
  follow(query: string, arrived: (sent: number) => void): Promise<void>;
  send(from: number, count: number, sent: number): void;
}

/** A key of its own for each row of some seconds: the table shows each of them. */
const keys = 100_000;

const measure = async (name: string, way: Way): Promise<number> => {
  const from = performance.now() + warmUpSeconds * 1000 + 500;
  const arrivals = { stream: new Arrivals(from), table: new Arrivals(from) };
  const names = Object.keys(follow) as Followed[];
  for (const one of names) await way.follow(follow[one], (sent) => arrivals[one].add(sent));
  await new Promise((resolve) => setTimeout(resolve, 500));
  let measured = 0;
  await sendAtRate((first, count, sent) => {
    if (sent >= from) measured += count;
    way.send(first, count, sent);
  });
  await arrived(Object.values(arrivals), () => measured);
  for (const one of names) {
    if (arrivals[one].count < measured) throw new Error(`${arrivals[one].count} of ${measured} rows arrived (${one})`);
  }
  return Math.max(...names.map((one) => arrivals[one].report(`${name}, ${one}`)));
};

const embedded = (): Promise<number> =>
  withDataDirectory(async (data) => {
    const millrace = await open({ data });
    await millrace.sql(statements);
    const inserts: Promise<unknown>[] = [];
    const value = await measure('embedded', {
      async follow(query, take) {
        const rows = millrace.subscribe(query);
        void (async () => {
          for await (const row of rows) take(Number(row['SENT']));
        })();
        await new Promise((resolve) => setTimeout(resolve, 100));
      },
      send(from, count, sent) {
        const rows = Array.from({ length: count }, (_, i) => ({ id: (from + i) % keys, kind: 'some', sent }));
        inserts.push(millrace.insert('events', rows));
      },
    });
    await Promise.all(inserts);
    await millrace.close();
    return value;
  });

const overHttp = (): Promise<number> =>
  withDataDirectory(async (data) => {
    const server = new BenchServer(data);
    try {
      await server.start();
      await post(server.url, '/ksql', { ksql: statements });
      const inserts = request(`${server.url}/inserts-stream`, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.ksqlapi.delimited.v1' },
      });
      inserts.on('response', (response) => response.resume()).on('error', () => {});
      inserts.write('{"target":"events"}\n');
      return await measure('HTTP', {
        follow: (query, take) => followOverHttp(server.url, query, take),
        send(from, count, sent) {
          let lines = '';
          for (let i = from; i < from + count; i++) lines += `{"ID":${i % keys},"KIND":"some","SENT":${sent}}\n`;
          inserts.write(lines);
        },
      });
    } finally {
      await server.stop('SIGKILL');
    }
  });

/** Answers when the query has started. */
const followOverHttp = (url: string, sql: string, take: (sent: number) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(
      `${url}/query-stream`,
      { method: 'POST', headers: { 'content-type': 'application/json' } },
      (response) => {
        let rest = '';
        response.setEncoding('utf8');
        response.on('error', () => {});
        response.on('data', (part: string) => {
          const lines = (rest + part).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (line.startsWith('[')) take((JSON.parse(line) as number[])[0] ?? Number.NaN);
            else if (line.includes('"queryId"')) resolve();
            else if (line !== '') reject(new Error(line));
          }
        });
      },
    );
    asked.on('error', reject);
    asked.end(JSON.stringify({ sql }));
  });

export const latency: Claim = {
  name: 'latency',
  about: '10,000 records/s: insert to pushed row, exactly once, over HTTP and embedded; worst 99th percentile',
  unit: 'ms',
  asked: { atMost: 20 },
  cores: 2,
  variants: false,
  async run({ rounds }) {
    const measured = [];
    for (let round = 0; round < rounds; round++) measured.push({ value: Math.max(await overHttp(), await embedded()) });
    return measured;
  },
};
