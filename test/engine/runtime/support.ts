/** What the runtime's tests share: a runtime over a log of any kind, and topics written and read as text. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, Random, type Timers } from '../../../base/index.ts';
import { nodeFiles, systemClock } from '../../../base/node/index.ts';
import { Runtime, type RuntimeOptions, type ToHost, type Topology, type WorkerOptions } from '../../../engine/index.ts';
import { TaskHost } from '../../../engine/runtime/task-host.ts';
import type { LoadedTopology, TopologyModule } from '../../../engine/runtime/topology-module.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { KvError, type OrderedKv } from '../../../engine/stores/ordered-kv.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import {
  chunksOrThrow,
  decodeBatch,
  encodeBatch,
  type Log,
  openDelayedLog,
  openMemoryLog,
  RecordColumns,
} from '../../../storage/index.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const text = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Shards in memory that outlive a runtime. */
export class Shards {
  readonly kvs = new Map<number, MemoryKv>();
  /** Whether a write is to fail. It leaves a torn record, behind which nothing survives the next opening. */
  failing: () => boolean = () => false;
  failures = 0;
  readonly #torn = new Set<MemoryKv>();

  open = async (shard: number): Promise<OrderedKv> => {
    let kv = this.kvs.get(shard);
    if (kv === undefined) kv = this.#kv();
    else if (this.#torn.has(kv)) kv = this.#kv(kv, () => true);
    this.kvs.set(shard, kv);
    return keptOpen(kv);
  };

  /** As after a crash: unsynced writes are there or not. */
  crash(random: Random): void {
    for (const [shard, kv] of this.kvs) {
      this.kvs.set(
        shard,
        this.#kv(kv, () => random.chance(0.5)),
      );
    }
  }

  /** A new one, or what is left of a former one. */
  #kv(former?: MemoryKv, survives: () => boolean = () => true): MemoryKv {
    let writes = 0;
    const options = {
      beforeWrite: async () => {
        // Asked twice for each write: before it takes effect, and before it answers.
        if (writes++ % 2 === 1 || !this.failing()) return;
        writes++;
        this.failures++;
        this.#torn.add(kv);
        throw new KvError('full', 'no space left');
      },
    };
    const kv: MemoryKv = former === undefined ? new MemoryKv(options) : former.crash(survives, options);
    return kv;
  }
}

/** Closing a shard at the end of a runtime must not lose it for the next one. */
const keptOpen = (kv: MemoryKv): OrderedKv => ({
  scratch: kv.scratch,
  getSync: (key) => kv.getSync(key),
  batch: () => kv.batch(),
  iterate: (range) => kv.iterate(range),
  clear: (range, options) => kv.clear(range, options),
  hasRoom: () => kv.hasRoom(),
  condemn: () => kv.condemn(),
  close: async () => {},
});

export const soon = (run: () => void): void => {
  setImmediate(run);
};

/** "Threads" on this thread: hosts whose messages take their time, in order in each direction, and that die now and
 *  then. */
export const slowHosts = (options: {
  readonly count: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly soon: (run: () => void) => void;
  readonly openShard: (shard: number) => Promise<OrderedKv>;
  readonly build: (plan: unknown) => Topology | Promise<Topology>;
  /** Loads the topologies of applications with threads of their own. */
  readonly load?: (module: TopologyModule) => Promise<LoadedTopology>;
  /** Probability of a host's end with each message to it. */
  readonly deaths: number | ((thread: number) => number);
}): WorkerOptions => {
  const { count, timers, random, deaths } = options;
  const slow = <M>(deliver: (message: M) => void): ((message: M) => void) => {
    const line: M[] = [];
    const next = (): void => {
      timers.after(random.float() * 5, () => {
        deliver(line.shift() as M);
        if (line.length > 0) next();
      });
    };
    return (message) => {
      line.push(message);
      if (line.length === 1) next();
    };
  };
  return {
    count,
    spawn(thread, settings, receive, died) {
      // What is dead hears of no timer, and nothing of what it writes arrives any more.
      let alive = true;
      const onlyAlive = (run: () => void) => () => {
        if (alive) run();
      };
      const up = slow(receive);
      const host = new TaskHost({
        ...options,
        ...settings,
        timers: { after: (ms, run) => timers.after(ms, onlyAlive(run)) },
        soon: (run) => options.soon(onlyAlive(run)),
        openShard: async (shard) => mortal(await options.openShard(shard), () => alive),
        post: (message) => {
          if (alive) up(message);
        },
      });
      const post = slow((message: ToHost) => {
        if (!alive) return;
        if (random.chance(typeof deaths === 'number' ? deaths : deaths(thread))) {
          alive = false;
          died(new Error('the host died'));
        } else host.receive(message);
      });
      return {
        post,
        async terminate() {
          alive = false;
        },
      };
    },
  };
};

