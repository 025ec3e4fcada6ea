/**
 * The rules of JSON Schemas, as Confluent's registry has them: whether what is valid by the writer's schema is valid by
 * the reader's.
 *
 * What matters most is the *content model* of objects. An object is open where it may have properties that its schema
 * does not name, as by default; then a reader must not add a property, since writers may have used that name for
 * something else, but may leave one out. It is closed with `additionalProperties: false`; then it is the other way
 * round, and what is added must not be required, or has a default.
 */

import type { ResolvedSchema } from '../schema.ts';
import type { SchemaRules } from './rules.ts';

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** A part of a text, with the texts that it can refer to. */
interface Part {
  readonly schema: Json | undefined;
  readonly document: Json;
  readonly others: ReadonlyMap<string, Json>;
}

const isObject = (given: Json | undefined): given is JsonObject =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

const rootOf = ({ schema, definitions }: ResolvedSchema): Part => {
  const document = JSON.parse(schema) as Json;
  const others = new Map(definitions.map(({ name, schema: text }) => [name, JSON.parse(text) as Json]));
  return { schema: document, document, others };
};

/** The part behind references. */
const resolved = (part: Part): Part => {
  let at = part;
  for (let step = 0; step < 100; step++) {
    const reference = isObject(at.schema) ? at.schema['$ref'] : undefined;
    if (typeof reference !== 'string') return at;
    const [name = '', pointer = ''] = reference.split('#');
    const document = name === '' ? at.document : at.others.get(name);
    let schema: Json | undefined = document;
    for (const step of pointer.split('/').slice(1)) {
      schema = isObject(schema) ? schema[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
    }
    at = { schema, document: document ?? null, others: at.others };
  }
  return at;
};

const within = (part: Part, schema: Json | undefined): Part => ({ ...part, schema });

/** The alternatives of a schema: its own, or itself alone. */
const alternativesOf = (part: Part): readonly Part[] => {
  const { schema } = part;
  if (!isObject(schema)) return [part];
  const { oneOf, anyOf, type, ...rest } = schema;
  const listed = oneOf ?? anyOf;
  if (Array.isArray(listed))
    return (listed as readonly Json[]).flatMap((each) => alternativesOf(resolved(within(part, each))));
  if (Array.isArray(type)) return (type as readonly Json[]).map((each) => within(part, { ...rest, type: each }));
  return [part];
};

/** Whether everything is valid. */
const isAnything = (schema: Json | undefined): boolean =>
  schema === true || schema === undefined || (isObject(schema) && Object.keys(schema).length === 0);

class Comparison {
  /** By the texts of reader and writer; while a pair is being compared it counts as compatible, for schemas that contain
   *  themselves. */
  readonly #found = new Map<string, readonly string[]>();

  faults(readerPart: Part, writerPart: Part, path: string): readonly string[] {
    const [reader, writer] = [resolved(readerPart), resolved(writerPart)];
    if (isAnything(reader.schema) || writer.schema === false) return [];
    if (reader.schema === false) return [`${path} is not allowed any more`];
    if (isAnything(writer.schema)) return [`${path} could be anything before, and is restricted now`];
    const pair = `${JSON.stringify(reader.schema)}|${JSON.stringify(writer.schema)}`;
    const known = this.#found.get(pair);
    if (known !== undefined) return known;
    this.#found.set(pair, []);
    const faults = this.#alternatives(reader, writer, path);
    this.#found.set(pair, faults);
    return faults;
  }

  #alternatives(reader: Part, writer: Part, path: string): readonly string[] {
    const readers = alternativesOf(reader);
    const writers = alternativesOf(writer);
    if (readers.length === 1 && writers.length === 1) {
      return this.#plain(readers[0] as Part, writers[0] as Part, path);
    }
    return writers.flatMap((each) => {
      const found = readers.map((one) => this.#plain(one, each, path));
      return found.some((faults) => faults.length === 0)
        ? []
        : [
            found.length === 1
              ? (found[0]?.[0] ?? '')
              : `${path} has lost the alternative ${JSON.stringify(each.schema)}`,
          ];
    });
  }

  #plain(reader: Part, writer: Part, path: string): readonly string[] {
    const [r, w] = [reader.schema, writer.schema];
    if (!isObject(r) || !isObject(w)) return [];
    if (Array.isArray(r['allOf'])) {
      const parts = Array.isArray(w['allOf']) ? (w['allOf'] as readonly Json[]) : [w];
      return (r['allOf'] as readonly Json[]).flatMap((each) => {
        const found = parts.map((one) => this.faults(within(reader, each), within(writer, one), path));
        return found.some((faults) => faults.length === 0) ? [] : (found[0]?.slice(0, 1) ?? []);
      });
    }
    if (Array.isArray(w['allOf'])) {
      const found = (w['allOf'] as readonly Json[]).map((one) => this.faults(reader, within(writer, one), path));
      return found.some((faults) => faults.length === 0) ? [] : (found[0]?.slice(0, 1) ?? []);
    }
    const type = r['type'];
    const former = w['type'];
    if (type !== undefined && former !== undefined && type !== former && !(type === 'number' && former === 'integer')) {
      return [`${path} was of the type ${String(former)}, and is of the type ${String(type)} now`];
    }
    return [
      ...enumFaults(r, w, path),
      ...boundFaults(r, w, path),
      ...this.#itemFaults(reader, writer, r, w, path),
      ...this.#propertyFaults(reader, writer, r, w, path),
    ];
  }

  #itemFaults(reader: Part, writer: Part, r: JsonObject, w: JsonObject, path: string): readonly string[] {
    if (r['items'] === undefined) return [];
    if (Array.isArray(r['items']) || Array.isArray(w['items'])) {
      const [now, before] = [listOf(r['items']), listOf(w['items'])];
      return now.flatMap((each, i) =>
        before[i] === undefined ? [] : this.faults(within(reader, each), within(writer, before[i]), `${path}[${i}]`),
      );
    }
    return this.faults(within(reader, r['items']), within(writer, w['items']), `${path}[]`);
  }

  #propertyFaults(reader: Part, writer: Part, r: JsonObject, w: JsonObject, path: string): readonly string[] {
    const [now, before] = [propertiesOf(r), propertiesOf(w)];
    if (r['type'] !== 'object' && Object.keys(now).length === 0) return [];
    const [required, formerlyRequired] = [listOf(r['required']), listOf(w['required'])];
    const [rest, formerRest] = [r['additionalProperties'], w['additionalProperties']];
    const faults: string[] = [];
    for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const at = `${path}.${name}`;
      const [property, former] = [now[name], before[name]];
      const optional = !required.includes(name) || hasDefault(property);
      if (property !== undefined && former !== undefined) {
        faults.push(...this.faults(within(reader, property), within(writer, former), at));
        if (!optional && !formerlyRequired.includes(name)) faults.push(`${at} is required now, without a default`);
      } else if (property === undefined) {
        if (rest === false) {
          if (former !== false) faults.push(`${at} is gone, and other properties are not allowed`);
        } else if (isObject(rest)) faults.push(...this.faults(within(reader, rest), within(writer, former), at));
      } else if (formerRest === false) {
        if (!optional) faults.push(`${at} was added, and is required without a default`);
      } else if (isObject(formerRest)) {
        faults.push(...this.faults(within(reader, property), within(writer, formerRest), at));
      } else if (!isAnything(property)) {
        faults.push(`${at} was added where other properties were allowed before`);
      } else if (!optional) faults.push(`${at} is required now, without a default`);
    }
    if (rest === false && formerRest !== false) faults.push(`${path} does not allow other properties any more`);
    if (isObject(rest) && !isAnything(rest)) {
      if (isObject(formerRest))
        faults.push(...this.faults(within(reader, rest), within(writer, formerRest), `${path}.*`));
      else if (formerRest !== false) faults.push(`${path} restricts its other properties now`);
    }
    return faults;
  }
}

