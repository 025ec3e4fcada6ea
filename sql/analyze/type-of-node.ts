/** Types as they are written, turned into types of values: names are looked up, what is not supported is an error. */

import { closest, type Position, UserError, unreachable } from '../../base/index.ts';
import type { TypeNode } from '../parser/ast.ts';
import { typeWords } from '../parser/words.ts';
import type { ScalarKind, ScalarType } from '../types/kinds.ts';
import { definitionOf, scalarDefinitions } from '../types/scalars/index.ts';
import { arrayOf, mapOf, type SqlType, type StructField, scalarOf, structOf } from '../types/type.ts';

/** The type that a type node of the syntax tree means. `custom` looks up the name of a custom type. */
export const typeOfNode = (node: TypeNode, custom?: (name: string) => SqlType | undefined): SqlType => {
  switch (node.kind) {
    case 'base-type':
      return namedScalar(node.name, [], node.at);
    case 'decimal-type':
      return namedScalar('DECIMAL', [node.precision, node.scale], node.at);
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
        hint: hintFor(node.name),
      });
    }
    default:
      return unreachable(node);
  }
};

/** What other systems call the types, and types without their parts. */
const elsewhere: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['TEXT', 'CHAR', 'NVARCHAR', 'CLOB', 'UUID', 'JSON'].map((name) => [name, 'VARCHAR'])),
  ...Object.fromEntries(['TINYINT', 'SMALLINT', 'INT32', 'INT4'].map((name) => [name, 'INT'])),
  ...Object.fromEntries(['LONG', 'INT64', 'INT8', 'NUMBER'].map((name) => [name, 'BIGINT'])),
  ...Object.fromEntries(['FLOAT', 'REAL', 'FLOAT64', 'FLOAT8'].map((name) => [name, 'DOUBLE'])),
  NUMERIC: 'DECIMAL(10, 2)',
  BOOL: 'BOOLEAN',
  DATETIME: 'TIMESTAMP',
  TIMESTAMPTZ: 'TIMESTAMP',
  BLOB: 'BYTES',
  BINARY: 'BYTES',
  VARBINARY: 'BYTES',
  ARRAY: 'ARRAY<INT>, with the type of its elements',
  MAP: 'MAP<VARCHAR, INT>, with the types of its keys and values',
  STRUCT: 'STRUCT<x INT, y VARCHAR>, with its fields',
};

const hintFor = (name: string): string => {
  const other = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined;
  if (other !== undefined) return `Write ${other}.`;
  const near = closest(name, typeWords);
  return near === undefined
    ? `The types are ${scalarDefinitions.map(({ kind }) => kind).join(', ')}, ARRAY<…>, MAP<…, …> and STRUCT<…>.`
    : `Did you mean ${near}?`;
};

const namedScalar = (kind: ScalarKind, parameters: readonly number[], at: Position): ScalarType => {
  const type = scalarOf(kind, parameters);
  const fault = definitionOf(type).parametersFault?.(type);
  if (fault !== undefined) throw new UserError('SQL_TYPE_PARAMETERS', fault, { at });
  return type;
};
