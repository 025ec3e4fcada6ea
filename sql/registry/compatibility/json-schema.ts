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
import { isObject, type Json, type JsonObject, type Place, SchemaTexts } from '../schemas/json-schema.ts';
import type { SchemaRules } from './rules.ts';
import { Steps } from './steps.ts';

/** A part of a schema, with the texts that it can refer to. */
interface Part extends Place<Json | undefined> {
  readonly texts: SchemaTexts;
}

const rootOf = (schema: ResolvedSchema): Part => {
  const texts = new SchemaTexts(schema);
  return { ...texts.root, texts };
};

/** The part behind references; nothing where there is none, or where they go in a circle. */
const resolved = (part: Part): Part => {
  let at = part;
  for (let step = 0; step < 100; step++) {
    const reference = isObject(at.schema) ? at.schema['$ref'] : undefined;
    if (typeof reference !== 'string') return at;
    at = { ...at, schema: undefined, ...at.texts.referred(at.document, reference) };
  }
  return { ...at, schema: undefined };
};

const within = (part: Part, schema: Json | undefined): Part => ({ ...part, schema });

/** The alternatives of a schema: its own, or itself alone. Each counts once, by however many ways the schema refers to
 *  it: `seen` are those that were come to. */
const alternativesOf = (part: Part, seen = new Set<Json>()): readonly Part[] => {
  const { schema } = part;
  if (!isObject(schema)) return [part];
  if (seen.has(schema)) return [];
  seen.add(schema);
  const { oneOf, anyOf, type, ...rest } = schema;
  const listed = oneOf ?? anyOf;
  if (Array.isArray(listed)) {
    return (listed as readonly Json[]).flatMap((each) => alternativesOf(resolved(within(part, each)), seen));
  }
  if (Array.isArray(type)) return (type as readonly Json[]).map((each) => within(part, { ...rest, type: each }));
  return [part];
};

/** How the alternatives of a schema go together: a list of types is one of which any may hold. */
const kindOf = ({ schema }: Part): 'oneOf' | 'anyOf' | undefined => {
  if (!isObject(schema)) return undefined;
  if (Array.isArray(schema['oneOf'])) return 'oneOf';
  return Array.isArray(schema['anyOf']) || Array.isArray(schema['type']) ? 'anyOf' : undefined;
};

/** Whether everything is valid. */
const isAnything = (schema: Json | undefined): boolean =>
  schema === true || schema === undefined || (isObject(schema) && Object.keys(schema).length === 0);

class Comparison {
  readonly #steps = new Steps();
  /** By reader, then writer; while a pair is being compared it counts as compatible, for schemas that contain
   *  themselves. */
  readonly #found = new Map<Json | undefined, Map<Json | undefined, readonly string[]>>();

  faults(readerPart: Part, writerPart: Part, path: string): readonly string[] {
    this.#steps.take();
    const [reader, writer] = [resolved(readerPart), resolved(writerPart)];
    if (isAnything(reader.schema) || writer.schema === false) return [];
    if (reader.schema === false) return [`${path} is not allowed any more`];
    if (isAnything(writer.schema)) return [`${path} could be anything before, and is restricted now`];
    const ofReader = this.#found.get(reader.schema) ?? new Map<Json | undefined, readonly string[]>();
    this.#found.set(reader.schema, ofReader);
    const known = ofReader.get(writer.schema);
    // All of them were told where the pair was found first: told everywhere they would be more with each reference.
    if (known !== undefined) return known.slice(0, 1);
    ofReader.set(writer.schema, []);
    const faults = this.#alternatives(reader, writer, path);
    ofReader.set(writer.schema, faults);
    return faults;
  }

