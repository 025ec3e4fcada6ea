/**
 * Schemas of Avro: their text as a tree.
 *
 * The text is JSON. A named type is declared once and referred to by its name afterwards, from within itself as well,
 * so the tree may have cycles. Attributes that mean nothing to Avro are kept where they mean something to Kafka
 * Connect, whose converter is what most programs write such topics with: a record marked as `MapEntry` is the entry of
 * a map.
 *
 * The parser is our own: schemas are parsed where statements are planned, which is synchronous; a library would have to
 * be loaded before, and drops the attributes.
 */

import { closest, UserError } from '../../../base/index.ts';
import { isIdentifier, type ResolvedSchema } from '../schema.ts';

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

/** What a logical type makes of the type beneath; of the others, only the type beneath counts. */
export type AvroLogical =
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' | 'time-millis' | 'timestamp-millis' };

export interface AvroScalar {
  readonly kind: AvroPrimitive;
  readonly logical?: AvroLogical | undefined;
}

export interface AvroFixed {
  readonly kind: 'fixed';
  /** With its namespace, as all names in the tree. */
  readonly name: string;
  readonly aliases: readonly string[];
  readonly size: number;
  readonly logical?: AvroLogical | undefined;
}

export interface AvroEnum {
  readonly kind: 'enum';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly symbols: readonly string[];
  readonly default?: string | undefined;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly aliases: readonly string[];
  /** As JSON; absent: the field has none. */
  readonly default?: unknown;
}

export interface AvroRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly fields: readonly AvroField[];
}

export interface AvroArray {
  readonly kind: 'array';
  readonly items: AvroType;
  /** The items are the entries of a map, records of `key` and `value`. */
  readonly entries: boolean;
}

export interface AvroMap {
  readonly kind: 'map';
  readonly values: AvroType;
}

export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
}

export type AvroType = AvroScalar | AvroFixed | AvroEnum | AvroRecord | AvroArray | AvroMap | AvroUnion;

const primitives: ReadonlySet<string> = new Set<AvroPrimitive>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);

const isPrimitive = (name: string): name is AvroPrimitive => primitives.has(name);

/** A name behind a namespace, which may be empty. */
const isFullName = (name: string): boolean => name.split('.').every(isIdentifier);

/** The last part of a name with a namespace. */
export const shortName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** `null` and something else, in whichever order: the something else. */
export const optionalOf = (type: AvroType): AvroType | undefined => {
  if (type.kind !== 'union' || type.branches.length !== 2) return undefined;
  const [first, second] = type.branches as readonly [AvroType, AvroType];
  return first.kind === 'null' ? second : second.kind === 'null' ? first : undefined;
};

/** Kafka Connect's name for entries of maps, in schemas that were made without the attribute. */
const connectEntry = 'io.confluent.connect.avro.MapEntry';

const mostDepth = 200;

type Attributes = Readonly<Record<string, unknown>>;

/** The tree of a schema. Raises `UserError` with what is wrong and where in the schema it stands. */
export const parseAvro = ({ schema, definitions }: Pick<ResolvedSchema, 'schema' | 'definitions'>): AvroType => {
  const parser = new AvroParser();
  for (const definition of definitions) parser.parse(definition.schema);
  return parser.parse(schema);
};

/** The text as JSON. That of a single primitive may come without its quotes. */
export const avroJson = (text: string): unknown => {
  const name = text.trim();
  if (isPrimitive(name)) return name;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError('SQL_INVALID_SCHEMA', 'the schema is not JSON, as Avro schemas are', { cause: error });
  }
};

class AvroParser {
  readonly #named = new Map<string, AvroType>();
  /** The way to the part that is read, for messages. */
  readonly #path: string[] = [];

  parse(text: string): AvroType {
    return this.#type(avroJson(text), '');
  }

