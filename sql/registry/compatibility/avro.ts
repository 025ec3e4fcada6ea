/**
 * The rules of Avro schemas: schema resolution as the specification has it.
 *
 * Data is read with a schema of its own where types are equal or widen (int to long, float, double; string and bytes
 * both ways), where records, enums and fixed have the same name, of which the namespace does not count, or the reader's
 * has the writer's full name as an alias, where fields that the writer does not have have a default, and where each
 * branch of the writer's union can be read. Logical types do not count.
 */

import { unreachable } from '../../../base/index.ts';
import type { AvroEnum, AvroFixed, AvroRecord, AvroType } from '../schemas/avro.ts';
import { avroJson, parseAvro, shortName } from '../schemas/avro.ts';
import type { SchemaRules } from './rules.ts';
import { Steps } from './steps.ts';

/** What a reader's type reads besides itself. */
const widens: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

class Resolution {
  readonly #steps = new Steps();
  /** By reader, then writer; while a pair is being compared it counts as compatible, for types that contain
   *  themselves. */
  readonly #found = new Map<AvroType, Map<AvroType, readonly string[]>>();

  faults(reader: AvroType, writer: AvroType, path: string): readonly string[] {
    this.#steps.take();
    const ofReader = this.#found.get(reader) ?? new Map<AvroType, readonly string[]>();
    this.#found.set(reader, ofReader);
    const known = ofReader.get(writer);
    // All of them were told where the pair was found first: told everywhere they would be more with each reference.
    if (known !== undefined) return known.slice(0, 1);
    ofReader.set(writer, []);
    const faults = this.#compare(reader, writer, path);
    ofReader.set(writer, faults);
    return faults;
  }

  #compare(reader: AvroType, writer: AvroType, path: string): readonly string[] {
    if (writer.kind === 'union') return writer.branches.flatMap((branch) => this.faults(reader, branch, path));
    const differ = (): readonly string[] => [`${path} was ${describe(writer)}, and is ${describe(reader)} now`];
    switch (reader.kind) {
      case 'union': {
        const read = reader.branches.some((branch) => this.faults(branch, writer, path).length === 0);
        return read ? [] : [`${path} has no branch for ${describe(writer)} any more`];
      }
      case 'array':
        return writer.kind === 'array' ? this.faults(reader.items, writer.items, `${path}[]`) : differ();
      case 'map':
        return writer.kind === 'map' ? this.faults(reader.values, writer.values, `${path}[]`) : differ();
      case 'fixed':
        if (writer.kind !== 'fixed') return differ();
        if (!sameName(reader, writer)) return renamed(reader, writer, path);
        return reader.size === writer.size ? [] : [`${path} had ${writer.size} bytes, and has ${reader.size} now`];
      case 'enum': {
        if (writer.kind !== 'enum') return differ();
        if (!sameName(reader, writer)) return renamed(reader, writer, path);
        const symbols = new Set(reader.symbols);
        const lost = writer.symbols.find((symbol) => !symbols.has(symbol));
        return lost === undefined || reader.default !== undefined ? [] : [`${path} has lost the symbol ${lost}`];
      }
      case 'record':
        if (writer.kind !== 'record') return differ();
        return sameName(reader, writer) ? this.#fields(reader, writer, path) : renamed(reader, writer, path);
      case 'null':
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'bytes':
      case 'string':
        return reader.kind === writer.kind || widens[reader.kind]?.includes(writer.kind) === true ? [] : differ();
      default:
        return unreachable(reader);
    }
  }

  #fields(reader: AvroRecord, writer: AvroRecord, path: string): readonly string[] {
    const byName = new Map(writer.fields.map((field) => [field.name, field]));
    return reader.fields.flatMap((field) => {
      const at = `${path}.${field.name}`;
      const names = new Set([field.name, ...field.aliases]);
      const [former, other] = [...names].flatMap((name) => byName.get(name) ?? []);
      if (other !== undefined) return [`${at} stands for ${former?.name} and ${other.name}, which were two fields`];
      if (former !== undefined) return this.faults(field.type, former.type, at);
      return 'default' in field ? [] : [`${at} was added without a default`];
    });
  }
}

type Named = AvroRecord | AvroEnum | AvroFixed;

const sameName = (reader: Named, writer: Named): boolean =>
  shortName(reader.name) === shortName(writer.name) || reader.aliases.includes(writer.name);

const renamed = (reader: Named, writer: Named, path: string): readonly string[] => [
  `${path} was called "${writer.name}", and is called "${reader.name}" now`,
];

const describe = (type: AvroType): string => ('name' in type ? `${type.kind} "${type.name}"` : type.kind);

export const avroRules: SchemaRules = {
  check: (schema) => {
    parseAvro(schema);
  },
  normalized: ({ schema }) => JSON.stringify(avroJson(schema)),
  faults: (reader, writer) => new Resolution().faults(parseAvro(reader), parseAvro(writer), '$'),
};
