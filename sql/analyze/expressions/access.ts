/** Access to a part of a value: `base->field`, `base[index]`, `base[key]`. */

import { closest, UserError } from '../../../base/index.ts';
import type { ExpressionOf } from '../../parser/ast.ts';
import { canConvert } from '../../types/cast.ts';
import { bigintType, integerType, isScalar, printType } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { asTyped, type Typing, typedOr } from './draft.ts';
import { mismatch } from './faults.ts';

export const typeField = (typing: Typing, node: ExpressionOf<'field'>): TypedExpression => {
  const base = asTyped(typing.draft(node.base));
  if (base.type.kind !== 'STRUCT') {
    throw mismatch(`-> needs a STRUCT before it, not ${printType(base.type)}`, node.at);
  }
  const { fields } = base.type;
  const index = fields.findIndex((each) => each.name === node.name);
  const field = fields[index];
  if (field === undefined) {
    const names = fields.map((each) => each.name);
    const near = closest(node.name, names);
    throw new UserError('SQL_UNKNOWN_FIELD', `the struct has no field called "${node.name}"`, {
      at: node.at,
      hint: near === undefined ? `Its fields are ${names.join(', ')}.` : `Did you mean "${near}"?`,
    });
  }
  return { kind: 'field', base, name: node.name, index, type: field.type };
};

/** `base[index]` of an array, `base[key]` of a map. */
export const typeSubscript = (typing: Typing, node: ExpressionOf<'subscript'>): TypedExpression => {
  const base = asTyped(typing.draft(node.base));
  if (base.type.kind === 'ARRAY') {
    const index = typedOr(typing, node.index, integerType);
    if (!canConvert(index.type, bigintType, 'strict')) {
      throw mismatch(`the index of an array has to be a whole number, not ${printType(index.type)}`, node.index.at);
    }
    return { kind: 'element', base, index, type: base.type.element };
  }
  if (base.type.kind === 'MAP') {
    // A key of another scalar type is not an error: the map has no such key.
    const key = typedOr(typing, node.index, base.type.key);
    if (!isScalar(key.type)) {
      throw mismatch(`the key of this map is ${printType(base.type.key)}, not ${printType(key.type)}`, node.index.at);
    }
    return { kind: 'entry', base, key, type: base.type.value };
  }
  throw mismatch(
    `[…] needs an ARRAY or a MAP before it, not ${printType(base.type)}`,
    node.at,
    base.type.kind === 'STRUCT' ? 'Write base->field for a field of a struct.' : undefined,
  );
};
