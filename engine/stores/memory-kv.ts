/**
 * A key-value store in memory that behaves as LevelDB does, crashes included. The reference for `level-store.ts`, and
 * what tests break.
 *
 * A write takes effect some time between the call and its answer. `crash` answers with the store as the next start
 * would find it: synced writes are there, each unsynced one is there or not, on its own, whatever came later (a
 * write-ahead log that rolled over unsynced may lose an older write and keep a newer one); a batch is never half there.
 * A write that fails leaves a torn record: what is written behind it can be read while the store is open, and is lost
 * with the next start, until the log has rolled over.
 */

import { assert } from '../../base/index.ts';
import {
  type KvBatch,
  KvError,
  type KvIterator,
  type KvRange,
  type OrderedKv,
  type ScratchBlocks,
  scratchBlockBytes,
} from './ordered-kv.ts';

type Operation = { readonly key: string; readonly value: Uint8Array | undefined };
type Write = { readonly operations: readonly Operation[]; readonly sync: boolean; readonly torn?: true };

export type MemoryKvOptions = {
  /** Awaited before a write takes effect and before it answers; may throw to make the write fail. */
  readonly beforeWrite?: () => Promise<void>;
};

/** Bytes as characters: they sort alike. */
const textOf = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

export class MemoryKv implements OrderedKv {
  readonly #options: MemoryKvOptions;
  /** What is on the disk for certain. */
  readonly #durable: Map<string, Uint8Array>;
  readonly #current: Map<string, Uint8Array>;
  /** Since then, in order; the first one is unsynced. */
  #writes: Write[] = [];
  #closed = false;
  /** Point reads so far. */
  reads = 0;
  readonly scratch: MemoryScratch;

  constructor(options: MemoryKvOptions = {}, content: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#options = options;
    this.scratch = new MemoryScratch();
    this.#durable = new Map(content);
    this.#current = new Map(content);
  }

  get size(): number {
    return this.#current.size;
  }

  /** The store after a crash. `survives` is asked whether to keep each unsynced write. This one is closed. */
  crash(survives: () => boolean, options: MemoryKvOptions = {}): MemoryKv {
    this.#closed = true;
    const content = new Map(this.#durable);
    let torn = false;
    for (const write of this.#writes) {
      if (write.torn) torn = true;
      else if (torn && survives()) torn = false;
      if (!torn && (write.sync || survives())) apply(content, write.operations);
    }
    return new MemoryKv(options, content);
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    this.reads++;
    return this.#current.get(textOf(key))?.slice();
  }

  batch(): KvBatch {
    const operations: Operation[] = [];
    return {
      get length() {
        return operations.length;
      },
      put: (key, value) => {
        operations.push({ key: textOf(key), value: value.slice() });
      },
      delete: (key) => {
        operations.push({ key: textOf(key), value: undefined });
      },
      write: ({ sync }) => this.#write({ operations, sync }),
    };
  }

  async #write(write: Write): Promise<void> {
    this.#assertOpen();
    try {
      await this.#options.beforeWrite?.();
    } catch (error) {
      this.#writes.push({ operations: [], sync: false, torn: true });
      throw error;
    }
    this.#assertOpen();
    apply(this.#current, write.operations);
    this.#writes.push(write);
    while (this.#writes[0]?.sync === true) apply(this.#durable, this.#writes.shift()?.operations ?? []);
    await this.#options.beforeWrite?.();
  }

  iterate(range: KvRange): KvIterator {
    this.#assertOpen();
    const from = textOf(range.from);
    const to = textOf(range.to);
    const entries = [...this.#current]
      .filter(([key]) => key >= from && key < to)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    let at = 0;
    return {
      next: async (count) => {
        this.#assertOpen();
        await Promise.resolve();
        const some = entries.slice(at, at + count).map(([key, value]) => [bytesOf(key), value.slice()] as const);
        at += count;
        return some;
      },
      close: async () => {},
    };
  }

  async clear(range: KvRange, { sync }: { readonly sync: boolean }): Promise<void> {
    this.#assertOpen();
    const from = textOf(range.from);
    const to = textOf(range.to);
    const keys = [...this.#current.keys()].filter((key) => key >= from && key < to);
    // In several batches, as LevelDB's is: not atomic.
    for (let at = 0; at < keys.length; at += 100) {
      await this.#write({ operations: keys.slice(at, at + 100).map((key) => ({ key, value: undefined })), sync });
    }
  }

  async hasRoom(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async condemn(): Promise<void> {
    await Promise.resolve();
    this.#current.clear();
    this.#durable.clear();
    this.#writes = [];
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.resolve();
  }

  #assertOpen(): void {
    if (this.#closed) throw new KvError('failed', 'the key-value store is closed');
  }
}

/** Scratch blocks in memory, which fail when they are told to. */
export class MemoryScratch implements ScratchBlocks {
  readonly #blocks: Uint8Array[] = [];
  readonly #free: number[] = [];
  isBroken = false;
  /** Writes succeed, and are not there afterwards. */
  losesWrites = false;

  get used(): number {
    return this.#blocks.length - this.#free.length;
  }

  allocate(): number {
    this.#assertSound();
    return this.#free.pop() ?? this.#blocks.push(new Uint8Array(scratchBlockBytes).fill(0xaa)) - 1;
  }

  release(block: number): void {
    assert(!this.#free.includes(block), 'a scratch block is released twice');
    this.#free.push(block);
  }

  read(block: number, from: number, into: Uint8Array): void {
    this.#assertSound();
    into.set((this.#blocks[block] as Uint8Array).subarray(from, from + into.length));
  }

  write(block: number, bytes: Uint8Array): void {
    this.#assertSound();
    if (!this.losesWrites) (this.#blocks[block] as Uint8Array).set(bytes);
  }

  /** Overwrites the bytes of which `hits` is true. */
  damage(hits: () => boolean, byte: () => number): void {
    for (const block of this.#blocks) for (let i = 0; i < block.length; i++) if (hits()) block[i] = byte();
  }

  #assertSound(): void {
    if (this.isBroken) throw new KvError('failed', 'the scratch file cannot be used');
  }
}

const apply = (content: Map<string, Uint8Array>, operations: readonly Operation[]): void => {
  for (const { key, value } of operations) {
    assert(key.length > 0, 'keys are not empty');
    if (value === undefined) content.delete(key);
    else content.set(key, value);
  }
};