const mortal = (kv: OrderedKv, alive: () => boolean): OrderedKv => ({
  scratch: kv.scratch,
  getSync: (key) => kv.getSync(key),
  batch() {
    const batch = kv.batch();
    return {
      get length() {
        return batch.length;
      },
      put: (key, value) => batch.put(key, value),
      delete: (key) => batch.delete(key),
      write: (how) => (alive() ? batch.write(how) : new Promise<void>(() => {})),
    };
  },
  iterate: (range) => kv.iterate(range),
  clear: (range, how) => (alive() ? kv.clear(range, how) : new Promise<void>(() => {})),
  hasRoom: () => kv.hasRoom(),
  condemn: (why) => kv.condemn(why),
  close: async () => {},
});

export const newRuntime = (log: Log, options: Partial<RuntimeOptions> = {}): Runtime =>
  new Runtime({
    log,
    clock: systemClock,
    timers: systemClock,
    random: new Random(1),
    soon,
    ...options,
  });

export const logKinds = ['memory', 'delayed', 'file'] as const;

export const openLog = async (kind: (typeof logKinds)[number]): Promise<Log> => {
  const time = { clock: systemClock, timers: systemClock };
  switch (kind) {
    case 'memory':
      return openMemoryLog(time);
    case 'delayed':
      return openDelayedLog({ ...time, seed: 7, maxDelayMs: 1 });
    case 'file':
      return openTemporaryFileLog();
  }
};

/** A file log in a directory of its own, which goes when the log is closed. */
const openTemporaryFileLog = async (): Promise<Log> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-runtime-'));
  const log = await openFileLog({
    directory,
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random: new Random(1),
  });
  const close = log.close.bind(log);
  log.close = async () => {
    await close();
    rmSync(directory, { recursive: true, force: true });
  };
  return log;
};

/** Row of a topic in tests: `key=value@timestamp`; a missing key or value is `-`. */
export interface Row {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp?: number;
}

/** Appends rows as one batch; durable when it answers. */
export const produce = async (log: Log, topic: string, partition: number, rows: readonly Row[]): Promise<void> => {
  const producer = await log.producer();
  const batch = encodeBatch(
    rows.map(({ key, value, timestamp = 0 }) => ({
      key: key === null ? null : utf8(key),
      value: value === null ? null : utf8(value),
      timestamp,
    })),
  );
  await producer.append({ topic, partition }, batch, 'append');
  await producer.close();
};

/** All committed rows of a topic, partition after partition. */
export const consume = async (log: Log, topic: string): Promise<readonly (Row & { readonly partition: number })[]> => {
  const description = await log.describeTopic(topic);
  const rows: (Row & { readonly partition: number })[] = [];
  const reader = log.reader();
  for (let partition = 0; partition < (description?.partitions ?? 0); partition++) {
    const { start, stable } = await log.offsets({ topic, partition });
    let offset = start;
    while (offset < stable) {
      const request = { topic, partition, offset, isolation: { kind: 'committed' } } as const;
      const fetched = await reader.fetch([request], { maxBytesPerPartition: 1 << 20, maxWaitMs: 0 });
      for (const chunk of chunksOrThrow(fetched)) {
        const columns = new RecordColumns();
        columns.reset(chunk.bytes);
        for (const at of chunk.batches) decodeBatch(chunk.bytes, at, columns, offset);
        for (let i = 0; i < columns.count; i++) {
          const { key, value, timestamp } = columns.record(i);
          rows.push({
            partition,
            key: key === null ? null : text(key),
            value: value === null ? null : text(value),
            timestamp,
          });
        }
        offset = chunk.nextOffset;
        chunk.release();
      }
    }
  }
  reader.close();
  return rows;
};

/** The last value of each key, as a table would show it. */
export const lastOf = (rows: readonly Row[]): Record<string, string> => {
  const last = new Map<string, string>();
  for (const { key, value } of rows) {
    if (value === null) last.delete(key ?? '-');
    else last.set(key ?? '-', value);
  }
  return Object.fromEntries(last);
};
