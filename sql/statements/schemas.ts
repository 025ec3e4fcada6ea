/**
 * Schemas of a source's sides: the columns that are taken from a registry, and the schema that rows are written with.
 *
 * | the side has          | columns from                | rows are written with                                     |
 * | --------------------- | --------------------------- | --------------------------------------------------------- |
 * | SCHEMA_ID             | that schema, names as there | that schema, registered for the topic's subject           |
 * | no columns            | the subject's last version  | that version                                              |
 * | columns (CREATE)      | the statement               | the last version where the columns fit, else their schema |
 * | columns (CREATE … AS) | the query                   | the schema of the columns, registered for the subject     |
 *
 * A CREATE over a subject that does not take the schema of its columns can read, and not write (`notRegistered`).
 */

import { type Position, UserError } from '../../base/index.ts';
import type { SourceProperties } from '../analyze/properties.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { type Format, isWrapped, type SchemaTranslation, type Side } from '../formats/format.ts';
import { formatNamed } from '../formats/index.ts';
import { checkedProperties } from '../formats/properties.ts';
import { schemaId } from '../formats/schema-properties.ts';
import type { NewSchema } from '../registry/plan-schemas.ts';
import { type KnownSchema, notRegistered, type ResolvedSchema, subjectOf } from '../registry/schema.ts';
import type { Column } from '../types/schema.ts';
import { printType, typesEqual } from '../types/type.ts';
import { placed } from './sources.ts';
import type { StatementContext } from './statement.ts';

interface SideOfTopic {
  /** The stream or table. */
  readonly source: string;
  readonly topic: string;
  readonly side: Side;
  readonly formatName: string;
  readonly properties: SourceProperties;
  readonly context: StatementContext;
}

const givenOf = ({ side, properties }: SideOfTopic) =>
  (side === 'key' ? properties.keyProperties : properties.valueProperties) ?? [];

const givenId = (at: SideOfTopic): { readonly id: number; readonly at: Position } | undefined => {
  const given = givenOf(at).find(({ name }) => name === schemaId.name);
  return given === undefined ? undefined : { id: Number(given.value), at: given.at };
};

const placeOf = (side: SideOfTopic): Position | undefined =>
  givenId(side)?.at ?? (side.side === 'key' ? side.properties.keyFormat : side.properties.valueFormat)?.at;

/** The columns of a side for which a CREATE declares none; undefined: the format has no schemas. `declared`: the
 *  statement has columns of this side. */
export const inferredColumns = (where: SideOfTopic, declared: boolean): readonly Column[] | undefined => {
  const at = where.side === 'key' ? where.properties.keyFormat?.at : where.properties.valueFormat?.at;
  const format = placed(at, () => formatNamed(where.formatName));
  const { schemas } = format;
  checkedProperties(format, givenOf(where));
  const given = givenId(where);
  if (declared && given !== undefined) {
    throw new UserError(
      'SQL_PROPERTY_CONFLICT',
      `the ${where.side} columns are declared, and ${nameOf(where, schemaId.name)} is given as well`,
      { at: given.at, hint: 'Leave the columns out, they are taken from the schema; or leave the property out.' },
    );
  }
  if (declared || schemas === undefined) return undefined;
  const schema = schemaOfSide(where, schemas);
  const columns = columnsIn(where, format, schemas, schema);
  if (where.side === 'key' && columns.length > 1) {
    throw new UserError(
      'SQL_SCHEMA_COLUMNS',
      `the key schema of the topic "${where.topic}" has several columns, which cannot be taken from a schema`,
      { at: placeOf(where), hint: 'Declare the key columns in the statement.' },
    );
  }
  return columns;
};

const nameOf = ({ side }: SideOfTopic, property: string): string => `${side.toUpperCase()}_${property}`;

/** The schema by its id, or the last version of the subject. */
const schemaOfSide = (where: SideOfTopic, schemas: SchemaTranslation): KnownSchema => {
  const { topic, side, context } = where;
  const given = givenId(where);
  const schema = given === undefined ? context.schemas.latest(subjectOf(topic, side)) : context.schemas.byId(given.id);
  if (schema === undefined) {
    throw new UserError(
      'SQL_UNKNOWN_SCHEMA',
      given === undefined
        ? `there is no ${side} schema of the topic "${topic}": the registry has no subject "${subjectOf(topic, side)}"`
        : `the registry has no schema with the id ${given.id} for the ${side}s of the topic "${topic}"`,
      { at: placeOf(where), hint: `Declare the ${side} columns in the statement, or register a schema first.` },
    );
  }
  if (schema.type !== schemas.type) {
    throw new UserError(
      'SQL_SCHEMA_TYPE',
      `the ${side} format ${where.formatName} takes schemas of the type ${schemas.type}, and the ${side} schema of the topic "${topic}" is of the type ${schema.type}`,
      { at: placeOf(where), hint: `Choose another ${side.toUpperCase()}_FORMAT.` },
    );
  }
  return schema;
};

