/**
 * The rules of Protocol Buffers schemas, as Confluent's registry has them.
 *
 * Data is read with another version of a schema unless the package changed, a message is gone, a field of one number
 * has a kind of another wire form or another type, a required field came or went, a repeated number became a single one
 * or the other way round, or fields moved into or out of a `oneof`. Names of fields do not matter, and fields may come
 * and go.
 */

import type { ResolvedSchema } from '../schema.ts';
import type { SchemaRules } from './rules.ts';

interface Field {
  readonly name: string;
  readonly number: number;
  readonly label: string;
  readonly type: string;
  readonly oneOf: string | undefined;
}

interface Message {
  readonly fields: ReadonlyMap<number, Field>;
}

interface File {
  readonly package: string;
  readonly messages: ReadonlyMap<string, Message>;
  readonly enums: ReadonlySet<string>;
}

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

const wordsOf = (text: string): readonly string[] =>
  text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ' ').match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[\w.+-]+|\S/g) ?? [];

/** Reads what the rules look at, and steps over the rest. */
class Parser {
  readonly #words: readonly string[];
  readonly #messages = new Map<string, Message>();
  readonly #enums = new Set<string>();
  #at = 0;
  #package = '';

  constructor(text: string) {
    this.#words = wordsOf(text);
  }

  parse(): File {
    while (this.#at < this.#words.length) {
      const word = this.#next();
      if (word === 'package') {
        this.#package = this.#next();
        this.#skipStatement();
      } else if (word === 'message') this.#message('');
      else if (word === 'enum') this.#enum('');
      else if (word === 'syntax' || word === 'edition' || word === 'import' || word === 'option') this.#skipStatement();
      else if (word === 'service' || word === 'extend') this.#skipStatement();
      else if (word !== ';') throw new Error(`"${word}" cannot stand here`);
    }
    if (this.#messages.size === 0 && this.#enums.size === 0) throw new Error('there is no message');
    return { package: this.#package, messages: this.#messages, enums: this.#enums };
  }

  #next(): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new Error('the text ends too early');
    return word;
  }

  #expect(word: string): void {
    const found = this.#next();
    if (found !== word) throw new Error(`"${word}" is expected, not "${found}"`);
  }

  /** To the end of a statement, which is a semicolon or a block. */
  #skipStatement(): void {
    for (let depth = 0; ; ) {
      const word = this.#next();
      if (word === '{' || word === '[') depth++;
      else if (word === '}' || word === ']') depth--;
      if (depth === 0 && (word === ';' || word === '}')) return;
    }
  }

  #enum(scope: string): void {
    this.#enums.add(`${scope}${this.#next()}`);
    this.#expect('{');
    while (this.#words[this.#at] !== '}') this.#skipStatement();
    this.#expect('}');
  }

  #message(scope: string): void {
    const name = `${scope}${this.#next()}`;
    const fields = new Map<number, Field>();
    this.#messages.set(name, { fields });
    this.#expect('{');
    this.#fields(`${name}.`, fields, undefined);
  }

  #fields(scope: string, fields: Map<number, Field>, oneOf: string | undefined): void {
    for (;;) {
      const word = this.#next();
      switch (word) {
        case '}':
          return;
        case ';':
          break;
        case 'message':
          this.#message(scope);
          break;
        case 'enum':
          this.#enum(scope);
          break;
        case 'oneof': {
          const name = this.#next();
          this.#expect('{');
          this.#fields(scope, fields, name);
          break;
        }
        case 'option':
        case 'reserved':
        case 'extensions':
        case 'extend':
          this.#skipStatement();
          break;
        default:
          this.#field(word, fields, oneOf);
      }
    }
  }

  #field(first: string, fields: Map<number, Field>, oneOf: string | undefined): void {
    const labelled = first === 'repeated' || first === 'optional' || first === 'required';
    let type = labelled ? this.#next() : first;
    let label = labelled ? first : '';
    if (type === 'map') {
      this.#expect('<');
      const key = this.#next();
      this.#expect(',');
      type = `map<${key},${this.#next()}>`;
      label = 'repeated';
      this.#expect('>');
    }
    const name = this.#next();
    this.#expect('=');
    const number = Number(this.#next());
    if (!Number.isInteger(number)) throw new Error(`the field "${name}" has no number`);
    this.#skipStatement();
    fields.set(number, { name, number, label, type, oneOf });
  }
}

