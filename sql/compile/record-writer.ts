/** Writes keys and values of one source, for rows that come from outside. */

import type { ByteWriter } from '../../base/index.ts';
import type { Source } from '../analyze/sources.ts';
import { formatOf } from '../formats/index.ts';
import type { Row } from '../types/value.ts';
import { keyWriter } from './keys.ts';

export interface RecordWriter {
  /** Appends; false: null. */
  writeKey(key: Row, out: ByteWriter): boolean;
  writeValue(value: Row, out: ByteWriter): boolean;
}

export const recordWriter = ({ schema, keyFormat, valueFormat }: Source): RecordWriter => {
  const keys = keyWriter(schema.key, keyFormat);
  const { format, options } = formatOf(valueFormat, schema.value, 'value');
  const values = format.writer(schema.value, options);
  return {
    writeKey: (key, out) => schema.key.length > 0 && !key.every((column) => column === null) && keys.write(key, out),
    writeValue: (value, out) => values.write(value, out),
  };
};
