/**
 * The rules of Avro schemas: schema resolution as the specification has it, with full names compared as Java does.
 *
 * Data is read with a schema of its own where types are equal or widen (int to long, float, double; string and bytes
 * both ways), where names of records, enums and fixed are equal or aliases, where fields that the writer does not have
 * have a default, and where each branch of the writer's union can be read.
 */

import type { ResolvedSchema } from '../schema.ts';
import type { SchemaRules } from './rules.ts';

type Json = unknown;

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;

/** What a reader's type reads besides itself. */
const widens: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

interface Field {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: Type;
  readonly hasDefault: boolean;
}

type Type =
  | { readonly kind: (typeof primitives)[number] }
  | { readonly kind: 'array' | 'map'; readonly inner: Type }
  | { readonly kind: 'union'; readonly branches: readonly Type[] }
  | { readonly kind: 'fixed'; readonly name: string; readonly aliases: readonly string[]; readonly size: number }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly aliases: readonly string[];
      readonly symbols: readonly string[];
      readonly hasDefault: boolean;
    }
  | { readonly kind: 'record'; readonly name: string; readonly aliases: readonly string[]; fields: readonly Field[] };

const identifier = /^[A-Za-z_]\w*$/;

/** Reads a schema; names that other texts define are known. Raises an `Error` for what is no schema. */
class Parser {
  readonly #named = new Map<string, Type>();

  parse(schema: Json, namespace = ''): Type {
    if (typeof schema === 'string') {
      const primitive = primitives.find((each) => each === schema);
      if (primitive !== undefined) return { kind: primitive };
      const found = this.#named.get(fullName(schema, namespace)) ?? this.#named.get(schema);
      if (found === undefined) throw new Error(`"${schema}" is not a type`);
      return found;
    }
    if (Array.isArray(schema)) {
      return { kind: 'union', branches: schema.map((each: Json) => this.parse(each, namespace)) };
    }
    if (typeof schema !== 'object' || schema === null) throw new Error(`${JSON.stringify(schema)} is not a type`);
    const { type, items, values, size, symbols, fields, aliases, ...rest } = schema as Readonly<Record<string, Json>>;
    switch (type) {
      case 'array':
        return { kind: type, inner: this.parse(items, namespace) };
      case 'map':
        return { kind: type, inner: this.parse(values, namespace) };
      case 'record':
      case 'error':
      case 'enum':
      case 'fixed': {
        const { name, namespace: own } = rest;
        if (typeof name !== 'string' || !name.split('.').every((part) => identifier.test(part))) {
          throw new Error(`${JSON.stringify(name)} cannot be the name of a type`);
        }
        const full = fullName(name, typeof own === 'string' ? own : namespace);
        const inside = full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '';
        const common = { name: full, aliases: textsOf(aliases).map((alias) => fullName(alias, inside)) };
        if (this.#named.has(full)) throw new Error(`the name "${full}" is defined twice`);
        if (type === 'fixed') return this.#define({ kind: type, ...common, size: Number(size) });
        if (type === 'enum') {
          return this.#define({ kind: type, ...common, symbols: textsOf(symbols), hasDefault: 'default' in rest });
        }
        const record: Type = { kind: 'record', ...common, fields: [] };
        this.#define(record);
        if (!Array.isArray(fields)) throw new Error(`the record "${full}" has no fields`);
        record.fields = fields.map((each: Json) => this.#field(each, inside));
        return record;
      }
      default:
        return this.parse(type, namespace);
    }
  }

  #field(given: Json, namespace: string): Field {
    const { name, type, aliases, ...rest } = given as Readonly<Record<string, Json>>;
    if (typeof name !== 'string' || !identifier.test(name)) {
      throw new Error(`${JSON.stringify(name)} cannot be the name of a field`);
    }
    return { name, aliases: textsOf(aliases), type: this.parse(type, namespace), hasDefault: 'default' in rest };
  }

  #define<T extends Type & { readonly name: string }>(type: T): T {
    this.#named.set(type.name, type);
    return type;
  }
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;

const textsOf = (given: Json): readonly string[] =>
  Array.isArray(given) ? given.filter((each): each is string => typeof each === 'string') : [];

const parsed = ({ schema, definitions }: ResolvedSchema): Type => {
  const parser = new Parser();
  for (const { schema: text } of definitions) parser.parse(JSON.parse(text));
  return parser.parse(jsonOf(schema));
};

/** The name of a primitive type may stand without quotes. */
const jsonOf = (text: string): Json =>
  primitives.some((each) => each === text.trim()) ? text.trim() : (JSON.parse(text) as Json);

class Resolution {
  /** By reader, then writer; while a pair is being compared it counts as compatible, for types that contain themselves.
   *  */
  readonly #found = new Map<Type, Map<Type, readonly string[]>>();

  faults(reader: Type, writer: Type, path: string): readonly string[] {
    const ofReader = this.#found.get(reader) ?? new Map<Type, readonly string[]>();
    this.#found.set(reader, ofReader);
    const known = ofReader.get(writer);
    if (known !== undefined) return known;
    ofReader.set(writer, []);
    const faults = this.#compare(reader, writer, path);
    ofReader.set(writer, faults);
    return faults;
  }

  #compare(reader: Type, writer: Type, path: string): readonly string[] {
    if (writer.kind === 'union') {
      return writer.branches.flatMap((branch) => this.faults(reader, branch, path));
    }
    if (reader.kind === 'union') {
      const read = reader.branches.some((branch) => this.faults(branch, writer, path).length === 0);
      return read ? [] : [`${path} has no branch for ${describe(writer)} any more`];
    }
    if (reader.kind !== writer.kind) {
      return widens[reader.kind]?.includes(writer.kind) === true
        ? []
        : [`${path} was ${describe(writer)}, and is ${describe(reader)} now`];
    }
    if ('name' in reader && 'name' in writer && reader.name !== writer.name && !reader.aliases.includes(writer.name)) {
      return [`${path} was called "${writer.name}", and is called "${reader.name}" now`];
    }
    if (reader.kind === 'array' || reader.kind === 'map') {
      return this.faults(reader.inner, (writer as typeof reader).inner, `${path}[]`);
    }
    if (reader.kind === 'fixed') {
      const { size } = writer as typeof reader;
      return size === reader.size ? [] : [`${path} had ${size} bytes, and has ${reader.size} now`];
    }
    if (reader.kind === 'enum') {
      const lost = (writer as typeof reader).symbols.find((symbol) => !reader.symbols.includes(symbol));
      return lost === undefined || reader.hasDefault ? [] : [`${path} has lost the symbol ${lost}`];
    }
    if (reader.kind !== 'record') return [];
    const { fields } = writer as typeof reader;
    return reader.fields.flatMap((field) => {
      const at = `${path}.${field.name}`;
      const former = fields.find(({ name }) => name === field.name || field.aliases.includes(name));
      if (former !== undefined) return this.faults(field.type, former.type, at);
      return field.hasDefault ? [] : [`${at} was added without a default`];
    });
  }
}

const describe = (type: Type): string => ('name' in type ? `${type.kind} "${type.name}"` : type.kind);

export const avroRules: SchemaRules = {
  check: (schema) => {
    parsed(schema);
  },
  normalized: ({ schema }) => JSON.stringify(jsonOf(schema)),
  faults: (reader, writer) => new Resolution().faults(parsed(reader), parsed(writer), '$'),
};
