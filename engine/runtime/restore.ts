/**
 * Restore: a store is brought to the end of its changelog before its task steps.
 *
 * The store has the changelog offset up to which its checkpoint holds everything; from there the changelog is read,
 * committed records only, and applied. Entries are absolute, so it does no harm that some are applied twice. Laws:
 *
 * - The end is read once, after the query's producer was opened (which ended what its former run had left open),
 *   and the reading stops when the *position* has reached it, not when a record has: a changelog may end in any number
 *   of control records.
 * - A range is closed by `commit(next offset)` only behind records that were applied. What is interrupted simply
 *   starts again from the checkpoint.
 * - What the restored store holds has to look as the topology reads it (`store-schema.ts`).
 * - A damaged key-value store, or a checkpoint from before deletions that compaction has dropped, rebuilds that store
 *   alone, from the changelog's start. A checkpoint outside of its changelog is an error: what the changelog has lost
 *   would be missing from the rebuilt store.
 */

import { chunksOrThrow, decodeChunk, type Log, type PartitionOffsets, RecordColumns } from '../../storage/index.ts';
import { KvError } from '../stores/ordered-kv.ts';
import type { StateStore } from '../stores/state-store.ts';
import { checkpointMismatch, contradictionError } from './contradictions.ts';
import type { RestoreProgress } from './protocol.ts';
import { checkStoreSchema } from './store-schema.ts';

/** Changelog records of one store that no checkpoint holds, at which a run waits for the checkpoint under way before it
 *  makes more. A checkpoint is due well before. */
export const mostReplayed = 700_000;

export interface RestoreSource {
  readonly queryId: string;
  readonly log: Pick<Log, 'reader' | 'offsets' | 'deletionsKeptFrom'>;
  readonly topic: string;
  readonly partition: number;
  readonly store: StateStore;
  /** The changelog reaches at least up to here: what was committed just before may not be readable on this thread
   *  yet. */
  readonly leastEnd: number;
  /** Lets the event loop have its share between chunks. */
  readonly breathe: () => Promise<void>;
  /** Called when the store has to be rebuilt, with the reason. */
  readonly rebuilt: (why: string) => void;
  readonly progress: (progress: Progress) => void;
  /** True ends the restore early: the task was removed. */
  readonly ended: () => boolean;
}

type Progress = Pick<RestoreProgress, 'phase' | 'from' | 'position' | 'end' | 'restored' | 'remaining'>;

export interface Restored {
  /** Where the replay began. */
  readonly from: number;
  readonly records: number;
  /** Fulfilled when the checkpoint is proven to be whole; rejects with a `KvError` of kind `corrupt` when it is not. */
  readonly verified: Promise<void>;
}

/** Opens the store and replays what it lacks. Its checkpoint, as it was when it was opened, is verified aside
 *  afterwards. */
export const restoreStore = async (source: RestoreSource): Promise<Restored> => {
  const { store } = source;
  let position: number | undefined;
  try {
    const opened = await store.open();
    ({ position } = opened);
    if (opened.discarded !== undefined) source.rebuilt(opened.discarded);
  } catch (error) {
    if (!isDamage(error)) throw error;
    await rebuild(source, whyRebuilt(error.message));
  }
  try {
    const restored = await replay(source, position);
    // Not before: reads can be answered from now on, and both would share a core.
    return { ...restored, verified: store.verify() };
  } catch (error) {
    if (!isDamage(error)) throw error;
    await rebuild(source, whyRebuilt(error.message));
    return { ...(await replay(source, undefined)), verified: Promise.resolve() };
  }
};

const isDamage = (error: unknown): error is KvError => error instanceof KvError && error.kind === 'corrupt';

const rebuild = async ({ store, rebuilt }: RestoreSource, why: string): Promise<void> => {
  rebuilt(why);
  await store.clear();
};

export const whyRebuilt = (damage: string): string => `its checkpoint is damaged: ${damage}`;

const replay = async (source: RestoreSource, checkpoint: number | undefined): Promise<Omit<Restored, 'verified'>> => {
  const replayed = await replayChangelog(source, checkpoint);
  if (!source.ended()) checkStoreSchema(source.queryId, source.store);
  return replayed;
};