const parsed = ({ schema }: ResolvedSchema): File => new Parser(schema).parse();

/** A scalar as it is, an enum as `enum`; undefined: a message. */
const kindOf = (type: string, { enums }: File): string | undefined => {
  if (wireForms.some((form) => form.includes(type))) return type;
  const last = type.split('.').at(-1) ?? type;
  return [...enums].some((name) => name === type || name.split('.').at(-1) === last) ? 'enum' : undefined;
};

const fieldFaults = (
  reader: Field,
  writer: Field,
  files: { readonly reader: File; readonly writer: File },
  at: string,
) => {
  const kind = kindOf(reader.type, files.reader);
  const former = kindOf(writer.type, files.writer);
  const faults: string[] = [];
  if (kind === undefined || former === undefined) {
    if (reader.type.split('.').at(-1) !== writer.type.split('.').at(-1)) {
      faults.push(`${at} was of the type ${writer.type}, and is of the type ${reader.type} now`);
    }
  } else if (!wireForms.some((form) => form.includes(kind) && form.includes(former))) {
    faults.push(`${at} was of the type ${writer.type}, and is of the type ${reader.type} now`);
  }
  const numeric = kind !== undefined && kind !== 'string' && kind !== 'bytes';
  const repeats = (field: Field): boolean => field.label === 'repeated';
  if (numeric && repeats(reader) !== repeats(writer)) {
    faults.push(
      `${at} was ${repeats(writer) ? 'repeated' : 'single'}, and is ${repeats(reader) ? 'repeated' : 'single'} now`,
    );
  }
  return faults;
};

const messageFaults = (
  name: string,
  reader: Message,
  writer: Message,
  files: { readonly reader: File; readonly writer: File },
): readonly string[] => {
  const faults: string[] = [];
  const moved = new Map<string, number>();
  for (const [number, former] of writer.fields) {
    const at = `${name}.${former.name}`;
    const field = reader.fields.get(number);
    if (field === undefined) {
      if (former.label === 'required') faults.push(`${at} was required, and is gone`);
      if (former.oneOf !== undefined) faults.push(`${at} is gone from the oneof "${former.oneOf}"`);
      continue;
    }
    faults.push(...fieldFaults(field, former, files, at));
    if (field.oneOf === undefined || field.oneOf === former.oneOf) continue;
    const existed = [...writer.fields.values()].some(({ oneOf }) => oneOf === field.oneOf);
    if (existed) faults.push(`${at} moved into the oneof "${field.oneOf}", which was there before`);
    moved.set(field.oneOf, (moved.get(field.oneOf) ?? 0) + 1);
  }
  for (const [oneOf, count] of moved) {
    if (count > 1) faults.push(`${name}: several fields moved into the oneof "${oneOf}"`);
  }
  for (const [number, field] of reader.fields) {
    if (field.label === 'required' && !writer.fields.has(number)) {
      faults.push(`${name}.${field.name} was added, and is required`);
    }
  }
  return faults;
};

export const protobufRules: SchemaRules = {
  check: (schema) => {
    parsed(schema);
  },
  normalized: ({ schema }) => wordsOf(schema).join(' '),
  faults(reader, writer) {
    const files = { reader: parsed(reader), writer: parsed(writer) };
    if (files.reader.package !== files.writer.package) {
      return [`the package was "${files.writer.package}", and is "${files.reader.package}" now`];
    }
    return [...files.writer.messages].flatMap(([name, former]) => {
      const message = files.reader.messages.get(name);
      return message === undefined ? [`the message ${name} is gone`] : messageFaults(name, message, former, files);
    });
  },
};