  #alternatives(reader: Part, writer: Part, path: string): readonly string[] {
    const readers = alternativesOf(reader);
    const writers = alternativesOf(writer);
    if (readers.length === 1 && writers.length === 1) {
      return this.#plain(readers[0] as Part, writers[0] as Part, path);
    }
    if (kindOf(reader) === 'oneOf' && kindOf(writer) === 'anyOf' && readers.length > 1) {
      return [`${path} could be of several alternatives at once, and is of exactly one now`];
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
    this.#steps.take();
    const [r, w] = [reader.schema, writer.schema];
    if (isAnything(r)) return [];
    if (isAnything(w)) return [`${path} could be anything before, and is restricted now`];
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
    const former = w['type'] ?? typeOfValues(w);
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
    if (r['type'] !== 'object' && now.size === 0) return [];
    const [required, formerlyRequired] = [new Set(listOf(r['required'])), new Set(listOf(w['required']))];
    const [rest, formerRest] = [r['additionalProperties'], w['additionalProperties']];
    const faults: string[] = [];
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      const at = `${path}.${name}`;
      const [property, former] = [now.get(name), before.get(name)];
      const optional = !required.has(name) || hasDefault(property);
      if (property !== undefined && former !== undefined) {
        faults.push(...this.faults(within(reader, property), within(writer, former), at));
        if (!optional && !formerlyRequired.has(name)) faults.push(`${at} is required now, without a default`);
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

const propertiesOf = ({ properties }: JsonObject): ReadonlyMap<string, Json | undefined> =>
  new Map(isObject(properties) ? Object.entries(properties) : []);

const listOf = (given: Json | undefined): readonly Json[] => (Array.isArray(given) ? (given as readonly Json[]) : []);

const hasDefault = (schema: Json | undefined): boolean => isObject(schema) && schema['default'] !== undefined;

/** The values that a schema allows, where it lists them. */
const valuesOf = ({ enum: values, const: value }: JsonObject): readonly Json[] | undefined =>
  Array.isArray(values) ? (values as readonly Json[]) : value === undefined ? undefined : [value];

/** The type of the values that a schema lists, where they have one. */
const typeOfValues = (schema: JsonObject): string | undefined => {
  const types = new Set(valuesOf(schema)?.map((value) => (Number.isInteger(value) ? 'integer' : typeof value)));
  const [type] = types;
  return types.size === 1 && type !== 'object' ? type : undefined;
};

const enumFaults = (r: JsonObject, w: JsonObject, path: string): readonly string[] => {
  const allowed = valuesOf(r)?.map((value) => JSON.stringify(value));
  if (allowed === undefined) return [];
  const now = new Set(allowed);
  const before = valuesOf(w)?.map((value) => JSON.stringify(value));
  if (before === undefined) return [`${path} allows certain values only now`];
  const lost = before.find((value) => !now.has(value));
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

const typeNames: ReadonlySet<Json> = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']);

/** Keywords whose value is a schema, a list of them, or an object of them. */
const inner = [
  'items',
  'additionalItems',
  'contains',
  'additionalProperties',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
];
const innerLists = ['allOf', 'anyOf', 'oneOf'];
const innerObjects = ['properties', 'patternProperties', 'definitions', '$defs'];

const mostDepth = 200;

/** Raises an error for what no validator would take as a schema. */
const checkPart = ({ schema, ...part }: Part, path: string, depth = 0): void => {
  const fail = (why: string): never => {
    throw new Error(`${path} ${why}`);
  };
  if (depth > mostDepth) throw new Error(`it is more than ${mostDepth} levels deep`);
  if (typeof schema === 'boolean') return;
  if (!isObject(schema)) return fail('is not an object, true or false, as a JSON Schema is');
  const { $ref: reference, type, required } = schema;
  const types = Array.isArray(type) ? (type as readonly Json[]) : type === undefined ? [] : [type];
  const unknown = types.find((each) => !typeNames.has(each));
  if (unknown !== undefined) fail(`has the type ${JSON.stringify(unknown)}, which there is not`);
  if (required !== undefined && typeof required !== 'boolean' && !Array.isArray(required))
    fail('needs a list as "required"');
  // An anchor, and another server's text, are not looked up.
  const isPlace = typeof reference === 'string' && /^(?![a-z]+:)[^#]*(#(\/.*)?)?$/.test(reference);
  if (isPlace && part.texts.referred(part.document, reference) === undefined) {
    fail(`refers to ${reference}, which there is not`);
  }
  const check = (name: string, each: Json | undefined): void =>
    checkPart({ ...part, schema: each }, `${path}.${name}`, depth + 1);
  for (const name of inner) {
    const given = schema[name];
    // The items of a tuple are a list.
    if (Array.isArray(given)) (given as readonly Json[]).forEach((each, i) => check(`${name}[${i}]`, each));
    else if (given !== undefined) check(name, given);
  }
  for (const name of innerLists) {
    const given = schema[name];
    if (Array.isArray(given)) (given as readonly Json[]).forEach((each, i) => check(`${name}[${i}]`, each));
    else if (given !== undefined) fail(`needs a list as "${name}"`);
  }
  for (const name of innerObjects) {
    const given = schema[name];
    if (isObject(given)) Object.entries(given).forEach(([key, each]) => check(key, each));
    else if (given !== undefined) fail(`needs an object as "${name}"`);
  }
};

export const jsonSchemaRules: SchemaRules = {
  check: (schema) => checkPart(rootOf(schema), '$'),
  normalized: ({ schema }) => JSON.stringify(sorted(JSON.parse(schema) as Json)),
  faults: (reader, writer) => new Comparison().faults(rootOf(reader), rootOf(writer), '$'),
};
