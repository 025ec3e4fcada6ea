/**
 * The rules of Protocol Buffers schemas, as Confluent's registry has them.
 *
 * Data is read with another version of a schema unless the package changed, a message is gone, a field of one number
 * has a kind of another wire form or another message, a required field came or went, the declared label of a number
 * changed (one without a label goes with any), or fields moved into or out of a `oneof`. Names of fields do not matter,
 * and fields may come and go. Messages of other texts are compared where fields use them. A type that is declared
 * nowhere is compared by its name.
 */

import type { ResolvedSchema } from '../schema.ts';
import type { ProtoDeclaration, ProtoField, ProtoFile, ProtoMessage, ProtoType } from '../schemas/protobuf.ts';
import { parseProto } from '../schemas/protobuf-text.ts';
import type { SchemaRules } from './rules.ts';

/** Kinds of one wire form, whose values are read as each other's. */
const wireForms: readonly (readonly string[])[] = [
  ['int32', 'uint32', 'int64', 'uint64', 'bool', 'enum'],
  ['sint32', 'sint64'],
  ['string', 'bytes'],
  ['fixed32', 'sfixed32'],
  ['fixed64', 'sfixed64'],
  ['float'],
  ['double'],
];

/** A scalar as it is, an enum as `enum`; undefined: a message. */
const scalarOf = (type: ProtoType): string | undefined =>
  type.kind === 'scalar' ? type.scalar : type.kind === 'enum' ? 'enum' : undefined;

const typeName = (type: ProtoType): string => (type.kind === 'scalar' ? type.scalar : type.name);

/** The label that a field was declared with; undefined: none. */
const labelOf = ({ repeated, required, presence, oneof }: ProtoField): string | undefined => {
  if (repeated) return 'repeated';
  if (required === true) return 'required';
  return presence && oneof === undefined ? 'optional' : undefined;
};

const declaredIn = (declarations: readonly ProtoDeclaration[]): readonly ProtoMessage[] =>
  declarations.flatMap(({ message, nested }) => [message, ...declaredIn(nested)]);

/** Which package an undeclared message is of cannot be told. */
const sameMessage = (a: ProtoMessage, b: ProtoMessage): boolean =>
  a.undeclared === true || b.undeclared === true ? shortName(a.name) === shortName(b.name) : a.name === b.name;

const shortName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

class Comparison {
  readonly #reader: ProtoFile;
  readonly #writer: ProtoFile;
  /** The writer's messages that were compared, or are being compared. */
  readonly #compared = new Set<ProtoMessage>();

  constructor(reader: ProtoFile, writer: ProtoFile) {
    this.#reader = reader;
    this.#writer = writer;
  }

  faults(): readonly string[] {
    if (this.#reader.package !== this.#writer.package) {
      return [`the package was "${this.#writer.package}", and is "${this.#reader.package}" now`];
    }
    const messages = new Map(declaredIn(this.#reader.messages).map((message) => [message.name, message]));
    return declaredIn(this.#writer.messages).flatMap((former) => {
      const message = messages.get(former.name);
      return message === undefined
        ? [`the message ${this.#local(former.name)} is gone`]
        : this.#messageFaults(message, former);
    });
  }

  /** A name without the package. */
  #local(name: string): string {
    const { package: own } = this.#reader;
    return own !== '' && name.startsWith(`${own}.`) ? name.slice(own.length + 1) : name;
  }

  #messageFaults(reader: ProtoMessage, writer: ProtoMessage): readonly string[] {
    if (this.#compared.has(writer)) return [];
    this.#compared.add(writer);
    const name = this.#local(writer.name);
    const faults: string[] = [];
    const moved = new Map<string, number>();
    const now = new Map(reader.fields.map((field) => [field.number, field]));
    const hasChoice = ({ fields }: ProtoMessage, choice: string): boolean =>
      fields.some(({ oneof }) => oneof?.name === choice);
    for (const former of writer.fields) {
      const at = `${name}.${former.name}`;
      const field = now.get(former.number);
      if (field === undefined) {
        if (former.required === true) faults.push(`${at} was required, and is gone`);
        // A oneof may go as a whole.
        const choice = former.oneof?.name;
        const left = writer.fields.some(({ oneof, number }) => oneof?.name === choice && now.has(number));
        if (choice !== undefined && (left || hasChoice(reader, choice))) {
          faults.push(`${at} is gone from the oneof "${choice}"`);
        }
        continue;
      }
      faults.push(...this.#fieldFaults(field, former, at));
      const choice = field.oneof?.name;
      if (choice === undefined || choice === former.oneof?.name) continue;
      if (hasChoice(writer, choice)) {
        faults.push(`${at} moved into the oneof "${choice}", which was there before`);
      }
      if (former.oneof === undefined) moved.set(choice, (moved.get(choice) ?? 0) + 1);
    }
    for (const [oneof, count] of moved) {
      if (count > 1) faults.push(`${name}: several fields moved into the oneof "${oneof}"`);
    }
    const before = new Set(writer.fields.map(({ number }) => number));
    for (const { name: added, number, required } of reader.fields) {
      if (required === true && !before.has(number)) faults.push(`${name}.${added} was added, and is required`);
    }
    return faults;
  }

  #fieldFaults(reader: ProtoField, writer: ProtoField, at: string): readonly string[] {
    if ((reader.map === true) !== (writer.map === true)) {
      return [
        `${at} was ${writer.map === true ? 'a map' : 'no map'}, and is ${reader.map === true ? 'one' : 'none'} now`,
      ];
    }
    const differ = [`${at} was of the type ${typeName(writer.type)}, and is of the type ${typeName(reader.type)} now`];
    if (reader.type.kind === 'message' && writer.type.kind === 'message') {
      // The entry of a map is called after its field, which may have another name now.
      if (reader.map !== true && !sameMessage(reader.type, writer.type)) return differ;
      return this.#messageFaults(reader.type, writer.type);
    }
    const [kind, former] = [scalarOf(reader.type), scalarOf(writer.type)];
    if (kind === undefined || former === undefined) return differ;
    if (!wireForms.some((form) => form.includes(kind) && form.includes(former))) return differ;
    if (kind === 'string' || kind === 'bytes') return [];
    const [label, formerLabel] = [labelOf(reader), labelOf(writer)];
    return label === undefined || formerLabel === undefined || label === formerLabel
      ? []
      : [`${at} was ${formerLabel}, and is ${label} now`];
  }
}

/** Texts in quotes, comments, words, and single signs. */
const tokens = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*|[\w.+-]+|\S/g;

/** The text without comments, a statement a line. */
const normalized = (text: string): string => {
  let result = '';
  for (const [token] of text.matchAll(tokens)) {
    if (/^\/[/*]/.test(token)) continue;
    result += `${result === '' || result.endsWith('\n') ? '' : ' '}${token}${/^[;{}]$/.test(token) ? '\n' : ''}`;
  }
  return result;
};

const named = (schema: ResolvedSchema): ProtoFile => parseProto(schema, { unknownTypes: 'name only' });

export const protobufRules: SchemaRules = {
  check: (schema) => {
    parseProto(schema);
  },
  normalized: ({ schema }) => normalized(schema),
  faults: (reader, writer) => new Comparison(named(reader), named(writer)).faults(),
};
