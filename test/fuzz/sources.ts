/** Random sources, of any types in any formats, and random histories of their records. */

import { ByteWriter, type Random } from '../../base/index.ts';
import { SerdeError } from '../../sql/formats/format.ts';
import { formatOf } from '../../sql/formats/index.ts';
import { type Row, type Source, type SqlType, type Value } from '../../sql/index.ts';
import { normalizeBigint } from '../../sql/types/value.ts';
import type { Piped } from '../sql/support/running.ts';
import { typeTexts } from './expressions.ts';

const scalars = typeTexts.filter((text) => !text.includes('<'));
const formats: readonly (readonly [name: string, types: readonly string[]])[] = [
  ...(['JSON', 'JSON', 'JSON', 'JSON_SR', 'AVRO', 'PROTOBUF', 'PROTOBUF_NOSR'] as const).map(
    (name) => [name, typeTexts] as const,
  ),
  ['DELIMITED', scalars],
];

/** Two streams and two tables that can be joined by their keys, by `ref`, and the streams also by any column. */
export const randomSources = (random: Random): string => {
  const key = random.pick(['VARCHAR', 'VARCHAR', 'INT', 'BIGINT', 'DOUBLE']);
  return (['s', 'r', 't', 'u'] as const)
    .map((name) => {
      const table = name === 't' || name === 'u';
      const [format, types] = random.pick(formats);
      const columns = Array.from({ length: random.between(1, 5) }, (_, i) => `${name}${i} ${random.pick(types)}`);
      const keyFormat = random.pick(['KAFKA', 'KAFKA', 'JSON', 'AVRO', 'PROTOBUF', 'DELIMITED', 'JSON_SR']);
      const also = random.chance(0.15) && format.startsWith('JSON') ? ", WRAP_SINGLE_VALUE='true'" : '';
      return (
        `CREATE ${table ? random.pick(['TABLE', 'SOURCE TABLE']) : 'STREAM'} ${name} (k ${key} ${table ? 'PRIMARY KEY' : 'KEY'}, n INT, b BOOLEAN, ref ${key}, ${columns.join(', ')}) ` +
        `WITH (KAFKA_TOPIC='${name}', PARTITIONS=1, KEY_FORMAT='${keyFormat}', VALUE_FORMAT='${format}'${also});`
      );
    })
    .join('\n');
};

export const texts = [
  '',
  'a',
  'b',
  "it's",
  'größe 数😀',
  '2024-01-01',
  '12',
  '-3.5',
  'true',
  'A,b "c"\\\n',
  '{"a": [1, 2]}',
];
const dayMs = 86_400_000;

/** Small values more often than others, so that rows meet in groups and joins. */
const valueOf = (type: SqlType, random: Random): Value => {
  if (random.chance(0.15)) return null;
  const whole = (): number => random.pick([0, 1, 2, 3, -1, random.between(-1000, 1000)]);
  switch (type.kind) {
    case 'BOOLEAN':
      return random.chance(0.5);
    case 'INTEGER':
      return random.chance(0.05) ? random.pick([2147483647, -2147483648]) : whole();
    case 'BIGINT':
      return random.chance(0.05) ? normalizeBigint(BigInt(random.u32()) << 31n) : whole();
    case 'DOUBLE':
      return random.chance(0.3) ? random.pick([0.1, -2.5, 1e10, 1e-7, 1.7e308]) : whole();
    case 'DECIMAL':
      return random.chance(0.3) ? BigInt(10 ** (type.precision - 1)) : BigInt(whole());
    case 'STRING':
      return random.pick(texts);
    case 'BYTES':
      return random.fill(new Uint8Array(random.below(4)));
    case 'DATE':
      return random.pick([0, 19_000, 19_723, -1]);
    case 'TIME':
      return random.pick([0, 36_000_000, dayMs - 1]);
    case 'TIMESTAMP':
      return random.pick([0, 1_704_067_200_000, 1_704_067_200_123, -1]);
    case 'ARRAY':
      return Array.from({ length: random.below(4) }, () => valueOf(type.element, random));
    case 'MAP':
      return new Map(
        Array.from({ length: random.below(3) }, () => [random.pick(['a', 'b', 'c']), valueOf(type.value, random)]),
      );
    case 'STRUCT':
      return type.fields.map((field) => valueOf(field.type, random));
  }
};

/** One record, before it is written. */
export interface Event {
  readonly source: Source;
  readonly key: Row | null;
  readonly value: Row | null;
  readonly timestamp: number;
  /** Changes the value's bytes: how many are cut off, and what stands behind them. */
  readonly damage?: { readonly cut: number; readonly then: string } | undefined;
}

export interface HistoryOptions {
  readonly length: number;
  /** No record is older than the one before it. */
  readonly ordered: boolean;
  /** Some records cannot be read. */
  readonly damaged: boolean;
}

export const randomHistory = (
  sources: readonly Source[],
  random: Random,
  { length, ordered, damaged }: HistoryOptions,
): Event[] => {
  let now = 1_000_000;
  const key = sources[0]?.schema.key[0]?.type ?? { kind: 'STRING' as const };
  const keys: readonly Value[] = key.kind === 'STRING' ? ['a', 'b', 'c', 'd', 'e'] : [0, 1, 2, 3, 4];
  const referring = (): Value => (random.chance(0.1) ? null : random.pick(keys));
  return Array.from({ length }, (_, n): Event => {
    const source = random.pick(sources);
    now += random.below(random.chance(0.1) ? 60_000 : 5_000);
    const timestamp = ordered || random.chance(0.7) ? now : now - random.below(30_000);
    const table = source.kind === 'table';
    const gone = random.chance(table ? 0.15 : 0.03);
    const row = source.schema.value.map(({ name, type }) =>
      name === 'N' ? n : name === 'REF' ? referring() : valueOf(type, random),
    );
    return {
      source,
      key: random.chance(0.05) ? null : [random.pick(keys)],
      value: gone ? null : row,
      timestamp,
      ...(damaged && random.chance(0.08)
        ? { damage: { cut: random.below(4), then: random.pick(['', '', ' ', 'x', '}', ',"z":1}', '"N":"12"}', '\n']) } }
        : {}),
    };
  });
};

/** The event as a record of its topic. */
export const recordOf = ({ source, key, value, timestamp, damage }: Event): Piped => {
  const { schema, keyFormat, valueFormat } = source;
  const part = (side: 'key' | 'value', row: Row | null): Uint8Array | null => {
    if (row === null) return null;
    const { format, options } = formatOf(side === 'key' ? keyFormat : valueFormat, schema[side], side);
    const out = new ByteWriter(64);
    try {
      return format.writer(schema[side], options).write(row, out) ? out.slice() : null;
    } catch (error) {
      // Some formats have no place for a NULL within a value.
      if (error instanceof SerdeError) return null;
      throw error;
    }
  };
  let bytes = part('value', value);
  if (bytes !== null && damage !== undefined) {
    const end = new TextEncoder().encode(damage.then);
    bytes = Uint8Array.from([...bytes.subarray(0, Math.max(bytes.length - damage.cut, 0)), ...end]);
  }
  return { topic: source.topic, key: part('key', key), value: bytes, timestamp };
};
