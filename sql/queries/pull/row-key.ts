/** Rows as keys of a Map or Set: the same for rows whose values are equal by their types, NULL equal to NULL. */

import { type KeyOf, keyOf } from '../../types/equality.ts';
import { type SqlType, structOf } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';

export const rowKey = (types: readonly SqlType[]): ((row: Row) => Value) => {
  const [only, second] = types;
  if (only !== undefined && second === undefined) {
    const key: KeyOf = keyOf(only);
    return (row) => key(row[0] as Value);
  }
  return keyOf(structOf(types.map((type, i) => ({ name: String(i), type }))));
};
