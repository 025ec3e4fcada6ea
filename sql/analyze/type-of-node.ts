/** Types as they are written, turned into types of values: names are looked up, what is not supported is an error. */

import { type Position, UserError, unreachable } from '../../base/index.ts';
import type { TypeNode } from '../parser/ast.ts';
import { arrayOf, mapOf, type SqlType, type StructField, structOf } from '../types/type.ts';

/** The type that a type node of the syntax tree means. `custom` looks up the name of a custom type. */
export const typeOfNode = (node: TypeNode, custom?: (name: string) => SqlType | undefined): SqlType => {
  switch (node.kind) {
    case 'base-type':
      switch (node.name) {
        case 'BYTES':
        case 'DATE':
        case 'TIME':
          throw unsupported(node.name, node.at);
        default:
          return { kind: node.name };
      }
    case 'decimal-type':
      throw unsupported('DECIMAL', node.at);
    case 'array-type':
      return arrayOf(typeOfNode(node.element, custom));
    case 'map-type':
      return mapOf(typeOfNode(node.key, custom), typeOfNode(node.value, custom));
    case 'struct-type': {
      const fields: StructField[] = [];
      for (const field of node.fields) {
        if (fields.some((other) => other.name === field.name)) {
          throw new UserError('SQL_DUPLICATE_FIELD', `the struct has two fields called "${field.name}"`, {
            at: field.at,
          });
        }
        fields.push({ name: field.name, type: typeOfNode(field.type, custom) });
      }
      return structOf(fields);
    }
    case 'named-type': {
      const found = custom?.(node.name);
      if (found !== undefined) return found;
      throw new UserError('SQL_UNKNOWN_TYPE', `there is no type called "${node.name}"`, {
        at: node.at,
        hint: 'The types are BOOLEAN, INTEGER, BIGINT, DOUBLE, VARCHAR, TIMESTAMP, ARRAY<…>, MAP<…, …> and STRUCT<…>.',
      });
    }
    default:
      return unreachable(node);
  }
};

const unsupported = (name: string, at: Position): UserError =>
  new UserError('SQL_UNSUPPORTED_TYPE', `the type ${name} is not supported yet`, {
    at,
    hint:
      name === 'DECIMAL'
        ? 'Use DOUBLE, or BIGINT in the smallest unit.'
        : name === 'BYTES'
          ? 'Use VARCHAR with base64 text.'
          : 'Use TIMESTAMP, or BIGINT with epoch milliseconds.',
  });
