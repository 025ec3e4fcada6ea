/**
 * A block: some consecutive decoded record batches of one source partition, shared by every task at that position.
 *
 * Columns of positions are decoded once per block. A *view* is what a deserializer makes of the block (SQL's lazily
 * parsed columns); it is made once per block and deserializer id, however many queries read it. Blocks are immutable
 * but for that cache, and lent: a task that keeps one retains it; after the last `release` its memory is used for
 * another block of the same topic, and the chunk of bytes goes back to its reader.
 *
 * `BlockPool` makes them from a reader's chunks and counts what was decoded, so that a test can show that a hundred
 * queries decode each batch once.
 */

import { assert, UserError } from '../base/index.ts';
import { baseOffsetOf, decodeBatch, type LentBatches, RecordColumns } from '../storage/index.ts';
import { readLowWatermark } from './origin-time.ts';

export interface Block {
  readonly topic: string;
  readonly partition: number;
  readonly columns: RecordColumns;
  /** The next offset to read after this block. */
  readonly nextOffset: number;
  /** How many batches lie in the block; `batchRow(i)` is the first row of the i-th one that the block shows, so batch i
   *  is the rows [batchRow(i), batchRow(i + 1)), and `batchRow(batchCount)` is the number of rows. Batches without a
   *  visible row are left out. */
  readonly batchCount: number;
  batchRow(index: number): number;
  /** Some of the batches come with origin times (`origin-time.ts`). */
  readonly carriesTimes: boolean;
  /** The low watermark that the batch names; NaN: it comes without origin times. Known even when reading began behind
   *  its first record. */
  batchLow(index: number): number;
  /** The view made by `make` for this id, made at most once per block. `recycled` is a former view of the same id whose
   *  arrays may be used again. */
  view<T>(id: string, make: (columns: RecordColumns, recycled: T | undefined) => T): T;
  retain(): void;
  release(): void;
}

/** Tells a block from the one before it: a block's memory is used again for another one. */
export class LastBlock {
  #block: Block | undefined;
  #start = -1;
  #end = -1;

  /** Whether it is another block than in the last call. */
  isOther(block: Block): boolean {
    const start = block.columns.offset[0] as number;
    const { nextOffset } = block;
    if (block === this.#block && start === this.#start && nextOffset === this.#end) return false;
    this.#block = block;
    this.#start = start;
    this.#end = nextOffset;
    return true;
  }

  forget(): void {
    this.#block = undefined;
  }
}

/** What was decoded; only ever grows. */
export class DecodeCounters {
  blocks = 0;
  batches = 0;
  records = 0;
  bytes = 0;
  views = 0;
}

/** Free blocks kept per topic; more are left to the garbage collector. */
const keptPerTopic = 8;

type View = { value: unknown; use: number };

export class DecodedBlock implements Block {
  readonly topic: string;
  readonly columns = new RecordColumns();
  partition = 0;
  nextOffset = 0;
  batchCount = 0;
  carriesTimes = false;
  readonly #pool: BlockPool;
  readonly #views = new Map<string, View>();
  #rows = new Int32Array(16);
  #lows = new Float64Array(16);
  #chunk: LentBatches | undefined;
  #holders = 0;
  /** Counts the uses of this object: a view belongs to one of them. */
  #use = 0;
  #oneBatch: RecordColumns | undefined;

  constructor(pool: BlockPool, topic: string) {
    this.#pool = pool;
    this.topic = topic;
  }

