/**
 * What Millrace needs of an ordered key-value store: LevelDB in production (`level-store.ts`), a model with
 * LevelDB's sync semantics in tests (`memory-kv.ts`). One of them is a *shard*; many stores share it, each below a
 * prefix of its own.
 *
 * Keys order by unsigned bytes. Bytes handed in are copied before the call returns, so callers reuse their buffers;
 * bytes handed out belong to the caller. One thread owns a shard.
 */

/**
 * Why the key-value store failed.
 * - `corrupt`: what it holds is damaged. The store that found it is cleared and rebuilt from its changelog.
 * - `full`: no space, or no more open files; trying again later may help.
 * - `locked`: another process has the directory.
 * - `failed`: anything else.
 */
export type KvErrorKind = 'corrupt' | 'full' | 'locked' | 'failed';

export class KvError extends Error {
  readonly kind: KvErrorKind;

  constructor(kind: KvErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'KvError';
    this.kind = kind;
  }
}

/** Writes that happen together. Used once. */
export interface KvBatch {
  readonly length: number;
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** All or nothing, also over a crash. `sync`: on the disk when it answers; without it a crash may undo the batch. */
  write(options: { readonly sync: boolean }): Promise<void>;
}

/** `[from, to)` by unsigned bytes. */
export type KvRange = { readonly from: Uint8Array; readonly to: Uint8Array };

/** Sees the store as it was when it was made. */
export interface KvIterator {
  /** The next entries, about `count` of them; none means that the end is reached. */
  next(count: number): Promise<readonly (readonly [Uint8Array, Uint8Array])[]>;
  close(): Promise<void>;
}

export const scratchBlockBytes = 1 << 16;

/** Blocks of `scratchBlockBytes` on the disk, for what need not outlive the process. Calls throw where the disk
 *  fails. */
export interface ScratchBlocks {
  /** The number of a block that nobody uses, of arbitrary content. */
  allocate(): number;
  release(block: number): void;
  /** Fills `into` with what the block has from byte `from` on. */
  read(block: number, from: number, into: Uint8Array): void;
  /** Writes a whole block. Where that fails all blocks of the shard are lost, and their space is given back. */
  write(block: number, bytes: Uint8Array): void;
}

export interface OrderedKv {
  /** Shared by all stores of the shard. */
  readonly scratch: ScratchBlocks;
  /** Synchronous point read; throws a `KvError`. */
  getSync(key: Uint8Array): Uint8Array | undefined;
  batch(): KvBatch;
  iterate(range: KvRange): KvIterator;
  /** Deletes a range, not atomically. Without `sync` a crash may bring some of it back, even below later synced
   *  writes. */
  clear(range: KvRange, options: { readonly sync: boolean }): Promise<void>;
  /** After a full disk: whether there is room for what opening it again takes. Scratch blocks are lost. */
  hasRoom(): Promise<boolean>;
  /** What it holds cannot be trusted: the next opening keeps it aside and begins with an empty one. */
  condemn(why: string): Promise<void>;
  close(): Promise<void>;
}
