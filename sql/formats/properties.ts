/**
 * Properties of WITH that belong to formats: `KEY_DELIMITER`, `VALUE_SCHEMA_ID`. A format lists those that it takes;
 * this file reads them for every format, and lists the properties of formats that are not there yet.
 */

import { UserError } from '../../base/index.ts';
import type { Format, FormatProperty } from './format.ts';
import { knownFormats } from './index.ts';

/** Names that the dialect has, without KEY_ and VALUE_, and what they are for: the hint where a format does not take
 *  one. */
const dialect: Readonly<Record<string, string>> = {
  DELIMITER: 'It is for the format DELIMITED: leave it out.',
  SCHEMA_ID: 'It is for formats with a schema registry: name the columns in the statement instead.',
  SCHEMA_FULL_NAME: 'It is for formats with a schema registry: name the columns in the statement instead.',
  AVRO_SCHEMA_FULL_NAME: 'It is for formats with a schema registry: name the columns in the statement instead.',
  PROTOBUF_NULLABLE_REPRESENTATION: 'It is for formats that write Protocol Buffers: leave it out.',
};

/** Every property of a format that can stand in WITH, without KEY_ and VALUE_. */
export const formatPropertyNames = (): readonly string[] => [
  ...new Set([
    ...Object.keys(dialect),
    ...knownFormats().flatMap(({ properties }) => properties.map(({ name }) => name)),
  ]),
];

/** Why a format does not take this value of a property, named as it was given; undefined when it does. */
export const propertyFault = (format: Format, name: string, given: string, value: string): UserError | undefined => {
  const property = format.properties.find((each): each is FormatProperty => each.name === name);
  if (property === undefined) {
    return new UserError('SQL_PROPERTY_CONFLICT', `the format ${format.name} does not take the property ${given}`, {
      hint: dialect[name] ?? 'Leave it out.',
    });
  }
  const fault = property.fault(value);
  if (fault === undefined) return undefined;
  return new UserError('SQL_INVALID_PROPERTY', `the property ${given} takes ${fault}, not '${value}'`);
};
