/**
 * The text of a schema as a tree, by the parser of protobufjs, which is loaded when it is first needed (`loadParser`).
 *
 * Nothing else of that library is used: what it knows of a schema is copied into our own tree.
 */

import type protobufjs from 'protobufjs';
import { assert, messageOf, UserError } from '../../../base/index.ts';
import type { ResolvedSchema } from '../schema.ts';
import {
  type ProtoDeclaration,
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  type ProtoOneof,
  type ProtoScalar,
  type ProtoType,
  wire,
  wireOf,
} from './protobuf.ts';
import { knownFiles } from './protobuf-known-files.ts';
import { hasTooManyFields, mostFields } from './protobuf-size.ts';

type Library = typeof protobufjs;

let library: Library | undefined;

export const loadParser = async (): Promise<void> => {
  library ??= (await import('protobufjs')).default;
};

export interface ParseOptions {
  /** Of types that neither the text nor what it refers to declares: a fault, or a message of that name without fields.
   *  What a service uses is not looked at then. */
  readonly unknownTypes: 'refuse' | 'name only';
}

/** The tree of a schema. Raises `UserError` for a text that is none. */
export const parseProto = (
  { schema, definitions }: Pick<ResolvedSchema, 'schema' | 'definitions'>,
  { unknownTypes }: ParseOptions = { unknownTypes: 'refuse' },
): ProtoFile => {
  assert(library !== undefined, 'the parser has been loaded');
  const { Root, parse } = library;
  if (hasTooManyFields([schema, ...definitions.map((definition) => definition.schema)])) {
    const why = `the schema has too many fields: one message may have ${mostFields}, several have fewer each`;
    throw new UserError('SQL_INVALID_SCHEMA', why, { hint: 'Group fields in messages of their own.' });
  }
  try {
    // Once by itself, to see what it declares; and once among all that it refers to.
    const own = parse(schema, new Root(), options);
    const root = new Root();
    const added = new Set<string>();
    for (const { name, schema: text } of definitions) {
      added.add(name);
      addImports(library, root, parse(text, root, options).imports, added);
    }
    addImports(library, root, parse(schema, root, options).imports, added);
    const undeclared = new Set<protobufjs.Type>();
    if (unknownTypes === 'name only') nameUnknownTypes(library, root, undeclared);
    root.resolveAll();
    const scope = own.package === undefined ? own.root : own.root.lookup(own.package);
    const names = declared(library, (scope as protobufjs.Namespace | null) ?? own.root);
    const prefix = own.package === undefined ? '' : `${own.package}.`;
    const trees = new Trees(library, undeclared);
    return {
      package: own.package ?? '',
      messages: names.map((name) => trees.declaration(root.lookupType(prefix + name))),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = error instanceof RangeError ? 'its messages refer to each other in too long a chain' : messageOf(error);
    throw new UserError('SQL_INVALID_SCHEMA', `the Protocol Buffers schema is wrong: ${why}`, { cause: error });
  }
};

const options = { keepCase: true } as const;

const declared = ({ Type }: Library, scope: protobufjs.Namespace): string[] =>
  scope.nestedArray.filter((each) => each instanceof Type).map(({ name }) => name);

/** Files of Google's and Confluent's that schemas import without their being registered. */
const addImports = (
  from: Library,
  root: protobufjs.Root,
  imports: readonly string[] | undefined,
  added: Set<string>,
): void => {
  for (const name of imports ?? []) {
    const known = knownFiles[name];
    if (known === undefined || added.has(name)) continue;
    added.add(name);
    addImports(from, root, from.parse(known, root, options).imports, added);
  }
};

/** Declares what fields use and nothing declares; leaves out services and extensions. */
const nameUnknownTypes = (from: Library, scope: protobufjs.Namespace, made: Set<protobufjs.Type>): void => {
  const { Type, Enum, Namespace, Service, Field, types } = from;
  for (const each of [...scope.nestedArray]) {
    if (each instanceof Service || each instanceof Field) scope.remove(each);
    else if (each instanceof Namespace) nameUnknownTypes(from, each, made);
  }
  if (!(scope instanceof Type)) return;
  for (const field of scope.fieldsArray) {
    if (Object.hasOwn(types.basic, field.type) || scope.lookup(field.type, [Type, Enum]) !== null) continue;
    const path = field.type.replace(/^\./, '').split('.');
    const parent = path.length === 1 ? scope.root : scope.root.define(path.slice(0, -1));
    const type = new Type(path.at(-1) as string);
    parent.add(type);
    made.add(type);
  }
};

class Trees {
  readonly #library: Library;
  readonly #messages = new Map<protobufjs.Type, ProtoMessage>();
  readonly #undeclared: ReadonlySet<protobufjs.Type>;

  constructor(from: Library, undeclared: ReadonlySet<protobufjs.Type>) {
    this.#library = from;
    this.#undeclared = undeclared;
  }

  declaration(type: protobufjs.Type): ProtoDeclaration {
    const { Type } = this.#library;
    // A group declares its message where the field is: it is none of its own.
    const groups = new Set(
      type.fieldsArray.filter(({ delimited }) => delimited).map((field) => field.resolve().resolvedType),
    );
    const nested = type.nestedArray.filter(
      (each): each is protobufjs.Type => each instanceof Type && !groups.has(each),
    );
    return { message: this.message(type), nested: nested.map((each) => this.declaration(each)) };
  }

  message(type: protobufjs.Type): ProtoMessage {
    const known = this.#messages.get(type);
    if (known !== undefined) return known;
    const fields: ProtoField[] = [];
    const message: ProtoMessage = {
      kind: 'message',
      name: type.fullName.slice(1),
      fields,
      ...(this.#undeclared.has(type) && { undeclared: true }),
    };
    // Before its fields, of which one may be of the same type.
    this.#messages.set(type, message);
    const choices = new Map(
      type.oneofsArray
        .filter((oneof) => oneof.isProto3Optional !== true)
        .map((oneof, index): [protobufjs.OneOf, ProtoOneof] => [oneof, { name: oneof.name, index }]),
    );
    for (const field of type.fieldsArray) {
      if (field.name.startsWith('.')) continue;
      fields.push(this.#field(field, choices, message.name));
    }
    return message;
  }

  #field(field: protobufjs.Field, choices: ReadonlyMap<protobufjs.OneOf, ProtoOneof>, parent: string): ProtoField {
    const { MapField } = this.#library;
    const { name, id: number } = field;
    if (field instanceof MapField) {
      const inner = { repeated: false, packed: false, presence: false };
      const entry: ProtoMessage = {
        kind: 'message',
        name: `${parent}.${name}Entry`,
        fields: [
          { name: 'key', number: 1, type: scalarType(field.keyType), ...inner },
          { name: 'value', number: 2, type: this.#type(field), ...inner },
        ],
      };
      return { name, number, type: entry, repeated: true, packed: false, presence: false, map: true };
    }
    const type = this.#type(field);
    const oneof = field.partOf === null ? undefined : choices.get(field.partOf);
    return {
      name,
      number,
      type,
      repeated: field.repeated,
      packed: field.repeated && field.packed && isPackable(type),
      presence:
        !field.repeated &&
        (type.kind === 'message' || field.required || field.partOf !== null || field.hasPresence === true),
      ...(field.partOf?.isProto3Optional === true && { optional: true }),
      ...(field.required && { required: true }),
      ...(oneof !== undefined && { oneof }),
      ...(field.delimited && { group: true }),
      ...decimalOf(field),
    };
  }

  #type(field: protobufjs.Field): ProtoType {
    const { Enum, Type } = this.#library;
    const { resolvedType } = field.resolve();
    if (resolvedType === null) return scalarType(field.type);
    if (resolvedType instanceof Type) return this.message(resolvedType);
    assert(resolvedType instanceof Enum, 'the type of a field is a scalar, a message or an enum');
    const values = new Map<number, string>();
    for (const [name, value] of Object.entries(resolvedType.values)) if (!values.has(value)) values.set(value, name);
    return { kind: 'enum', name: resolvedType.fullName.slice(1), values } satisfies ProtoEnum;
  }
}

const isPackable = (type: ProtoType): boolean => wireOf(type) !== wire.length;

const scalarType = (name: string): ProtoType => ({ kind: 'scalar', scalar: name as ProtoScalar });

/** Precision and scale stand in an option of Confluent's, as parameters. */
const decimalOf = (field: protobufjs.Field): Pick<ProtoField, 'decimal'> => {
  const found = new Map<string, string>();
  const read = (json: unknown): void => {
    if (Array.isArray(json)) json.forEach(read);
    else if (typeof json === 'object' && json !== null) {
      const { key, value } = json as { readonly key?: unknown; readonly value?: unknown };
      if (typeof key === 'string' && typeof value === 'string') found.set(key, value);
      else Object.values(json).forEach(read);
    }
  };
  read(field.parsedOptions);
  const [precision, scale] = [Number(found.get('precision')), Number(found.get('scale') ?? 0)];
  return Number.isInteger(precision) && Number.isInteger(scale) && precision > 0 && scale >= 0 && scale <= precision
    ? { decimal: { precision, scale } }
    : {};
};
