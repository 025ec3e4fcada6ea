/** The formats there are. A new one is a file beside this one and a line here. */

import { assert, closest, type Position, UserError } from '../../base/index.ts';
import type { Column } from '../types/schema.ts';
import { avro } from './avro/avro.ts';
import type { FormatChoice } from './choices.ts';
import { delimited } from './delimited.ts';
import { type Format, type FormatOptions, isWrapped, type Side } from './format.ts';
import { json } from './json.ts';
import { jsonSr } from './json-sr.ts';
import { kafka } from './kafka.ts';
import { none } from './none.ts';
import { protobuf, protobufNosr } from './protobuf/protobuf.ts';
import type { WriterSchemas } from './writer-schemas.ts';

export const formats: readonly Format[] = [avro, delimited, json, jsonSr, kafka, none, protobuf, protobufNosr];

/** The format of keys where nothing names one. */
export const defaultKeyFormat: Format = kafka;

/** The format of records without a key. */
export const keylessFormat: Format = none;

/** Formats that were added in this thread. */
const added: Format[] = [];

/** Makes a format known in this thread until the returned function is called. A query in a worker needs it there
 *  too. */
export const registerFormat = (format: Format): (() => void) => {
  assert(format.name === format.name.toUpperCase(), `the name of the format ${format.name} is in upper case`);
  assert(
    knownFormats().every((other) => other.name !== format.name),
    `there is already a format ${format.name}`,
  );
  added.push(format);
  return () => {
    const at = added.indexOf(format);
    if (at >= 0) added.splice(at, 1);
  };
};

/** The formats of this thread. */
export const knownFormats = (): readonly Format[] => (added.length === 0 ? formats : [...formats, ...added]);

/** The format of this name, without regard to case. */
export const formatNamed = (name: string, at?: Position): Format => {
  const upper = name.toUpperCase();
  const known = knownFormats();
  const found = known.find((format) => format.name === upper);
  if (found !== undefined) return found;
  const names = known.map((format) => format.name);
  const all = `The formats are ${names.join(', ')}.`;
  const near = closest(upper, names);
  throw new UserError('SQL_UNKNOWN_FORMAT', `there is no format called "${name}"`, {
    at,
    hint: near === undefined ? all : `Did you mean "${near}"?`,
  });
};

const loading = new WeakMap<Format, Promise<void>>();

/** Loads what these formats need besides (`SchemaTranslation.load`); other names are left to `formatNamed`. */
export const loadFormats = async (names: Iterable<string>): Promise<void> => {
  for (const name of new Set(names)) {
    const format = knownFormats().find((each) => each.name === name.toUpperCase());
    const load = format?.schemas?.load;
    if (format === undefined || load === undefined) continue;
    let loaded = loading.get(format);
    if (loaded === undefined) {
      loaded = load();
      loading.set(format, loaded);
      loaded.catch(() => loading.delete(format));
    }
    await loaded;
  }
};

/** The format of one side, and the options with which its readers and writers of these columns are made. `writers`: for
 *  readers of records that others may have written. */
export const formatOf = (
  { name, wrapSingleValue, properties, schema }: FormatChoice,
  columns: readonly Column[],
  side: Side,
  writers?: WriterSchemas,
): { readonly format: Format; readonly options: FormatOptions } => {
  const format = formatNamed(name);
  const wrapped = isWrapped(format, columns, side, side === 'key' ? undefined : wrapSingleValue);
  return {
    format,
    options: {
      side,
      wrapped,
      ...(properties !== undefined && { properties }),
      ...(schema !== undefined && { schema }),
      ...(writers !== undefined && { writers }),
    },
  };
};
