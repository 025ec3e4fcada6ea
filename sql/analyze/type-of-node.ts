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

/** Types whose parts are left out. */
const incomplete: Readonly<Record<string, string>> = {
  ARRAY: 'ARRAY<…>, with the type of its elements',
  MAP: 'MAP<…, …>, with the types of its keys and values',
  STRUCT: 'STRUCT<…>, with its fields',
};

const hintFor = (name: string): string => {
  const meant = scalarDefinitions.find(({ elsewhere }) => elsewhere?.includes(name) === true)?.words[0];
  const other = meant ?? (Object.hasOwn(incomplete, name) ? incomplete[name] : undefined);
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
