import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, fromHex, toHex, utf8Bytes, utf8Text } from '../../base/index.ts';
import {
  BatchBuilder,
  batchBytes,
  checkBatch,
  checkNewBatch,
  controlTypeOf,
  decodeBatch,
  encodeBatch,
  encodeControlBatch,
  encodeHeaders,
  isControl,
  lastOffsetOf,
  type PlainRecord,
  RecordColumns,
  sealBatch,
  stampBatch,
} from '../../storage/index.ts';
import { lastSequenceOf } from '../../storage/record-batch.ts';

const twoRecords =
  '000000000000000000000045ffffffff0244fc381c0000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff0000000210000000026b02760014000a0201027702026801';
const commitMarker =
  '0000000000000007000000420000000002dc32c3f60030000000000000018bcfe568000000018bcfe56800000000000000002a0001ffffffff000000012000000008000000010c00000000000300';

const decoded = (bytes: Uint8Array, fromOffset = 0) => {
  const columns = new RecordColumns(1);
  columns.reset(bytes);
  const end = decodeBatch(bytes, 0, columns, fromOffset);
  return { end, records: Array.from({ length: columns.count }, (_, i) => columns.record(i)) };
};

test('the first golden vector is what two records encode to, and decodes to them', () => {
  const bytes = encodeBatch([
    { key: utf8Bytes('k'), value: utf8Bytes('v'), timestamp: 1_700_000_000_000 },
    { key: null, value: utf8Bytes('w'), timestamp: 1_700_000_000_005, headers: [{ key: 'h', value: null }] },
  ]);
  sealBatch(bytes);
  expect(toHex(bytes)).toBe(twoRecords);

  const golden = fromHex(twoRecords);
  expect(checkBatch(golden, 0, golden.length)).toBeUndefined();
  const { end, records } = decoded(golden);
  expect(end).toBe(81);
  expect(records).toEqual([
    { offset: 0, timestamp: 1_700_000_000_000, key: utf8Bytes('k'), value: utf8Bytes('v'), headers: [] },
    {
      offset: 1,
      timestamp: 1_700_000_000_005,
      key: null,
      value: utf8Bytes('w'),
      headers: [{ key: 'h', value: null }],
    },
  ]);
});

test('the second golden vector is what a commit marker encodes to', () => {
  const bytes = encodeControlBatch({
    type: 'commit',
    baseOffset: 7,
    producerId: 42,
    epoch: 1,
    timestamp: 1_700_000_000_000,
    coordinatorEpoch: 3,
  });
  expect(toHex(bytes)).toBe(commitMarker);
  expect(isControl(bytes, 0)).toBe(true);
  expect(controlTypeOf(bytes, 0)).toBe('commit');
  expect(checkBatch(bytes, 0, bytes.length)).toBeUndefined();
});

test('the checksum of 123456789 is e3069283', () => {
  expect(crc32c(utf8Bytes('123456789'), 0, 9)).toBe(0xe3069283);
});

test('ranges of every length come whole out of one buffer, of a few in turns, and of many', () => {
  for (const buffers of [1, 2, 7, 40]) {
    const sources = Array.from({ length: buffers }, (_, i) => Uint8Array.from({ length: 256 }, (_, at) => at * 7 + i));
    const builder = new BatchBuilder();
    const written: { key: Uint8Array; value: Uint8Array }[] = [];
    for (let i = 0; i < 600; i++) {
      const key = sources[(i * i) % buffers] as Uint8Array;
      const value = i % 3 === 0 ? (sources[(i + 1) % buffers] as Uint8Array) : key;
      const [start, middle, end] = [i % 100, (i % 100) + (i % 29), (i % 100) + (i % 29) + (i % 67)];
      builder.append(key, start, middle, value, middle, end, i);
      written.push({ key: key.slice(start, middle), value: value.slice(middle, end) });
    }
    const { records } = decoded(builder.finish());
    expect(records.map(({ key, value }) => ({ key, value }))).toEqual(written);
  }
});

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const anyRecord: fc.Arbitrary<Required<PlainRecord>> = fc.record({
  key: bytesOrNull,
  value: bytesOrNull,
  timestamp: fc.oneof(
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
    fc.constantFrom(0, -1, 2 ** 31, -(2 ** 45), 2 ** 51),
  ),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 5 }), value: bytesOrNull }), {
    maxLength: 3,
  }),
});

test('whatever is encoded decodes to the same records, from any offset on', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 150 }),
      fc.integer({ min: 0, max: 2 ** 50 }),
      fc.nat(200),
      (records, baseOffset, skipped) => {
        const bytes = encodeBatch(records);
        expect(checkNewBatch(bytes)).toBeUndefined();
        stampBatch(bytes, { baseOffset, producerId: 9, epoch: 2, baseSequence: 5, transactional: true });
        expect(checkBatch(bytes, 0, bytes.length)).toBeUndefined();
        expect(lastOffsetOf(bytes, 0)).toBe(baseOffset + records.length - 1);
        const back = decoded(bytes, baseOffset + skipped);
        expect(back.end).toBe(bytes.length);
        expect(back.records).toEqual(records.map((r, i) => ({ ...r, offset: baseOffset + i })).slice(skipped));
      },
    ),
    { numRuns: 150 },
  );
});

