/** Types whose fields have names that every format can hold. */

import { arrayOf, isScalar, mapOf, type SqlType, structOf } from '../../../sql/types/type.ts';

/** The type with its fields called F0, f1, … */
export const renamed = (type: SqlType): SqlType => {
  if (isScalar(type)) return type;
  switch (type.kind) {
    case 'ARRAY':
      return arrayOf(renamed(type.element));
    case 'MAP':
      return mapOf(type.key, renamed(type.value));
    case 'STRUCT':
      return structOf(
        type.fields.map((field, i) => ({ name: `${i % 2 === 0 ? 'F' : 'f'}${i}`, type: renamed(field.type) })),
      );
  }
};
