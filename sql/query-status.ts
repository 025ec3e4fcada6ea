/** How persistent queries stand, in the words of the facade: the runtime's states and counters, and the faults of
 *  queries that never reached it. */

import type { QueryCounters, QueryFault, Runtime, QueryStatus as RuntimeStatus } from '../engine/index.ts';
import type { PersistentQuery } from './catalog.ts';
import type { QueryDrops, QueryStatus } from './facade.ts';
import type { QueryLifecycle } from './query-lifecycle.ts';

export const statusesOf = (
  queries: readonly PersistentQuery[],
  runtime: Runtime,
  lifecycle: QueryLifecycle,
): Promise<readonly QueryStatus[]> => {
  const running = new Map(runtime.queries().map((status) => [status.queryId, status]));
  return Promise.all(
    queries.map(async (query): Promise<QueryStatus> => {
      const status = running.get(query.id);
      const counters = status === undefined ? undefined : runtime.counters(query.id);
      // A topic that was deleted under the query has no end; the query's own error has it.
      const lag = status === undefined ? undefined : await runtime.lag(query.id).catch(() => undefined);
      const fault = lifecycle.faultOf(query.id);
      const error = errorOf(status, fault);
      const [hint] = error === undefined ? [] : hintsOf(error);
      return {
        id: query.id,
        statement: query.statement,
        state: stateOf(status, fault),
        lag: lag ?? null,
        recordsRead: counters?.recordsRead ?? 0,
        recordsWritten: counters?.recordsOut ?? 0,
        ...dropsOf(counters),
        replayed: counters?.replayed ?? 0,
        ...(error === undefined ? {} : { error: error.message }),
        ...(hint === undefined ? {} : { hint }),
      };
    }),
  );
};

/** Why a query is in its state, or waits there. */
export const errorOf = (
  status: Pick<RuntimeStatus, 'error' | 'waitsFor'> | undefined,
  fault: Error | undefined,
): QueryFault | Error | undefined => status?.error ?? fault ?? status?.waitsFor;

export const stateOf = (
  status: Pick<RuntimeStatus, 'state' | 'paused'> | undefined,
  fault: Error | undefined,
): QueryStatus['state'] => {
  // A query that the runtime does not know is about to start, or cannot be compiled.
  if (status === undefined) return fault === undefined ? 'RESTORING' : 'ERROR';
  if (status.state === 'starting') return 'RESTORING';
  if (status.state === 'running') return status.paused ? 'PAUSED' : 'RUNNING';
  return 'ERROR';
};

export const dropsOf = (counters: Pick<QueryCounters, 'drops' | 'lastDrop'> | undefined): QueryDrops => {
  const dropped = counters?.drops ?? {};
  const last = counters?.lastDrop;
  if (last === undefined) return { dropped };
  const { reason, detail, topic, partition, offset, timeMs } = last;
  const known = offset >= 0;
  const place = {
    topic: topic === '' ? null : topic,
    partition: known ? partition : null,
    offset: known ? offset : null,
  };
  return { dropped, lastDropped: { reason, detail, ...place, time: new Date(timeMs).toISOString() } };
};

export const hintsOf = (error: object): readonly string[] =>
  'hint' in error && typeof error.hint === 'string' ? [error.hint] : [];
