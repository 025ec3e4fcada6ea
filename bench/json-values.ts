/**
 * Claim: `serdes.json` reads records that look alike at twice the rate of `JSON.parse` on the text of their bytes.
 *
 * Reading only, of the bytes of one block, in one process: passes by both ways take turns, and of each round the
 * fastest pass of either counts.
 */

import { readUtf8 } from '../base/index.ts';
import { installNative } from '../base/node/index.ts';
import { serdes } from '../engine/index.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { schemas } from './records.ts';

const RECORDS = 20_000;
const PASSES = 40;
const KEYS = 10_000;

type Read = (bytes: Uint8Array, start: number, end: number) => unknown;

const parse: Read = (bytes, start, end) => JSON.parse(readUtf8(bytes, start, end)) as unknown;

const run = ({ schema, rounds }: Variant): Round[] => {
  installNative();
  const values = Array.from({ length: RECORDS }, (_, i) => schemas[schema].record(i, KEYS).value);
  const bytes = Buffer.concat(values);
  const json = serdes.json<object>();
  // The last values are kept, so that none of them is left out as unused.
  const kept = new Array<unknown>(512).fill(undefined);
  const pass = (read: Read): number => {
    const started = performance.now();
    let start = 0;
    for (const [i, { length }] of values.entries()) {
      kept[i & 511] = read(bytes, start, start + length);
      start += length;
    }
    return RECORDS / ((performance.now() - started) / 1000);
  };
  const measured: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    const rates = Array.from({ length: PASSES }, () => ({ base: pass(parse), value: pass(json.read) }));
    const fastest = (rate: 'base' | 'value'): number => Math.max(...rates.map((both) => both[rate]));
    if (round > 0) measured.push({ value: fastest('value'), base: fastest('base') });
  }
  return measured;
};

export const jsonValues: Claim = {
  name: 'json-values',
  about: 'JSON of records that look alike, read by the layout / by JSON.parse',
  unit: 'records/s',
  asked: { atLeast: 2 },
  cores: 1,
  variants: true,
  run: (variant) => Promise.resolve(run(variant)),
};
