/**
 * Values as text, as CAST to STRING prints them.
 *
 * Scalars print as their definitions say; collections as in Java: `[1, null]`, `{k=v}`, `Struct{A=1}` without the
 * fields that are NULL.
 */

import { unreachable } from '../../base/index.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, type SqlType } from './type.ts';
import { arrayValue, mapValue, type Value } from './value.ts';

/** Prints values of this type that are not NULL. */
export const textOf = (type: SqlType): ((value: Value) => string) => {
  if (!isScalar(type)) return memberTextOf(type);
  const { print } = definitionOf(type).text;
  return (value) => print(value, type);
};

/** The same within a collection. */
const memberTextOf = (type: SqlType): ((value: Value) => string) => {
  if (isScalar(type)) {
    const { printMember } = definitionOf(type).text;
    return (value) => printMember(value, type);
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = orNull(memberTextOf(type.element));
      return (value) => `[${arrayValue(value).map(element).join(', ')}]`;
    }
    case 'MAP': {
      const member = orNull(memberTextOf(type.value));
      return (value) => `{${Array.from(mapValue(value), ([key, each]) => `${key}=${member(each)}`).join(', ')}}`;
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({ name: field.name, print: memberTextOf(field.type) }));
      return (value) => {
        const values = arrayValue(value);
        const parts = fields.flatMap(({ name, print }, i) =>
          values[i] === null ? [] : [`${name}=${print(values[i] as Value)}`],
        );
        return `Struct{${parts.join(',')}}`;
      };
    }
    default:
      return unreachable(type);
  }
};

const orNull =
  (print: (value: Value) => string): ((value: Value) => string) =>
  (value) =>
    value === null ? 'null' : print(value);
