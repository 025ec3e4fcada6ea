/** Between columns and the fields of a binary schema: what the formats share whose schemas name their fields. */

import { UserError, unreachable } from '../../base/index.ts';
import { isIdentifier } from '../registry/schema.ts';
import type { Column } from '../types/schema.ts';
import { isScalar, type SqlType, type StructField } from '../types/type.ts';
import { type ColumnNames, describeColumn } from './format.ts';

/** Adds what a field of a schema becomes; undefined: SQL has no type for it, and it is left out. */
export const addField = (fields: StructField[], given: string, type: SqlType | undefined, names: ColumnNames): void => {
  if (type === undefined) return;
  const name = names === 'as-written' ? given : given.toUpperCase();
  if (fields.some((field) => field.name === name)) {
    throw new UserError('SQL_SCHEMA_COLUMNS', `two fields of the schema are called ${name}`, {
      hint: 'Name the columns in the statement; what is not named is not read.',
    });
  }
  fields.push({ name, type });
};

/** How a format is called in sentences, and what it cannot hold besides what all of them cannot. */
export interface FieldLimits {
  readonly format: string;
  /** The name of its schemas. */
  readonly schemas: string;
  fault?(type: SqlType): string | undefined;
}

/** Why such a format cannot hold these columns, as a sentence; undefined when it can. */
export const fieldsFault = (columns: readonly Column[], limits: FieldLimits): string | undefined => {
  for (const column of columns) {
    const bad = fieldFault(column, limits);
    if (bad !== undefined) return `the format ${limits.format} cannot hold ${describeColumn(column)}; ${bad}`;
  }
  return undefined;
};

const fieldFault = ({ name, type }: StructField, limits: FieldLimits): string | undefined =>
  isIdentifier(name)
    ? typeFault(type, limits)
    : `names in ${limits.schemas} are letters, digits and "_", a digit not first`;

const typeFault = (type: SqlType, limits: FieldLimits): string | undefined => {
  if (isScalar(type)) return undefined;
  const own = limits.fault?.(type);
  if (own !== undefined) return own;
  switch (type.kind) {
    case 'ARRAY':
      return typeFault(type.element, limits);
    case 'MAP':
      return type.key.kind === 'STRING' ? typeFault(type.value, limits) : 'keys of maps have to be STRING';
    case 'STRUCT':
      for (const field of type.fields) {
        const bad = fieldFault(field, limits);
        if (bad !== undefined) return bad;
      }
      return undefined;
    default:
      return unreachable(type);
  }
};