const propertiesOf = (schema: JsonObject): JsonObject => (isObject(schema['properties']) ? schema['properties'] : {});

const listOf = (given: Json | undefined): readonly Json[] => (Array.isArray(given) ? (given as readonly Json[]) : []);

const hasDefault = (schema: Json | undefined): boolean => isObject(schema) && schema['default'] !== undefined;

const enumFaults = (r: JsonObject, w: JsonObject, path: string): readonly string[] => {
  const valuesOf = (schema: JsonObject): readonly string[] | undefined => {
    const { enum: values, const: value } = schema;
    if (Array.isArray(values)) return (values as readonly Json[]).map((each) => JSON.stringify(each));
    return value === undefined ? undefined : [JSON.stringify(value)];
  };
  const now = valuesOf(r);
  if (now === undefined) return [];
  const before = valuesOf(w);
  if (before === undefined) return [`${path} allows certain values only now`];
  const lost = before.find((value) => !now.includes(value));
  return lost === undefined ? [] : [`${path} does not allow the value ${lost} any more`];
};

/** Bounds that must not become closer: upper ones, then lower ones. */
const upperBounds = ['maxLength', 'maximum', 'exclusiveMaximum', 'maxItems', 'maxProperties'] as const;
const lowerBounds = ['minLength', 'minimum', 'exclusiveMinimum', 'minItems', 'minProperties'] as const;

const boundFaults = (r: JsonObject, w: JsonObject, path: string): readonly string[] => {
  const closer = (name: string, isCloser: (now: number, before: number) => boolean): readonly string[] => {
    const [now, before] = [r[name], w[name]];
    if (typeof now !== 'number') return [];
    return typeof before === 'number' && !isCloser(now, before) ? [] : [`${path} has a closer ${name} now`];
  };
  const faults = [
    ...upperBounds.flatMap((name) => closer(name, (now, before) => now < before)),
    ...lowerBounds.flatMap((name) => closer(name, (now, before) => now > before)),
  ];
  const { pattern, multipleOf, uniqueItems } = r;
  if (pattern !== undefined && pattern !== w['pattern']) faults.push(`${path} has another pattern now`);
  const former = w['multipleOf'];
  if (typeof multipleOf === 'number' && !(typeof former === 'number' && former % multipleOf === 0)) {
    faults.push(`${path} has another multipleOf now`);
  }
  if (uniqueItems === true && w['uniqueItems'] !== true) faults.push(`${path} allows no equal items any more`);
  return faults;
};

/** The same text for schemas that differ in blanks and in the order of names. */
const sorted = (value: Json): Json => {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name] ?? null)]));
};

export const jsonSchemaRules: SchemaRules = {
  check(schema) {
    const { schema: root } = rootOf(schema);
    if (typeof root !== 'boolean' && !isObject(root)) throw new Error('a JSON Schema is an object, true or false');
  },
  normalized: ({ schema }) => JSON.stringify(sorted(JSON.parse(schema) as Json)),
  faults: (reader, writer) => new Comparison().faults(rootOf(reader), rootOf(writer), '$'),
};
