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
import type { Schema } from '../types/schema.ts';
import type { Row, Value } from '../types/value.ts';
import { headerReader } from './headers.ts';
import { KeyColumns } from './keys.ts';
import type { Share } from './shared-steps.ts';

export type Reading = 'row' | 'vectors';

/** The columns of a scanned block, by slot: `vectors[slot][row]`. The slots that a query does not read may be empty.
 *  Behind them lie values that queries share (`shared-steps.ts`). */
export type BlockVectors = readonly (readonly (Value | undefined)[])[];

/** What a record carries between the operators of a query. */
export type RecordValue = Row | BlockVectors;

/** The scope of expressions over records of this schema. One scope serves one task: it holds scratch space for keys. */
export const columnScope = (schema: Schema, keyFormat: FormatChoice, reading: Reading, share?: Share): ColumnScope => {
  let keys: KeyColumns | undefined;
  return {
    share,
    column(reference: ColumnReference): Evaluate {
      const { from, index } = reference;
      switch (from) {
        case 'value':
          return reading === 'vectors'
            ? (record) => {
                const vectors = record.value as BlockVectors | null;
                return vectors === null ? null : ((vectors[index] as readonly Value[])[record.index] as Value);
              }
            : (record) => {
                const row = record.value as Row | null;
                return row === null ? null : (row[index] as Value);
              };
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

/** Value columns of records that are known not to be NULL, read from a scan's vectors. */
export const vectorScope: ColumnScope = {
  column: ({ from, index }) => {
    assert(from === 'value', `the column comes from ${from}`);
    return (record) => ((record.value as BlockVectors)[index] as readonly Value[])[record.index] as Value;
  },
};
