/**
 * What the smoke run writes before it begins: four topics that follow from a seed, so that each process can make them
 * by itself.
 *
 *   numbers   each of the whole numbers below `records` once for every key, mixed; their times are out of order, and
 *             rest after every fiftieth, so that sessions end
 *   clicks    a tenth as many, near in time
 *   names     a table: a new `region:version` for every twenty-fifth number, sometimes a deletion
 *   regions   a table, written once
 *
 * A last record in each partition of numbers and clicks, much later, closes every window before it. No two topics have
 * a time in common, so that the order in which a task takes them is known.
 */

import { partitionOfKey, Random, utf8Bytes } from '../../base/index.ts';
import type { TypedRecord } from '../../engine/index.ts';

export interface Sizes {
  readonly keys: number;
  /** Of each key. */
  readonly records: number;
  readonly seed: number;
}

export const partitions = 4;
/** 2026-01-01. Nothing is deleted by age: the topics are kept for ever. */
const startMs = 1_767_225_600_000;
const regions = 7;

export const keyName = (key: number): string => `key-${key}`;
const regionName = (region: number): string => `region-${region}`;

const slot = (i: number): number => startMs + i * 40 + Math.floor(i / 50) * 2000;
const endOf = ({ records }: Sizes): number => slot(records) + 3_600_000;

const divides = (a: number, b: number): boolean => b % a === 0;

/** A number that goes through all those below `records` when it is added again and again. */
const strideOf = (records: number): number => [7919, 104_729, 13, 3].find((prime) => !divides(prime, records)) ?? 1;

type Numbers = Generator<TypedRecord<string, number>>;

/** The last record of each partition. */
function* ends(sizes: Sizes, timestamp: number): Numbers {
  for (let partition = 0; partition < partitions; partition++) {
    for (let i = 0; ; i++) {
      const key = `end-${i}`;
      const bytes = utf8Bytes(key);
      if (partitionOfKey(bytes, 0, bytes.length, partitions) !== partition) continue;
      yield { key, value: sizes.records, timestamp };
      break;
    }
  }
}

export function* numbersOf(sizes: Sizes): Numbers {
  const { keys, records, seed } = sizes;
  const random = new Random(seed);
  const stride = strideOf(records);
  const first = Array.from({ length: keys }, () => random.below(records));
  for (let i = 0; i < records; i++) {
    for (let key = 0; key < keys; key++) {
      // Some come much too late for small graces.
      const spread = random.float() < 0.02 ? 400 : 20;
      const late = 4 * random.below(spread);
      const value = ((first[key] as number) + i * stride) % records;
      yield { key: keyName(key), value, timestamp: slot(i) + 2000 - late };
    }
  }
  yield* ends(sizes, endOf(sizes));
}

export function* clicksOf(sizes: Sizes): Numbers {
  const { keys, records, seed } = sizes;
  const random = new Random(seed + 1);
  for (let i = 0; i < records; i += 10) {
    for (let key = 0; key < keys; key++) {
      const late = 4 * random.below(40);
      yield { key: keyName(key), value: i + 0.5, timestamp: slot(i) + 2002 - late };
    }
  }
  yield* ends(sizes, endOf(sizes) + 2);
}

export function* namesOf({ keys, records, seed }: Sizes): Generator<TypedRecord<string, string>> {
  const random = new Random(seed + 2);
  for (let i = 0; i < records; i += 25) {
    for (let key = 0; key < keys; key++) {
      const draw = random.float();
      // Not every region that is named is there.
      const region = regionName(Math.floor(draw * 8 * (regions + 1)) % (regions + 1));
      const value = draw < 0.1 ? null : `${region}:${i}`;
      yield { key: keyName(key), value, timestamp: slot(i) + 2001 };
    }
  }
}

export function* regionsOf(): Generator<TypedRecord<string, string>> {
  for (let region = 0; region < regions; region++) {
    yield { key: regionName(region), value: `city ${region}`, timestamp: startMs };
  }
}
