/**
 * The registry of a case: the schemas of its topics, and those that its statements register. Ids are given as they
 * come, but for those that the case names itself.
 */

import { readI32, writeI32 } from '../../base/index.ts';
import type { FormatChoice } from '../../sql/formats/choices.ts';
import type { Side } from '../../sql/formats/format.ts';
import { formatNamed } from '../../sql/formats/index.ts';
import { WriterSchemas } from '../../sql/formats/writer-schemas.ts';
import { type NewSchema, type SchemaSource, withSchemaIds } from '../../sql/registry/plan-schemas.ts';
import { contentKey, type KnownSchema, type ResolvedSchema, subjectOf } from '../../sql/registry/schema.ts';
import type { Column } from '../../sql/types/schema.ts';
import { type Case, type CaseTopic, type Json, writeJson } from './cases.ts';
import type { Forms } from './records.ts';

export class CaseSchemas implements SchemaSource {
  /** Of records, by their ids. */
  readonly writers = new WriterSchemas(() => Promise.resolve(undefined));
  readonly #latest = new Map<string, KnownSchema>();
  /** Those that stand in the case, by their subjects. */
  readonly #ofCase = new Map<string, KnownSchema>();
  readonly #known = new Map<string, KnownSchema>();
  /** Real ids of schemas that were registered, by those of the plan. */
  readonly #ids = new Map<number, number>();
  #nextId = 1;

  constructor({ topics, statements }: Pick<Case, 'topics' | 'statements'>) {
    this.#nextId += statements.reduce((sum, text) => sum + declaredSchemas(text, topics), 0);
    for (const topic of topics) {
      for (const side of ['key', 'value'] as const)
        this.#addTopic(topic, side, formatsIn(statements, topic.name, side));
    }
  }

  latest(subject: string): KnownSchema | undefined {
    return this.#latest.get(subject);
  }

  byId(id: number): KnownSchema | undefined {
    return this.writers.get(id);
  }

  incompatibilities(): readonly string[] {
    return [];
  }

  /** The first difference between the schemas that were registered for a topic and those that are expected; undefined:
   *  there is none. Topics of ksqlDB's own, such as repartitions, are left out: ours have no schemas in a registry. */
  registeredDifference(topic: CaseTopic): string | undefined {
    if (topic.name.startsWith('_confluent-ksql-')) return undefined;
    for (const side of ['key', 'value'] as const) {
      const schema = side === 'key' ? topic.keySchema : topic.valueSchema;
      if (schema === undefined || schema === null) continue;
      const wanted = schemaText(schema);
      const found = this.latest(subjectOf(topic.name, side));
      if (found === undefined || canonicalText(found.schema) !== canonicalText(wanted)) {
        return `the schema of the ${side} of ${topic.name} is ${found?.schema}, expected ${wanted}`;
      }
    }
    return undefined;
  }

  /** A plan, or another thing of a statement, with real ids for those of the schemas that it registers. */
  register<T>(data: T, schemas: readonly NewSchema[]): T {
    for (const { subject, schema } of schemas) {
      const known = this.#add(subject, schema);
      if (known.id !== schema.id) this.#ids.set(schema.id, known.id);
    }
    return this.withIds(data);
  }

  withIds<T>(data: T): T {
    return withSchemaIds(data, this.#ids);
  }

  /** A record that INSERT VALUES made, whose schema had an id of the plan. */
  framed(bytes: Uint8Array | null): Uint8Array | null {
    const id = bytes !== null && bytes.length >= 5 && bytes[0] === 0 ? this.#ids.get(readI32(bytes, 1)) : undefined;
    if (bytes === null || id === undefined) return bytes;
    const copy = bytes.slice();
    writeI32(copy, 1, id);
    return copy;
  }

  /** How the inputs of a topic are written: with the columns of its schema, where that stands in the case. */
  inputForms(topic: string, { schema, keyFormat, valueFormat }: Forms): Forms {
    const key = this.#given(topic, 'key', keyFormat);
    const value = this.#given(topic, 'value', valueFormat);
    return {
      schema: { ...schema, key: key?.columns ?? schema.key, value: value?.columns ?? schema.value },
      keyFormat: key?.choice ?? keyFormat,
      valueFormat: value?.choice ?? valueFormat,
    };
  }

  /** How the outputs on a topic are read: with the columns of the schema by whose id they were written, where the
   *  statement named one. */
  outputForms(topic: string, forms: Forms): Forms {
    const given = this.inputForms(topic, forms);
    return {
      schema: {
        ...forms.schema,
        key: isNamed(forms.keyFormat) ? given.schema.key : forms.schema.key,
        value: isNamed(forms.valueFormat) ? given.schema.value : forms.schema.value,
      },
      keyFormat: forms.keyFormat,
      valueFormat: forms.valueFormat,
    };
  }

  #given(
    topic: string,
    side: Side,
    choice: FormatChoice,
  ): { readonly columns: readonly Column[]; readonly choice: FormatChoice } | undefined {
    const schema = this.#ofCase.get(subjectOf(topic, side));
    const { schemas, wrapping } = formatNamed(choice.name);
    if (schema === undefined || schemas?.type !== schema.type) return undefined;
    const wrapped = side === 'key' ? wrapping === 'always' : choice.wrapSingleValue !== false;
    const options = { side, wrapped, properties: choice.properties, names: 'as-written' } as const;
    return { columns: schemas.columnsOf(schema, options), choice: { ...choice, schema } };
  }

