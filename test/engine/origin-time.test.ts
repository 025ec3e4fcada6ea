import { expect, test } from 'vitest';
import { ByteWriter } from '../../base/index.ts';
import { StreamRecord } from '../../engine/index.ts';
import { OperatorTime } from '../../engine/operator-time.ts';
import { OriginHeaders, RecordOrigin, readLowWatermark, takeHeaders } from '../../engine/origin-time.ts';
import { encodeHeaders, readHeaders } from '../../storage/index.ts';

const header = (key: string, value: string | null) => ({
  key,
  value: value === null ? null : new TextEncoder().encode(value),
});
const none = new Uint8Array(0);

test('a writer puts the origin time before the headers and the reader takes it off again', () => {
  const headers = new OriginHeaders(new ByteWriter());
  const record = new StreamRecord<never>();
  const scratch = new ByteWriter();
  const first = headers.first(1_700_000_000_123, 1_600_000_000_000, none, 0).slice();
  expect(readLowWatermark(first, 1)).toBe(1_600_000_000_000);
  expect(takeHeaders(record, first, 1, scratch)).toBe(1_700_000_000_123);
  expect(record.headersAt).toBe(0);

  const other = headers.other(5, none, 0).slice();
  expect(readLowWatermark(other, 1)).toBeNaN();
  expect(takeHeaders(record, other, 1, scratch)).toBe(5);

  const users = encodeHeaders([header('a', 'x'), header('b', null)]);
  const both = headers.first(7, Number.NEGATIVE_INFINITY, users, 1).slice();
  expect(both.length).toBeLessThanOrEqual(users.length + headers.bytes);
  expect(readHeaders(both, 1).map(({ key }) => key)).toEqual(['millrace.time', 'a', 'b']);
  expect(readLowWatermark(both, 1)).toBe(Number.NEGATIVE_INFINITY);
  expect(takeHeaders(record, both, 1, scratch)).toBe(7);
  expect(readHeaders(record.headerBytes, record.headersAt)).toEqual([header('a', 'x'), header('b', null)]);
});

test('headers of others pass as they are, even under our name', () => {
  const record = new StreamRecord<never>();
  for (const users of [
    encodeHeaders([header('a', 'x')]),
    encodeHeaders([header('millrace.time', 'noon')]),
    encodeHeaders([header('millrace.time', null)]),
    encodeHeaders([header('a', 'x'), header('millrace.time', '12345678')]),
  ]) {
    expect(readLowWatermark(users, 1)).toBeNaN();
    expect(takeHeaders(record, users, 1, new ByteWriter())).toBe(Number.NEGATIVE_INFINITY);
    expect([record.headerBytes, record.headersAt]).toEqual([users, 1]);
  }
  expect(readLowWatermark(none, 0)).toBeNaN();
});

/** A store's small numbers, with commit and rollback. */
const meta = () => {
  let committed = new Map<string, number>();
  let open = new Map<string, number>();
  return {
    get: (name: string) => open.get(name),
    set: (name: string, value: number) => void open.set(name, value),
    commit: () => {
      committed = new Map(open);
    },
    rollback: () => {
      open = new Map(committed);
    },
  };
};

const plain = new RecordOrigin();
const inOrder = new RecordOrigin();
inOrder.carried = true;
const at = (time: number): RecordOrigin => Object.assign(new RecordOrigin(), { carried: true, time });

test('a record is measured by its origin time, or by the largest timestamp of those without one', () => {
  const time = new OperatorTime('op');
  expect(time.observe(100, plain)).toBe(100);
  expect(time.observe(7, plain)).toBe(100);
  expect(time.observe(7, inOrder)).toBe(7);
  expect(time.observe(900, at(1000))).toBe(1000);
  expect(time.observe(950, inOrder)).toBe(950);
  expect(time.observe(101, plain)).toBe(101);
});

/** As a commit does. */
const advance = (time: OperatorTime, low: number, passed = Number.NEGATIVE_INFINITY): void => {
  const origin = new RecordOrigin();
  origin.low = low;
  time.advance(origin, passed);
  time.keep();
};

test('stream time is the largest timestamp, at most the low watermark where origins are mixed, and never goes back', () => {
  const alone = new OperatorTime('op');
  alone.observe(100, plain);
  expect(alone.streamTime).toBe(Number.NEGATIVE_INFINITY);
  advance(alone, Number.POSITIVE_INFINITY);
  expect(alone.streamTime).toBe(100);
  alone.observe(200, plain);
  advance(alone, 150);
  expect(alone.streamTime).toBe(150);

  const mixed = new OperatorTime('op');
  mixed.observe(100, inOrder);
  advance(mixed, Number.NEGATIVE_INFINITY);
  advance(mixed, Number.POSITIVE_INFINITY);
  expect(mixed.streamTime).toBe(Number.NEGATIVE_INFINITY);
  advance(mixed, 30);
  expect(mixed.streamTime).toBe(30);
  advance(mixed, 20);
  expect(mixed.streamTime).toBe(30);
  advance(mixed, 5000);
  expect(mixed.streamTime).toBe(100);
});

test('times come back after a restart and go back with a rollback', () => {
  const kept = meta();
  const open = (): OperatorTime => {
    const time = new OperatorTime('op');
    time.keepIn(kept);
    return time;
  };
  const first = open();
  first.observe(100, plain);
  first.observe(60, inOrder);
  advance(first, 50);
  kept.commit();
  first.observe(500, plain);
  advance(first, 400);
  expect(first.streamTime).toBe(400);
  kept.rollback();
  first.rollback();
  expect(first.streamTime).toBe(50);
  expect(first.observe(50, plain)).toBe(100);

  const again = open();
  expect(again.streamTime).toBe(50);
  expect(again.observe(3, plain)).toBe(100);
  advance(again, 70);
  expect(again.streamTime).toBe(70);
});