test('headers are copied from one batch to another as they lie there', () => {
  const headers = [
    { key: 'trace', value: utf8Bytes('abc') },
    { key: 'größe', value: null },
  ];
  const first = encodeBatch([{ value: utf8Bytes('x'), headers }]);
  const columns = new RecordColumns();
  columns.reset(first);
  decodeBatch(first, 0, columns, 0);
  const builder = new BatchBuilder();
  const empty = new Uint8Array(0);
  builder.append(empty, -1, -1, empty, -1, -1, 7, first, columns.headersAt[0]);
  const encoded = encodeHeaders(headers);
  builder.append(empty, -1, -1, empty, 0, 0, 8, encoded, 1);
  const { records } = decoded(builder.finish());
  expect(records.map((r) => r.headers)).toEqual([headers, headers]);
  expect(records.map((r) => r.value)).toEqual([null, empty]);
});

test('every flipped bit of a batch is found by the check, outside of offset and leader epoch', () => {
  const bytes = encodeBatch([
    { key: utf8Bytes('key'), value: utf8Bytes('some value'), timestamp: 5 },
    { key: null, value: null, timestamp: 2 ** 40 },
  ]);
  stampBatch(bytes, { baseOffset: 3, producerId: 1, epoch: 0, baseSequence: 0, transactional: false });
  const undetected: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    if (checkBatch(flipped, 0, flipped.length) === undefined) undetected.push(bit >> 3);
  }
  expect([...new Set(undetected)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15]);
});

test('a batch that is cut anywhere is truncated, never read', () => {
  const bytes = encodeBatch([{ value: utf8Bytes('some value') }]);
  sealBatch(bytes);
  for (let end = 0; end < bytes.length; end++) {
    expect(checkBatch(bytes, 0, end)?.kind).toBe('truncated');
    expect(decoded(bytes.slice(0, end))).toEqual({ end: -1, records: [] });
  }
});

test('decoding nonsense under a right checksum answers -1 and keeps the columns', () => {
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (records, changes) => {
        const bytes = encodeBatch(records);
        for (const [where, byte] of changes) bytes[8 + (where % (bytes.length - 8))] = byte;
        const columns = new RecordColumns(1);
        columns.reset(bytes);
        const end = decodeBatch(bytes, 0, columns, 0);
        if (end === -1) expect(columns.count).toBe(0);
        for (let i = 0; i < columns.count; i++) {
          const { keyStart, keyEnd, valueStart, valueEnd } = columns;
          expect(keyEnd[i] as number).toBeGreaterThanOrEqual(keyStart[i] as number);
          expect(keyEnd[i] as number).toBeLessThanOrEqual(bytes.length);
          expect(valueEnd[i] as number).toBeGreaterThanOrEqual(valueStart[i] as number);
          expect(valueEnd[i] as number).toBeLessThanOrEqual(bytes.length);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('a record count that the bytes cannot hold is refused without a loop over it', () => {
  const bytes = encodeBatch([{ value: utf8Bytes('x') }]);
  bytes.set([0x7f, 0xff, 0xff, 0xff], 57);
  expect(decoded(bytes).end).toBe(-1);
  bytes.set([0x7f, 0xff, 0xff, 0xfe], 23);
  expect(checkNewBatch(bytes)?.reason).toContain('cannot fit');
});

test('sequence numbers wrap from 2^31 - 1 to 0', () => {
  const bytes = encodeBatch([{ value: utf8Bytes('a') }, { value: utf8Bytes('b') }, { value: utf8Bytes('c') }]);
  stampBatch(bytes, { baseOffset: 0, producerId: 1, epoch: 0, baseSequence: 2 ** 31 - 2, transactional: false });
  expect(lastSequenceOf(bytes, 0)).toBe(0);
});

test('a builder counts the records and bytes of its batch, and is empty after finishing', () => {
  const builder = new BatchBuilder({ capacity: 256 });
  const value = utf8Text(new Uint8Array(200)).length;
  for (let i = 0; i < 10; i++) builder.append(new Uint8Array(0), -1, -1, new Uint8Array(value), 0, value, i);
  expect(builder.count).toBe(10);
  const size = builder.sizeBytes;
  const batch = builder.finish();
  expect([batch.length, batchBytes(batch, 0)]).toEqual([size, size]);
  expect([builder.count, builder.sizeBytes]).toEqual([0, 61]);
});

test('a record that comes with a view of its memory is the same as one that comes without', () => {
  const memory = Uint8Array.from({ length: 256 }, (_, i) => i);
  const bytes = memory.subarray(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const batchOf = (shown: DataView | undefined): string => {
    const builder = new BatchBuilder();
    for (let length = -1; length < 40; length++) {
      const keyStart = length % 5 === 0 ? -1 : length + 3;
      const valueStart = length < 0 ? -1 : 90 + length;
      builder.append(bytes, keyStart, 2 * length + 5, bytes, valueStart, valueStart + length, 7, undefined, 0, shown);
    }
    return toHex(builder.finish());
  };
  expect(batchOf(view)).toBe(batchOf(undefined));
});
