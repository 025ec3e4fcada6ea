/**
 * Reading columns: how the closures of expressions get at a record's columns, at one place of a topology.
 *
 * Two forms of a record's value (`RecordValue`): a *row* (values by slot, lent until `process` returns), and, right
 * behind a scan, the *vectors* of the scanned block, of which `record.index` picks the row: nothing is copied for a
 * record that a filter drops, or of which an aggregate reads one column. The form is known when the closures are made.
 * In both a null value is the NULL record, whose columns are NULL. Key columns are decoded from the key's bytes when
 * asked for.
 */

import { assert, unreachable } from '../../base/index.ts';
import type { ColumnReference } from '../analyze/typed.ts';
import type { ColumnScope, Evaluate } from '../evaluate/closure.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { spanSlot } from '../formats/text-span.ts';
import type { Schema } from '../types/schema.ts';
import type { Row, Value } from '../types/value.ts';
import { headerReader } from './headers.ts';
import { KeyColumns } from './keys.ts';
import type { Share } from './shared-steps.ts';
import { spanTest } from './spans.ts';

export type Reading = 'row' | 'vectors';

/** The columns of a scanned block, by slot: `vectors[slot][row]`. The slots that a query does not read may be empty.
 *  Behind them lie their spans (`formats/text-span.ts`), and values that queries share (`shared-steps.ts`). */
export type BlockVectors = readonly (readonly (Value | undefined)[])[];

/** What a record carries between the operators of a query. */
export type RecordValue = Row | BlockVectors;

/** What is told a scope over a scan's vectors. */
interface OverVectors {
  readonly share?: Share | undefined;
  /** The columns that are read as spans. */
  readonly spans?: ReadonlySet<number>;
}

/** The scope of expressions over records of this schema. One scope serves one task: it holds scratch space for keys. */
export const columnScope = (
  schema: Schema,
  keyFormat: FormatChoice,
  reading: Reading,
  { share, spans = noSpans }: OverVectors = {},
): ColumnScope => {
  let keys: KeyColumns | undefined;
  return {
    share,
    test(part, plain) {
      return spanTest(part, plain, spans, (column) => this.column(column));
    },
    column(reference: ColumnReference): Evaluate {
      const { from, index } = reference;
      switch (from) {
        case 'value': {
          const slot = spans.has(index) ? spanSlot(schema.value.length, index) : index;
          return reading === 'vectors'
            ? (record) => {
                const vectors = record.value as BlockVectors | null;
                return vectors === null ? null : ((vectors[slot] as readonly Value[])[record.index] as Value);
              }
            : (record) => {
                const row = record.value as Row | null;
                return row === null ? null : (row[index] as Value);
              };
        }
        case 'key': {
          keys ??= new KeyColumns(schema, keyFormat);
          const own = keys;
          return (record) => own.column(record, index);
        }
        case 'header': {
          const column = schema.headers?.[index];
          assert(column !== undefined, () => `the schema has no column ${reference.name} of headers`);
          return headerReader(column);
        }
        case 'rowtime':
          return (record) => record.timestamp;
        case 'rowpartition':
          return (record) => record.partition;
        case 'rowoffset':
          return (record) => record.offset;
        case 'windowstart': {
          keys ??= new KeyColumns(schema, keyFormat);
          const own = keys;
          return (record) => own.windowStart(record);
        }
        case 'windowend': {
          keys ??= new KeyColumns(schema, keyFormat);
          const own = keys;
          return (record) => own.windowEnd(record);
        }
        default:
          return unreachable(from);
      }
    },
  };
};

const noSpans: ReadonlySet<number> = new Set();

/** Value columns of records that are known not to be NULL, read from a scan's vectors; some as spans. */
export const vectorScope = (columnCount: number, spans: ReadonlySet<number>): ColumnScope => ({
  test(part, plain) {
    return spanTest(part, plain, spans, (column) => this.column(column));
  },
  column: ({ from, index }) => {
    assert(from === 'value', `the column comes from ${from}`);
    const slot = spans.has(index) ? spanSlot(columnCount, index) : index;
    return (record) => ((record.value as BlockVectors)[slot] as readonly Value[])[record.index] as Value;
  },
});
