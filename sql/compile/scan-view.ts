/**
 * What the queries of one thread share of a block: its values parsed into vectors, one per column.
 *
 * The vectors belong to the block. The registry counts which columns any scan of this thread reads, so that one pass
 * over a record's bytes parses them all; a scan that asks for more columns later makes another pass.
 */

import type { Block, SourceOperator } from '../../engine/index.ts';
import { SerdeError } from '../../engine/index.ts';
import { printProperties } from '../formats/choices.ts';
import { type RowReader, type Scanner, ScanVectors } from '../formats/format.ts';
import { formatOf } from '../formats/index.ts';
import { columnOfSlot, columnsOfSlots, spanSlot } from '../formats/text-span.ts';
import type { WriterSchemas } from '../formats/writer-schemas.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import { printType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';
import { BlockSteps } from './block-steps.ts';
import { StepRegistry } from './step-registry.ts';

/** Which columns are parsed, and how often; shared by all queries of one thread. */
export class ScanRegistry {
  /** View id -> slot -> how many scans read it. */
  readonly #wanted = new Map<string, Map<number, number>>();
  /** Steps behind the columns. */
  readonly steps = new StepRegistry();
  readonly counters = { passes: 0, columnsParsed: 0, recordsScanned: 0 };

  /** A scan reads these slots, each once, from now on; the returned function ends that. */
  want(view: string, slots: readonly number[]): () => void {
    const wanted = this.#wanted.get(view) ?? new Map<number, number>();
    this.#wanted.set(view, wanted);
    for (const slot of slots) wanted.set(slot, (wanted.get(slot) ?? 0) + 1);
    return () => {
      for (const slot of slots) {
        const others = (wanted.get(slot) as number) - 1;
        if (others > 0) wanted.set(slot, others);
        else wanted.delete(slot);
      }
      if (wanted.size === 0 && this.#wanted.get(view) === wanted) this.#wanted.delete(view);
    };
  }

  /** Slots that some scan reads. */
  wanted(view: string): Iterable<number> {
    return this.#wanted.get(view)?.keys() ?? [];
  }

  /** Views of which some scan reads a column. */
  get size(): number {
    return this.#wanted.size;
  }
}

/** One pass over a block: some columns of all its records. */
export interface Pass {
  readonly scanner: Scanner;
  readonly vectors: ScanVectors;
}

export type RecordColumns = Block['columns'];

/** The columns that the queries of a thread read of a block: vectors by slot. */
export class ScanView {
  readonly id: string;
  /** `vectors[slot][row]`; valid for the slots that were asked for by `ensure`. */
  readonly vectors: (Value | undefined)[][];
  /** What queries share besides the columns. */
  readonly steps: BlockSteps;
  /** Passes that were made for this block, in order; and those of former blocks, whose memory is used again. */
  passes: Pass[] = [];
  #spare: Pass[] = [];
  #passOf: (Pass | undefined)[];
  #columns: RecordColumns | undefined;

  constructor(id: string, slotCount: number) {
    this.id = id;
    this.vectors = Array.from({ length: slotCount }, () => []);
    this.steps = new BlockSteps(this.vectors);
    this.#passOf = new Array<Pass | undefined>(slotCount).fill(undefined);
  }

  renew(columns: RecordColumns): void {
    this.#columns = columns;
    this.#spare.push(...this.passes);
    this.passes = [];
    this.#passOf.fill(undefined);
    this.steps.renew();
  }

  get columns(): RecordColumns {
    return this.#columns as RecordColumns;
  }

  passOf(slot: number): Pass {
    return this.#passOf[slot] as Pass;
  }