const replayChangelog = async (
  source: RestoreSource,
  checkpoint: number | undefined,
): Promise<Omit<Restored, 'verified'>> => {
  let replayed = await readChangelog(source, checkpoint);
  while (replayed === 'deletions dropped') replayed = await readChangelog(source, undefined);
  return replayed;
};

/** Reads the changelog to its end, from the checkpoint on if no deletion behind that is gone. Deletions that are
 *  dropped meanwhile may have been missed: the store is empty then. */
const readChangelog = async (
  source: RestoreSource,
  checkpoint: number | undefined,
): Promise<Omit<Restored, 'verified'> | 'deletions dropped'> => {
  const { log, topic, partition, store } = source;
  const { start, stable, end } = await offsetsBehind(source);
  let from = checkpoint ?? start;
  const mismatch = checkpointMismatch({ topic, partition }, store.name, checkpoint, { start, end });
  if (mismatch !== undefined) throw contradictionError(source.queryId, [mismatch]);
  const keptFrom = await log.deletionsKeptFrom({ topic, partition });
  if (from < keptFrom && checkpoint !== undefined) {
    await rebuild(source, `its checkpoint is at ${from}, but deletions below ${keptFrom} are compacted away`);
    from = start;
  }
  let records = 0;
  let at = from;
  const hasMissedDeletions = async (): Promise<boolean> => {
    if (source.ended()) return false;
    const keptNow = await log.deletionsKeptFrom({ topic, partition });
    if (keptNow <= Math.max(from, keptFrom) || source.ended()) return false;
    await rebuild(source, `deletions below ${keptNow} were compacted away while its changelog was read`);
    return true;
  };
  const report = (phase: RestoreProgress['phase']): void =>
    source.progress({
      phase,
      from,
      position: at,
      end: Math.max(at, stable),
      restored: records,
      remaining: Math.max(0, stable - at),
    });
  report('start');
  if (at >= stable) {
    report('end');
    return { from, records };
  }
  const reader = log.reader();
  const columns = new RecordColumns();
  let writing: Promise<void> | undefined;
  try {
    while (at < stable && !source.ended()) {
      const request = { topic, partition, offset: at, isolation: { kind: 'committed' } } as const;
      const fetched = await reader.fetch([request], { maxBytesPerPartition: 1024 * 1024, maxWaitMs: 100 });
      for (const chunk of chunksOrThrow(fetched)) {
        if (source.ended()) {
          // The store may be closed by now.
          chunk.release();
          continue;
        }
        const unreadable = decodeChunk(chunk, columns, at);
        if (unreadable !== undefined) throw unreadable;
        apply(store, columns);
        records += columns.count;
        at = chunk.nextOffset;
        chunk.release();
        if (columns.count > 0) store.commit(at);
        // A long replay keeps to the memory limit: what a checkpoint holds may leave memory. The last range, which is
        // all of a replay after an ordinary crash, leaves that to the running query: answers come sooner.
        if (stable - at > mostReplayed && store.checkpointDue(0)) {
          // A checkpoint that lacks a deletion would outlive this restore.
          if (await hasMissedDeletions()) return 'deletions dropped';
          if (!source.ended()) writing = store.checkpoint();
        }
        writing?.catch(() => undefined);
        if (store.stats.dueRecords > mostReplayed) await writing;
      }
      report('batch');
      await source.breathe();
    }
  } finally {
    reader.close();
  }
  if (await hasMissedDeletions()) return 'deletions dropped';
  if (!source.ended()) report('end');
  return { from, records };
};

/** The offsets of the changelog, when it can be read up to `leastEnd`. */
const offsetsBehind = async ({
  log,
  topic,
  partition,
  leastEnd,
  breathe,
  ended,
}: RestoreSource): Promise<PartitionOffsets> => {
  for (;;) {
    const offsets = await log.offsets({ topic, partition });
    if (offsets.stable >= leastEnd || ended()) return offsets;
    await breathe();
  }
};

const apply = (store: StateStore, columns: RecordColumns): void => {
  const { bytes, count, keyStart, keyEnd, valueStart, valueEnd } = columns;
  for (let row = 0; row < count; row++) {
    const start = keyStart[row] as number;
    if (start < 0) continue;
    store.applyChangelog(
      bytes,
      start,
      keyEnd[row] as number,
      bytes,
      valueStart[row] as number,
      valueEnd[row] as number,
    );
  }
};