const columnsIn = (
  where: SideOfTopic,
  format: Format,
  schemas: SchemaTranslation,
  schema: ResolvedSchema,
  wrapSingle = where.properties.wrapSingleValue?.value,
): readonly Column[] => {
  const { side, topic } = where;
  const properties = Object.fromEntries(givenOf(where).map(({ name, value }) => [name, value]));
  const names = schemas.fullNames?.(schema) ?? [];
  if (names.length > 1 && !Object.keys(properties).some((name) => name.endsWith('SCHEMA_FULL_NAME'))) {
    throw new UserError(
      'SQL_SCHEMA_DEFINITIONS',
      `the ${side} schema of the topic "${topic}" has several definitions: ${names.join(', ')}`,
      { at: placeOf(where), hint: `Choose one: ${nameOf(where, 'SCHEMA_FULL_NAME')}='${names[0]}'.` },
    );
  }
  const wrapped = side === 'key' ? format.wrapping === 'always' : (wrapSingle ?? format.wrapping !== 'never');
  try {
    return schemas.columnsOf(schema, {
      side,
      wrapped,
      properties,
      names: givenId(where) === undefined ? 'upper-case' : 'as-written',
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.code, `the ${side} schema of the topic "${topic}" cannot be used: ${error.message}`, {
      at: placeOf(where),
      hint: error.hint,
      cause: error,
    });
  }
};

/** The choice with the schema that rows are written with, and what is to be registered for it. With ALTER a source that
 *  could be written stays so. */
export const withSchema = (
  where: SideOfTopic,
  choice: FormatChoice,
  columns: readonly Column[],
  purpose: 'create' | 'create-as' | 'alter',
  inferred: boolean,
): { readonly choice: FormatChoice; readonly register: readonly NewSchema[] } => {
  const { topic, side, context } = where;
  const format = formatNamed(choice.name);
  const { schemas } = format;
  if (schemas === undefined || columns.length === 0) return { choice, register: [] };
  const subject = subjectOf(topic, side);
  const wrapped = isWrapped(format, columns, side, side === 'key' ? undefined : choice.wrapSingleValue);
  const options = { side, wrapped, properties: choice.properties };
  const decided = (schema: ResolvedSchema, must: boolean) => {
    if (must) {
      const [fault] = context.schemas.incompatibilities(subject, schema);
      if (fault !== undefined) {
        throw new UserError(
          'SQL_SCHEMA_INCOMPATIBLE',
          `the ${side} schema cannot be registered for the subject "${subject}", whose versions it is not compatible with: ${fault}`,
          {
            at: placeOf(where),
            hint:
              purpose === 'alter'
                ? 'Change the compatibility of the subject first.'
                : 'Choose another KAFKA_TOPIC, or change the compatibility of the subject.',
          },
        );
      }
    }
    const known = context.schemas.register(subject, schema);
    return { choice: { ...choice, schema: known }, register: [{ subject, schema: known }] };
  };
  if (givenId(where) !== undefined) {
    const schema = schemaOfSide(where, schemas);
    if (purpose === 'create-as') {
      const held = columnsIn(where, format, schemas, schema, wrapped);
      const missing = columns.find(
        (column) => !held.some(({ name, type }) => name === column.name && typesEqual(type, column.type)),
      );
      if (missing !== undefined) {
        throw new UserError(
          'SQL_SCHEMA_COLUMNS',
          `the ${side} column "${missing.name}" of type ${printType(missing.type)} is not in the schema with the id ${schema.id}`,
          {
            at: placeOf(where),
            hint: `The schema has ${held.map(({ name, type }) => `${name} ${printType(type)}`).join(', ')}.`,
          },
        );
      }
    }
    const misfit = schemas.misfit(columns, schema, options);
    if (misfit !== undefined && purpose === 'create-as') {
      throw new UserError(
        'SQL_SCHEMA_COLUMNS',
        `the ${side} columns cannot be written with the schema with the id ${schema.id}: ${misfit}`,
        { at: placeOf(where) },
      );
    }
    const { register } = decided(schema, true);
    return { choice: { ...choice, schema }, register: register.map((one) => ({ ...one, schema })) };
  }
  const latest = context.schemas.latest(subject);
  if (inferred && latest !== undefined) return { choice: { ...choice, schema: latest }, register: [] };
  const own: ResolvedSchema = {
    type: schemas.type,
    schema: schemas.schemaOf(columns, { ...options, source: where.source }),
    definitions: [],
  };
  if (purpose === 'create-as') return decided(own, true);
  if (latest === undefined) return decided(own, false);
  if (latest.type === schemas.type && schemas.misfit(columns, latest, options) === undefined) {
    return { choice: { ...choice, schema: latest }, register: [] };
  }
  if (context.schemas.incompatibilities(subject, own).length === 0) return decided(own, false);
  if (purpose === 'alter' && choice.schema?.id !== notRegistered) return decided(own, true);
  return { choice: { ...choice, schema: { ...own, id: notRegistered } }, register: [] };
};
