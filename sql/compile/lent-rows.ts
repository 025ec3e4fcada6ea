/** Rows on the way through an internal topic or out of a store: reading fills one row again and again. */

import type { Serde } from '../../engine/index.ts';
import { RowEncoding } from '../types/row-encoding.ts';
import type { SqlType } from '../types/type.ts';
import type { Row, Value } from '../types/value.ts';

export const lentRows = (types: readonly SqlType[]): Serde<Row> => {
  const encoding = new RowEncoding(types);
  const row: Row = new Array<Value>(types.length).fill(null);
  return {
    name: encoding.name,
    lends: true,
    write: (value, out) => encoding.write(value, out),
    read(bytes, start, end) {
      encoding.readInto(bytes, start, end, row);
      return row;
    },
  };
};