  /** Parses the slots that are not there yet, together with those that other queries read. */
  ensure(slots: readonly number[], registry: ScanRegistry, make: (wanted: readonly number[]) => Scanner): void {
    // Also for a query that reads no column: the pass finds the records that are NULL records or bad.
    if (this.passes.length > 0 && slots.every((slot) => this.#passOf[slot] !== undefined)) return;
    const missing = new Set(slots);
    for (const slot of registry.wanted(this.id)) missing.add(slot);
    const wanted = [...missing].filter((slot) => this.#passOf[slot] === undefined).sort((a, b) => a - b);
    const key = wanted.join();
    const { columns } = this;
    const spare = this.#spare.findIndex((pass) => pass.scanner.wanted.join() === key);
    const pass =
      spare >= 0
        ? (this.#spare.splice(spare, 1)[0] as Pass)
        : { scanner: make(wanted), vectors: new ScanVectors(this.#passOf.length, wanted) };
    if (this.#spare.length > 4) this.#spare.length = 0;
    pass.vectors.reset(columns.count);
    pass.scanner.scan(columns.bytes, columns.valueStart, columns.valueEnd, 0, columns.count, pass.vectors);
    registry.counters.passes++;
    registry.counters.columnsParsed += wanted.length;
    registry.counters.recordsScanned += columns.count;
    this.passes.push(pass);
    for (const slot of wanted) {
      this.#passOf[slot] = pass;
      this.vectors[slot] = pass.vectors.vectors[slot] as Value[];
    }
  }
}

/** The values of one source as one query reads them. */
export interface ScannedValues {
  /** The block's vectors, with all slots of this query parsed. */
  viewOf(block: Block): ScanView;
  /** Reads a record by the columns of this query alone, where a shared pass found it bad: why this query cannot use it;
   *  undefined when it can: a neighbour's column is bad. Its own are then put where they would be. */
  readAlone(view: ScanView, index: number): string | undefined;
  /** What tells views of one block apart. */
  readonly viewId: string;
  /** How many slots a view has: those of the columns, and those of their spans. */
  readonly slotCount: number;
  readonly close: NonNullable<SourceOperator['close']>;
}

/** What the queries of one thread share when they read. */
export interface SharedReading {
  readonly scans: ScanRegistry;
  /** The schemas of records, by their ids; left out: there is no registry. */
  readonly schemas?: WriterSchemas | undefined;
}

/** What tells views of one block apart: scans with the same one read the same values. */
export const viewIdOf = ({ topic, valueFormat, schema: { value: columns } }: SourceStep): string => {
  const { options } = formatOf(valueFormat, columns, 'value');
  const types = columns.map((column) => `${column.name} ${printType(column.type)}`).join(',');
  const wrapped = options.wrapped ? 'w' : 'u';
  const { name, schema } = valueFormat;
  return `${topic}/${name}/${schema?.id ?? ''}/${printProperties(valueFormat)}/${wrapped}/${types}`;
};

export const scanValues = (
  step: SourceStep,
  slots: readonly number[],
  { scans: registry, schemas }: SharedReading,
): ScannedValues => {
  const columns = step.schema.value;
  const { format, options } = formatOf(step.valueFormat, columns, 'value', schemas);
  const id = viewIdOf(step);
  const close = registry.want(id, slots);
  const makeScanner = (wanted: readonly number[]): Scanner => format.scanner(columns, options, wanted);
  const row: Row = new Array<Value>(columns.length).fill(null);
  let reader: RowReader | undefined;
  const slotCount = spanSlot(columns.length, columns.length);
  return {
    viewId: id,
    slotCount,
    close,
    viewOf(block) {
      const view = block.view<ScanView>(id, (blockColumns, recycled) => {
        const made = recycled ?? new ScanView(id, slotCount);
        made.renew(blockColumns);
        return made;
      });
      view.ensure(slots, registry, makeScanner);
      return view;
    },
    readAlone({ columns: { bytes, valueStart, valueEnd }, vectors }, index) {
      reader ??= format.reader(columns, options, columnsOfSlots(columns.length, slots));
      try {
        reader.read(bytes, valueStart[index] as number, valueEnd[index] as number, row);
      } catch (error) {
        if (!(error instanceof SerdeError)) throw error;
        return error.message;
      }
      for (const slot of slots) (vectors[slot] as Value[])[index] = row[columnOfSlot(columns.length, slot)] as Value;
      return undefined;
    },
  };
};