  #fail(sentence: string, hint?: string): never {
    const where = this.#path.length === 0 ? '' : ` at ${this.#path.join('.')}`;
    throw new UserError('SQL_INVALID_SCHEMA', `the Avro schema is wrong${where}: ${sentence}`, { hint });
  }

  #within<T>(step: string, read: () => T): T {
    this.#path.push(step);
    if (this.#path.length > mostDepth) this.#fail(`it is more than ${mostDepth} levels deep`);
    const result = read();
    this.#path.pop();
    return result;
  }

  #type(json: unknown, namespace: string): AvroType {
    if (typeof json === 'string') return this.#reference(json, namespace);
    if (Array.isArray(json)) return this.#union(json, namespace);
    if (typeof json !== 'object' || json === null) return this.#fail('a type is a name, an object or an array');
    const attributes = json as Attributes;
    const { type } = attributes;
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(attributes, namespace);
      case 'enum':
        return this.#enum(attributes, namespace);
      case 'fixed':
        return this.#fixed(attributes, namespace);
      case 'array': {
        const items = this.#within('items', () => this.#type(attributes['items'], namespace));
        return { kind: 'array', items, entries: isEntry(items, this.#entries) };
      }
      case 'map':
        return { kind: 'map', values: this.#within('values', () => this.#type(attributes['values'], namespace)) };
      default:
        break;
    }
    if (typeof type === 'string' && isPrimitive(type)) {
      const logical = logicalOf(type, attributes, undefined);
      return logical === undefined ? { kind: type } : { kind: type, logical };
    }
    if (type === undefined) return this.#fail('an object needs a "type"');
    return this.#type(type, namespace);
  }

  #reference(name: string, namespace: string): AvroType {
    if (isPrimitive(name)) return { kind: name };
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (found !== undefined) return found;
    const near = closest(name, [...primitives, ...this.#named.keys()]);
    return this.#fail(`there is no type "${name}"`, near === undefined ? undefined : `Did you mean "${near}"?`);
  }

  #union(json: readonly unknown[], namespace: string): AvroType {
    const branches = json.map((branch, i) => this.#within(String(i), () => this.#type(branch, namespace)));
    const seen = new Set<string>();
    for (const branch of branches) {
      if (branch.kind === 'union') this.#fail('a union stands within a union');
      const name = 'name' in branch ? branch.name : branch.kind;
      if (seen.has(name)) this.#fail(`the union has ${name} twice`);
      seen.add(name);
    }
    return { kind: 'union', branches };
  }

  /** The full names of a declared type, and the namespace for what it holds. */
  #name(
    attributes: Attributes,
    outer: string,
  ): { readonly name: string; readonly aliases: readonly string[]; readonly namespace: string } {
    const { name, namespace } = attributes;
    if (typeof name !== 'string' || !isFullName(name)) return this.#fail(`${JSON.stringify(name)} is not a name`);
    if (namespace !== undefined && typeof namespace !== 'string') return this.#fail('a namespace is a text');
    const full = fullName(name, namespace ?? outer);
    if (this.#named.has(full)) return this.#fail(`"${full}" is declared twice`);
    const inside = full.slice(0, Math.max(full.lastIndexOf('.'), 0));
    const aliases = texts(attributes['aliases']).map((alias) => fullName(alias, inside));
    return { name: full, aliases, namespace: inside };
  }

  readonly #entries = new WeakSet<AvroType>();

  #record(attributes: Attributes, outer: string): AvroType {
    const { name, aliases: formerNames, namespace } = this.#name(attributes, outer);
    const fields: AvroField[] = [];
    const record: AvroRecord = { kind: 'record', name, aliases: formerNames, fields };
    this.#named.set(name, record);
    if (attributes['connect.internal.type'] === 'MapEntry' || name === connectEntry) this.#entries.add(record);
    const list = attributes['fields'];
    if (!Array.isArray(list)) return this.#fail(`the record ${name} has no list of fields`);
    const seen = new Set<string>();
    for (const json of list as readonly unknown[]) {
      if (typeof json !== 'object' || json === null) return this.#fail(`a field of ${name} is not an object`);
      const field = json as Attributes;
      const own = field['name'];
      if (typeof own !== 'string' || !isIdentifier(own))
        return this.#fail(`${JSON.stringify(own)} is not a field's name`);
      if (seen.has(own)) return this.#fail(`the field ${own} is there twice`);
      seen.add(own);
      const type = this.#within(own, () => this.#type(field['type'], namespace));
      const aliases = texts(field['aliases']);
      fields.push(
        Object.hasOwn(field, 'default')
          ? { name: own, type, aliases, default: field['default'] }
          : { name: own, type, aliases },
      );
    }
    return record;
  }

  #enum(attributes: Attributes, outer: string): AvroType {
    const { name, aliases } = this.#name(attributes, outer);
    const symbols = texts(attributes['symbols']);
    if (
      !Array.isArray(attributes['symbols']) ||
      new Set(symbols).size < symbols.length ||
      !symbols.every(isIdentifier)
    ) {
      return this.#fail(`the enum ${name} needs symbols, each a name and each once`);
    }
    const fallback = attributes['default'];
    if (typeof fallback === 'string' && !symbols.includes(fallback)) {
      return this.#fail(`the default ${fallback} of the enum ${name} is not one of its symbols`);
    }
    const type: AvroEnum = {
      kind: 'enum',
      name,
      aliases,
      symbols,
      ...(typeof fallback === 'string' && { default: fallback }),
    };
    this.#named.set(name, type);
    return type;
  }

  #fixed(attributes: Attributes, outer: string): AvroType {
    const { name, aliases } = this.#name(attributes, outer);
    const { size } = attributes;
    if (!Number.isSafeInteger(size) || (size as number) < 0) return this.#fail(`the fixed ${name} needs a size`);
    const logical = logicalOf('fixed', attributes, size as number);
    const type: AvroFixed = {
      kind: 'fixed',
      name,
      aliases,
      size: size as number,
      ...(logical !== undefined && { logical }),
    };
    this.#named.set(name, type);
    return type;
  }
}

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;

const texts = (json: unknown): readonly string[] =>
  Array.isArray(json) ? json.filter((each): each is string => typeof each === 'string') : [];

const isEntry = (items: AvroType, marked: WeakSet<AvroType>): boolean =>
  items.kind === 'record' &&
  marked.has(items) &&
  ['key', 'value'].every((name) => items.fields.some((field) => field.name === name));

/** A logical type that does not fit the type beneath it is passed over, as Avro demands. */
const logicalOf = (kind: string, attributes: Attributes, size: number | undefined): AvroLogical | undefined => {
  const { logicalType: logical, precision, scale = 0 } = attributes;
  switch (logical) {
    case 'decimal': {
      if (kind !== 'bytes' && kind !== 'fixed') return undefined;
      if (!isWhole(precision) || !isWhole(scale) || precision < 1 || scale > precision) return undefined;
      const most = size === undefined ? Number.POSITIVE_INFINITY : Math.floor(Math.log10(2) * (8 * size - 1));
      return precision > most ? undefined : { kind: 'decimal', precision, scale };
    }
    case 'date':
    case 'time-millis':
      return kind === 'int' ? { kind: logical } : undefined;
    case 'timestamp-millis':
      return kind === 'long' ? { kind: logical } : undefined;
    default:
      return undefined;
  }
};

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
