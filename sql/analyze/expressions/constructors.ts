/** Values made of values: `ARRAY[…]`, `MAP(… := …)`, `STRUCT(… := …)`. */

import { UserError } from '../../../base/index.ts';
import type { ExpressionOf } from '../../parser/ast.ts';
import { arrayOf, mapOf, printType, type SqlType, type StructField, stringType, structOf } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { unify } from './common-type.ts';
import { asTyped, type Typing } from './draft.ts';
import { allNull, emptyConstructor, mismatch } from './faults.ts';

export const typeArray = (
  typing: Typing,
  node: ExpressionOf<'array'>,
  expected: SqlType | undefined,
): TypedExpression => {
  if (node.elements.length === 0) throw emptyConstructor('an array', node.at);
  const inner = expected?.kind === 'ARRAY' ? expected.element : undefined;
  const drafts = node.elements.map((element) => typing.draft(element, inner));
  const elements = unify(drafts, inner);
  const type = elements?.[0]?.type;
  if (elements === undefined || type === undefined) throw allNull('an array', node.at);
  return { kind: 'array', elements, type: arrayOf(type) };
};

export const typeMap = (typing: Typing, node: ExpressionOf<'map'>, expected: SqlType | undefined): TypedExpression => {
  if (node.entries.length === 0) throw emptyConstructor('a map', node.at);
  const inner = expected?.kind === 'MAP' ? expected.value : undefined;
  const keys = unify(
    node.entries.map((entry) => typing.draft(entry.key)),
    stringType,
  );
  const values = unify(
    node.entries.map((entry) => typing.draft(entry.value, inner)),
    inner,
  );
  if (keys === undefined || values === undefined) throw allNull('a map', node.at);
  const [key, value] = [keys[0], values[0]];
  if (key?.type.kind !== 'STRING') {
    throw mismatch(`the keys of a map have to be STRING, not ${printType(key?.type ?? stringType)}`, node.at);
  }
  return {
    kind: 'map',
    entries: keys.map((each, i) => ({ key: each, value: values[i] as TypedExpression })),
    type: mapOf(stringType, value?.type ?? stringType),
  };
};

export const typeStruct = (
  typing: Typing,
  node: ExpressionOf<'struct'>,
  expected: SqlType | undefined,
): TypedExpression => {
  const fields: TypedExpression[] = [];
  const types: StructField[] = [];
  for (const { name, value, at } of node.fields) {
    if (types.some((other) => other.name === name)) {
      throw new UserError('SQL_DUPLICATE_FIELD', `the struct has two fields called "${name}"`, { at });
    }
    const inner = expected?.kind === 'STRUCT' ? expected.fields.find((other) => other.name === name)?.type : undefined;
    const typed = asTyped(typing.draft(value, inner), inner);
    fields.push(typed);
    types.push({ name, type: typed.type });
  }
  return { kind: 'struct', fields, type: structOf(types) };
};
