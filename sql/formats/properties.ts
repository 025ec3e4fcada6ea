/**
 * Properties of WITH that belong to formats: `KEY_DELIMITER`, `VALUE_SCHEMA_ID`. A format lists those that it takes;
 * this file reads them for every format, and lists the properties of formats that are not there yet.
 */

import { type Position, UserError } from '../../base/index.ts';
import type { Format, FormatProperty } from './format.ts';
import { knownFormats } from './index.ts';

/** A property as it was given: its name here, its name in WITH. */
interface GivenProperty {
  readonly name: string;
  readonly given: string;
  readonly value: string;
  readonly at: Position;
}

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

/** Raises an error with its place unless the format takes all of these. */
export const checkedProperties = (format: Format, given: readonly GivenProperty[]): void => {
  for (const { name, given: asGiven, value, at } of given) {
    const fault = propertyFault(format, name, asGiven, value);
    if (fault !== undefined) throw new UserError(fault.code, fault.message, { hint: fault.hint, at });
  }
};

/** The properties that a sink takes over from a source with the same format. */
export const inheritedProperties = (
  format: Format,
  properties: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(properties).filter(
      ([name]) => format.properties.find((each) => each.name === name)?.inherited ?? true,
    ),
  );

/** Why a format does not take this value of a property, named as it was given; undefined when it does. */
const propertyFault = (format: Format, name: string, given: string, value: string): UserError | undefined => {
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