  /** Decodes the chunk's batches from `fromOffset` on. The caller holds the block once. */
  load(chunk: LentBatches, fromOffset: number): void {
    assert(this.#holders === 0, `a block of ${this.topic} is filled while it is lent`);
    this.#use++;
    for (const [id, view] of this.#views) if (view.use < this.#use - 4) this.#views.delete(id);
    const { columns } = this;
    const { counters } = this.#pool;
    columns.reset(chunk.bytes);
    this.partition = chunk.partition;
    this.nextOffset = chunk.nextOffset;
    this.#chunk = chunk;
    this.#holders = 1;
    this.carriesTimes = false;
    let shown = 0;
    if (chunk.batches.length >= this.#rows.length) {
      this.#rows = new Int32Array(chunk.batches.length * 2);
      this.#lows = new Float64Array(chunk.batches.length * 2);
    }
    for (const position of chunk.batches) {
      const row = columns.count;
      const end = decodeBatch(chunk.bytes, position, columns, fromOffset);
      if (end < 0) {
        this.release();
        throw new UserError(
          'LOG_BATCH_UNREADABLE',
          `the batch at offset ${baseOffsetOf(chunk.bytes, position)} of ${chunk.topic}-${chunk.partition} cannot be read`,
          { hint: 'Its bytes are damaged or of a form that is not supported (compressed, or of an old format).' },
        );
      }
      counters.batches++;
      counters.bytes += end - position;
      if (columns.count === row) continue;
      const headersAt = this.#firstHeadersAt(position, row, fromOffset);
      const low = headersAt === 0 ? Number.NaN : readLowWatermark(columns.bytes, headersAt);
      if (!Number.isNaN(low)) this.carriesTimes = true;
      this.#rows[shown] = row;
      this.#lows[shown++] = low;
    }
    this.#rows[shown] = columns.count;
    this.batchCount = shown;
    counters.blocks++;
    counters.records += columns.count;
  }

  batchRow(index: number): number {
    return this.#rows[index] as number;
  }

  batchLow(index: number): number {
    return this.#lows[index] as number;
  }

  /** Where the headers of a batch's first record lie (0: it has none); `row` is the first row that is shown of it. */
  #firstHeadersAt(position: number, row: number, fromOffset: number): number {
    const { columns } = this;
    const base = baseOffsetOf(columns.bytes, position);
    if (fromOffset <= base) return columns.headersAt[row] as number;
    const batch = (this.#oneBatch ??= new RecordColumns(64));
    batch.reset(columns.bytes);
    decodeBatch(columns.bytes, position, batch, base);
    return batch.headersAt[0] as number;
  }

  view<T>(id: string, make: (columns: RecordColumns, recycled: T | undefined) => T): T {
    const kept = this.#views.get(id);
    if (kept !== undefined && kept.use === this.#use) return kept.value as T;
    this.#pool.counters.views++;
    const value = make(this.columns, kept?.value as T | undefined);
    if (kept === undefined) this.#views.set(id, { value, use: this.#use });
    else {
      kept.value = value;
      kept.use = this.#use;
    }
    return value;
  }

  retain(): void {
    assert(this.#holders > 0, `a block of ${this.topic} is kept after it was given back`);
    this.#holders++;
  }

  release(): void {
    assert(this.#holders > 0, `a block of ${this.topic} is given back twice`);
    if (--this.#holders > 0) return;
    const chunk = this.#chunk;
    this.#chunk = undefined;
    this.#pool.giveBack(this);
    chunk?.release();
  }
}

/** Makes blocks of chunks and uses their memory again. One per thread. */
export class BlockPool {
  readonly counters = new DecodeCounters();
  readonly #free = new Map<string, DecodedBlock[]>();

  /** A block of what the chunk shows from `fromOffset` on, held once by the caller; the chunk now belongs to the block.
   *  A batch that cannot be decoded throws a `UserError`; the chunk is then given back. */
  decode(chunk: LentBatches, fromOffset: number): DecodedBlock {
    const block = this.#free.get(chunk.topic)?.pop() ?? new DecodedBlock(this, chunk.topic);
    block.load(chunk, fromOffset);
    return block;
  }

  giveBack(block: DecodedBlock): void {
    const free = this.#free.get(block.topic);
    if (free === undefined) this.#free.set(block.topic, [block]);
    else if (free.length < keptPerTopic) free.push(block);
  }

  /** Frees the memory kept for a topic (it was deleted, or is not read any more). */
  forget(topic: string): void {
    this.#free.delete(topic);
  }
}
