/**
 * A table's change as a value, for the way through a topic: the row before and the row after, either of them missing.
 *
 * On the wire: one byte, 1 where there is a row before, plus 2 where there is one after; where there are both, the
 * length of the first (u32); then the rows.
 */

import { readU32, writeI32 } from '../../base/index.ts';
import { type Serde, SerdeError } from '../serde.ts';

export interface Change<V> {
  before: V | null;
  after: V | null;
}

const hasBefore = 1;
const hasAfter = 2;
const lengthBytes = 4;

export const changeSerde = <V>(row: Serde<V>): Serde<Change<V>> => {
  const read: Change<V> = { before: null, after: null };
  return {
    name: `change of ${row.name}`,
    lends: true,
    write({ before, after }, out) {
      out.i8((before === null ? 0 : hasBefore) | (after === null ? 0 : hasAfter));
      if (before !== null && after !== null) {
        const at = out.length;
        out.u32(0);
        row.write(before, out);
        writeI32(out.buffer, at, out.length - at - lengthBytes);
      } else if (before !== null) row.write(before, out);
      if (after !== null) row.write(after, out);
    },
    read(bytes, start, end) {
      const flags = end > start ? (bytes[start] as number) : 0;
      let at = start + 1;
      let middle = flags === hasAfter ? at : end;
      if (flags === hasBefore + hasAfter) {
        at += lengthBytes;
        middle = at <= end ? at + readU32(bytes, start + 1) : end + 1;
      }
      if (flags < hasBefore || flags > hasBefore + hasAfter || middle > end)
        throw new SerdeError('not a change of a row');
      read.before = (flags & hasBefore) === 0 ? null : row.read(bytes, at, middle);
      read.after = (flags & hasAfter) === 0 ? null : row.read(bytes, middle, end);
      return read;
    },
  };
};
