/** Schemas of a registry as data: what is registered, and what is found. */

export const schemaTypes = ['AVRO', 'JSON', 'PROTOBUF'] as const;
export type SchemaType = (typeof schemaTypes)[number];

/** A schema that another one uses: under which name, and where it is registered. */
export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as it is registered. */
export interface SchemaText {
  readonly type: SchemaType;
  readonly schema: string;
  readonly references?: readonly SchemaReference[] | undefined;
}

/** The text behind a reference, by the name that it is referred to. */
export interface Definition {
  readonly name: string;
  readonly schema: string;
}

/** A schema with all that it refers to, directly or not; what others need comes before them, each name once. */
export interface ResolvedSchema extends SchemaText {
  readonly definitions: readonly Definition[];
}

/** A registered schema. An id stands for the same schema for ever. */
export interface KnownSchema extends ResolvedSchema {
  readonly id: number;
}

/** One version of a subject. */
export interface SubjectVersion extends KnownSchema {
  readonly subject: string;
  /** From 1. */
  readonly version: number;
}

/** The id of a schema that could not be registered: rows cannot be written with it. No registry gives it out. */
export const notRegistered = 0;

/** The subject of one side of a topic: Confluent's TopicNameStrategy. */
export const subjectOf = (topic: string, side: 'key' | 'value'): string => `${topic}-${side}`;

/** Whether both are the same schema: the same text, and the same references. */
export const sameSchema = (a: SchemaText, b: SchemaText): boolean => contentKey(a) === contentKey(b);

/** What tells schemas apart. */
export const contentKey = ({ type, schema, references = [] }: SchemaText): string =>
  JSON.stringify([type, schema, ...references.map(({ name, subject, version }) => [name, subject, version])]);

/** Whether a name is of letters, digits and `_`, a digit not first: what schemas of Avro and Protocol Buffers take. */
export const isIdentifier = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
