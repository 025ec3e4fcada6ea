/**
 * Sends the flights, and survives the server.
 *
 * Rows go up over one connection in order of arrival. At each of the planned moments the server is killed (SIGKILL)
 * while rows are unanswered; it is started again and asked what arrived (`id > last acknowledged`, a pull query on the
 * stream); only the rest is sent. A kill counts only if the restart report names a transaction that recovery had to
 * abort: one that found none is repeated a little later.
 */

import { get, Inserts, rows } from './client.ts';
import type { Flight, Flights } from './flights.ts';
import type { Server } from './server.ts';
import { number, Progress, say, seconds } from './terminal.ts';

const ROWS_PER_WRITE = 500;
const MAX_UNANSWERED = 20_000;

interface Recovery {
  readonly durationMs: number;
  readonly bytesTruncated: number;
  readonly abortedTransactions: readonly string[];
  readonly completedTransactions: readonly string[];
}

export interface LoadReport {
  readonly loadMs: number;
  readonly restartsMs: readonly number[];
  /** Rows that had arrived although their answer was lost with the killed server: they were not sent again. */
  readonly arrivedUnanswered: number;
  /** Planned kills that found no open transaction until all rows were sent. */
  readonly killsMissed: number;
}

const line = ({ id, ts, delay, distance, origin, destination }: Flight): string =>
  `{"ID":${id},"TS":${ts},"DELAY":${delay},"DISTANCE":${distance},"ORIGIN":"${origin}","DESTINATION":"${destination}"}\n`;

export const load = async (server: Server, flights: Flights, killAt: readonly number[]): Promise<LoadReport> => {
  const started = performance.now();
  const progress = new Progress('flights', flights.count);
  const restartsMs: number[] = [];
  const kills = [...killAt];
  let arrivedUnanswered = 0;
  /** Every row up to here is acknowledged or known to have arrived. */
  let acknowledged = 0;
  /** Rows beyond `acknowledged` that arrived without an answer. */
  let arrived = new Set<number>();

  while (acknowledged < flights.count) {
    const inserts = new Inserts(server.url, 'flights');
    const sent: number[] = [];
    const first = acknowledged;
    const note = (): void => {
      if (inserts.acknowledged > 0) acknowledged = sent[inserts.acknowledged - 1] as number;
      progress.show(acknowledged);
    };
    const mustKill = (): boolean => kills[0] !== undefined && acknowledged >= kills[0] && inserts.unanswered > 0;

    let next = first + 1;
    while (inserts.open && next <= flights.count && !mustKill()) {
      let lines = '';
      const before = sent.length;
      for (; next <= flights.count && sent.length - before < ROWS_PER_WRITE; next++) {
        if (arrived.has(next)) continue;
        lines += line(flights.at(next));
        sent.push(next);
      }
      await inserts.send(lines, sent.length - before, MAX_UNANSWERED);
      note();
    }

    if (mustKill()) {
      progress.end();
      const unanswered = inserts.unanswered;
      await server.kill();
      await inserts.lost;
      note();
      const restartMs = await server.start();
      restartsMs.push(restartMs);
      const recovery = await recoveryOf(server);
      arrived = await arrivedAfter(server, acknowledged);
      arrivedUnanswered += arrived.size;
      say(
        `  killed with ${number(unanswered)} rows unanswered; answering again after ${seconds(restartMs)} (recovery ${number(recovery.durationMs)} ms)`,
      );
      say(`  transactions aborted by recovery: ${recovery.abortedTransactions.join(', ') || 'none'}`);
      if (recovery.completedTransactions.length > 0)
        say(`  transactions completed by recovery: ${recovery.completedTransactions.join(', ')}`);
      say(`  arrived without an answer: ${number(arrived.size)} rows; sending only the rest`);
      if (recovery.abortedTransactions.length > 0) kills.shift();
      else {
        say('  no transaction was open at that moment: the kill is repeated');
        kills[0] = acknowledged + 25_000;
      }
      continue;
    }
    if (inserts.open) {
      await inserts.finish();
      note();
    }
    if (inserts.refusal !== undefined) throw new Error(`the server refused a row: ${inserts.refusal}`);
    if (inserts.unanswered > 0) throw new Error(`the connection ended with ${inserts.unanswered} rows unanswered`);
    acknowledged = flights.count;
  }
  progress.show(flights.count);
  progress.end();
  return { loadMs: performance.now() - started, restartsMs, arrivedUnanswered, killsMissed: kills.length };
};

const recoveryOf = async (server: Server): Promise<Recovery> =>
  ((await get(server.url, '/info')) as { readonly millrace: { readonly recovery: Recovery } }).millrace.recovery;

const arrivedAfter = async (server: Server, id: number): Promise<Set<number>> => {
  const found = new Set<number>();
  for await (const row of rows(server.url, `SELECT id FROM flights WHERE id > ${id};`)) found.add(row[0] as number);
  return found;
};
