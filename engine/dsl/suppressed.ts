/**
 * How `KTable.suppress` holds changes back: until when, and how many.
 *
 *   table.suppress(Suppressed.untilTimeLimit(60_000, BufferConfig.maxRecords(10_000)))
 *   windowed.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
 */

import { UserError } from '../../base/index.ts';
import type { BufferLimit } from '../operators/suppress.ts';
import { requireOne } from './given.ts';
import type { Windowed } from './windowed.ts';

type WhenFull = BufferLimit['whenFull'];

/** How much is held back at most, and what happens beyond: results go early, the oldest first, or the query ends with
 *  `SUPPRESS_BUFFER_FULL`. */
export class BufferConfig<F extends WhenFull = WhenFull> {
  readonly whenFull: F;
  readonly maxRecords: number | undefined;
  /** Of keys and rows as they are kept. */
  readonly maxBytes: number | undefined;

  private constructor(whenFull: F, maxRecords: number | undefined, maxBytes: number | undefined) {
    this.whenFull = whenFull;
    this.maxRecords = maxRecords;
    this.maxBytes = maxBytes;
  }

  static unbounded(): BufferConfig<'shut down'> {
    return new BufferConfig('shut down', undefined, undefined);
  }

  static maxRecords(records: number): BufferConfig<'emit early'> {
    return new BufferConfig('emit early', limitOf('records', records), undefined);
  }

  static maxBytes(bytes: number): BufferConfig<'emit early'> {
    return new BufferConfig('emit early', undefined, limitOf('bytes', bytes));
  }

  withMaxRecords(records: number): BufferConfig<F> {
    return new BufferConfig(this.whenFull, limitOf('records', records), this.maxBytes);
  }

  withMaxBytes(bytes: number): BufferConfig<F> {
    return new BufferConfig(this.whenFull, this.maxRecords, limitOf('bytes', bytes));
  }

  /** Takes its limits away. */
  withNoBound(): BufferConfig<'shut down'> {
    return BufferConfig.unbounded();
  }

  emitEarlyWhenFull(): BufferConfig<'emit early'> {
    return new BufferConfig('emit early', this.maxRecords, this.maxBytes);
  }

  shutDownWhenFull(): BufferConfig<'shut down'> {
    return new BufferConfig('shut down', this.maxRecords, this.maxBytes);
  }
}

const limitOf = (what: string, limit: number): number => {
  if (Number.isInteger(limit) && limit >= 0) return limit;
  throw new UserError('DSL_SUPPRESS_INVALID', `a buffer cannot hold at most ${limit} ${what}`);
};

/** `K`: the keys of the tables that it can be used for. */
export class Suppressed<K> {
  readonly until: 'time limit' | 'window closes';
  /** Of a time limit. */
  readonly waitMs: number;
  readonly buffer: BufferConfig;
  readonly name: string | undefined;
  /** Not set: it makes `Suppressed` of windowed keys unfit for other ones. */
  readonly takes?: (key: K) => void;

  private constructor(
    until: 'time limit' | 'window closes',
    waitMs: number,
    buffer: BufferConfig,
    name: string | undefined,
  ) {
    this.until = until;
    this.waitMs = waitMs;
    this.buffer = buffer;
    this.name = name;
  }

  /** The last change of each key goes `waitMs` after its first one that was held back, by stream time; 0 holds nothing
   *  back. */
  static untilTimeLimit(waitMs: number, buffer: BufferConfig): Suppressed<unknown> {
    requireOne('untilTimeLimit', 'what BufferConfig makes', buffer, BufferConfig);
    if (!(waitMs >= 0)) throw new UserError('DSL_SUPPRESS_INVALID', `changes cannot be held back for ${waitMs} ms`);
    return new Suppressed('time limit', waitMs, buffer, undefined);
  }

  /** One result for each window: the last one, when the window and its grace are over. A buffer with a limit has to end
   *  the query when it is full: what goes early is not final. */
  static untilWindowCloses(buffer: BufferConfig<'shut down'>): Suppressed<Windowed<unknown>> {
    requireOne('untilWindowCloses', 'what BufferConfig makes', buffer, BufferConfig);
    // Types forbid it.
    const { whenFull }: BufferConfig = buffer;
    if (whenFull !== 'shut down')
      throw new UserError('DSL_SUPPRESS_INVALID', 'results that go early when a buffer is full are not final', {
        hint: 'Say what a full buffer does instead: shutDownWhenFull().',
      });
    return new Suppressed('window closes', 0, buffer, undefined);
  }

  /** Names the node, and its stores: `<name>-store` and `<name>-store-by-time`. */
  withName(name: string): Suppressed<K> {
    return new Suppressed(this.until, this.waitMs, this.buffer, name);
  }
}
