/**
 * Schemas of Protocol Buffers as a tree: what their text (`protobuf-text.ts`), or the columns of a source, tell of the
 * bytes.
 */

export type ProtoScalar =
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'sfixed32'
  | 'int64'
  | 'uint64'
  | 'sint64'
  | 'fixed64'
  | 'sfixed64'
  | 'bool'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes';

export interface ProtoScalarType {
  readonly kind: 'scalar';
  readonly scalar: ProtoScalar;
}

export interface ProtoEnum {
  readonly kind: 'enum';
  readonly name: string;
  readonly values: ReadonlyMap<number, string>;
}

export interface ProtoMessage {
  readonly kind: 'message';
  /** With its package and the messages around it. */
  readonly name: string;
  /** In the order of the text. */
  readonly fields: readonly ProtoField[];
  /** It stands for a type that is declared nowhere: its name is as it was used, and it has no fields. */
  readonly undeclared?: boolean | undefined;
}

export type ProtoType = ProtoScalarType | ProtoEnum | ProtoMessage;

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: ProtoType;
  readonly repeated: boolean;
  /** Whether several numbers are written behind one tag. Both forms are read. */
  readonly packed: boolean;
  /** Whether it is told apart from its default that the field is not there. */
  readonly presence: boolean;
  /** Whether it is declared as `optional`, of which follows `presence`. */
  readonly optional?: boolean | undefined;
  readonly required?: boolean | undefined;
  /** Whether it is declared as `map<…>`: the message of its entries is declared nowhere. */
  readonly map?: boolean | undefined;
  /** The choice that it belongs to: the same object in all of its fields. */
  readonly oneof?: ProtoOneof | undefined;
  /** Old and rare: written between two tags, and never read. */
  readonly group?: boolean | undefined;
  /** Of a decimal. */
  readonly decimal?: { readonly precision: number; readonly scale: number } | undefined;
}

export interface ProtoOneof {
  readonly name: string;
  /** Its place among those of the message. */
  readonly index: number;
}

/** The name under which a field is found among columns: its own, or that of the struct which stands for its choice. */
export const columnNameOf = ({ name, oneof }: ProtoField): string =>
  oneof === undefined ? name : `${oneof.name}_${oneof.index}`;

/** The messages of one text. */
export interface ProtoFile {
  readonly package: string;
  /** In the order of the text, each with those within it. */
  readonly messages: readonly ProtoDeclaration[];
}

export interface ProtoDeclaration {
  readonly message: ProtoMessage;
  readonly nested: readonly ProtoDeclaration[];
}

/** Messages that stand for one value. */
export const wellKnown = {
  decimal: 'confluent.type.Decimal',
  date: 'google.type.Date',
  time: 'google.type.TimeOfDay',
  timestamp: 'google.protobuf.Timestamp',
} as const;

export type WellKnown = keyof typeof wellKnown;

const wellKnownNames = new Map<string, WellKnown>(
  Object.entries(wellKnown).map(([kind, name]) => [name, kind as WellKnown]),
);

export const wellKnownOf = ({ name }: ProtoMessage): WellKnown | undefined => wellKnownNames.get(name);

/** The wrapper messages: a scalar that may be missing. */
export const wrappers: Readonly<Record<string, ProtoScalar>> = {
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.Int32Value': 'int32',
  'google.protobuf.UInt32Value': 'uint32',
  'google.protobuf.Int64Value': 'int64',
  'google.protobuf.UInt64Value': 'uint64',
  'google.protobuf.FloatValue': 'float',
  'google.protobuf.DoubleValue': 'double',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.BytesValue': 'bytes',
};

/** The field within a wrapper. */
export const wrappedField = (message: ProtoMessage): ProtoField | undefined =>
  Object.hasOwn(wrappers, message.name) ? message.fields[0] : undefined;

/** The entry of a map, however it was declared: `map<…>` or a repeated message of key and value whose name ends so. */
export const entryOf = ({ type, repeated }: ProtoField): { key: ProtoField; value: ProtoField } | undefined => {
  if (!repeated || type.kind !== 'message' || !type.name.endsWith('Entry') || type.fields.length !== 2)
    return undefined;
  const [key, value] = type.fields;
  if (key?.name !== 'key' || value?.name !== 'value' || key.repeated || key.type.kind === 'enum') return undefined;
  if (key.type.kind === 'message' && wrappedField(key.type) === undefined) return undefined;
  return { key, value };
};

/** The wire types: how the bytes behind a tag are bounded. */
export const wire = { varint: 0, bits64: 1, length: 2, groupStart: 3, groupEnd: 4, bits32: 5 } as const;

export const wireOfScalar = (scalar: ProtoScalar): number => {
  switch (scalar) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return wire.bits64;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return wire.bits32;
    case 'string':
    case 'bytes':
      return wire.length;
    case 'bool':
    case 'int32':
    case 'uint32':
    case 'sint32':
    case 'int64':
    case 'uint64':
    case 'sint64':
      return wire.varint;
  }
};

/** The wire type of one value of a type. */
export const wireOf = (type: ProtoType): number => {
  switch (type.kind) {
    case 'scalar':
      return wireOfScalar(type.scalar);
    case 'enum':
      return wire.varint;
    case 'message':
      return wire.length;
  }
};

/** The message at this place of a text: the indexes of the message and of those around it, outermost first. */
export const messageAt = (file: ProtoFile, path: readonly number[]): ProtoMessage | undefined => {
  let declarations = file.messages;
  let found: ProtoMessage | undefined;
  for (const index of path) {
    const declaration = declarations[index];
    if (declaration === undefined) return undefined;
    found = declaration.message;
    declarations = declaration.nested;
  }
  return found;
};

/** The message of this full name with its place. */
export const messageNamed = (
  file: ProtoFile,
  name: string,
): { readonly message: ProtoMessage; readonly path: readonly number[] } | undefined => {
  const search = (
    declarations: readonly ProtoDeclaration[],
    before: readonly number[],
  ): { readonly message: ProtoMessage; readonly path: readonly number[] } | undefined => {
    for (const [i, { message, nested }] of declarations.entries()) {
      const path = [...before, i];
      if (message.name === name) return { message, path };
      const found = search(nested, path);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(file.messages, []);
};