  #addTopic(topic: CaseTopic, side: Side, named: string | undefined): void {
    const schema = side === 'key' ? topic.keySchema : (topic.valueSchema ?? topic.schema);
    if (schema === undefined || schema === null) return;
    const own = side === 'key' ? topic.keyFormat : topic.valueFormat;
    const name = (typeof own === 'string' ? own : own?.format) ?? topic.format ?? named;
    const type = name === undefined || name === 'JSON' ? name : formatNamed(name).schemas?.type;
    if (type === undefined) return;
    const references = (side === 'key' ? topic.keySchemaReferences : topic.valueSchemaReferences) ?? [];
    const id = side === 'key' ? topic.keySchemaId : topic.valueSchemaId;
    const subject = subjectOf(topic.name, side);
    const known = this.#add(
      subject,
      {
        type,
        schema: schemaText(schema),
        references: references.map((each) => ({ name: each.name, subject: each.name, version: 1 })),
        definitions: references.map((each) => ({ name: each.name, schema: schemaText(each.schema) })),
      },
      id,
    );
    this.#ofCase.set(subject, known);
  }

  #add(subject: string, schema: ResolvedSchema, id?: number): KnownSchema {
    const key = id === undefined ? contentKey(schema) : `${id}`;
    while (this.writers.get(this.#nextId) !== undefined) this.#nextId++;
    const known = this.#known.get(key) ?? { ...schema, id: id ?? this.#nextId++ };
    this.#known.set(key, known);
    this.#known.set(contentKey(schema), known);
    this.#latest.set(subject, known);
    this.writers.add(known);
    return known;
  }
}

/** The format of a topic that does not tell its own: as a statement over it has it, or any statement. */
const formatsIn = (statements: readonly string[], topic: string, side: Side): string | undefined => {
  const property = new RegExp(`\\b(?:${side}_)?format\\s*=\\s*'(avro|protobuf|json_sr)'`, 'i');
  const over = new RegExp(`kafka_topic\\s*=\\s*'${topic}'`, 'i');
  const first =
    statements.find((text) => over.test(text) && property.test(text)) ?? statements.find((text) => property.test(text));
  return first === undefined ? undefined : property.exec(first)?.[1];
};

const isNamed = ({ properties }: FormatChoice): boolean => properties?.['SCHEMA_ID'] !== undefined;

/** How many schemas a CREATE with columns has registered, by the time that those of the topics come. */
const declaredSchemas = (text: string, topics: readonly CaseTopic[]): number => {
  if (!/^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:SOURCE\s+)?(?:STREAM|TABLE)\s+\S+\s*\(/i.test(text)) return 0;
  if (topics.some(({ name }) => new RegExp(`kafka_topic\\s*=\\s*'${name}'`, 'i').test(text))) return 0;
  return (['key', 'value'] as const).filter((side) => formatsIn([text], '', side) !== undefined).length;
};

const schemaText = (schema: Json): string =>
  typeof schema === 'string' && !/^\w+$/.test(schema) ? schema : writeJson(schema);

/** A text without what means nothing: the order of members and blanks in JSON, runs of blanks elsewhere. */
const canonicalText = (text: string): string => {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    return text.trim().replaceAll(/\s+/g, ' ');
  }
  return JSON.stringify(json, (_, value: Json) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
};
