import { expect, test } from 'vitest';
import { ByteWriter } from '../../base/index.ts';
import { StreamRecord } from '../../engine/index.ts';
import { OperatorTime, readWriter, takeHeaders, WriterIndex, withWriter, writerHeaders } from '../../engine/writers.ts';
import { encodeHeaders, readHeaders } from '../../storage/index.ts';

const header = (key: string, value: string | null) => ({
  key,
  value: value === null ? null : new TextEncoder().encode(value),
});

test('a writer puts its name before the headers and the reader takes it off again', () => {
  const own = writerHeaders('0_3');
  expect(readWriter(own, 1)).toBe('0_3');
  const record = new StreamRecord<never>();
  const scratch = new ByteWriter();
  takeHeaders(record, own, 1, scratch);
  expect(record.headersAt).toBe(0);

  const users = encodeHeaders([header('a', 'x'), header('b', null)]);
  const out = new ByteWriter();
  withWriter(own, users, 1, out);
  expect(readHeaders(out.bytesView(), 1).map(({ key }) => key)).toEqual(['millrace.writer', 'a', 'b']);
  expect(readWriter(out.bytesView(), 1)).toBe('0_3');
  takeHeaders(record, out.bytesView(), 1, scratch);
  expect(readHeaders(record.headerBytes, record.headersAt)).toEqual([header('a', 'x'), header('b', null)]);
});

test('headers of others pass as they are', () => {
  const users = encodeHeaders([header('a', 'x')]);
  expect(readWriter(users, 1)).toBeUndefined();
  expect(readWriter(users, 0)).toBeUndefined();
  const record = new StreamRecord<never>();
  takeHeaders(record, users, 1, new ByteWriter());
  expect([record.headerBytes, record.headersAt]).toEqual([users, 1]);
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

test('each writer has its own time; stream time is the least of those that have just sent or may still send', () => {
  const writers = new WriterIndex();
  const time = new OperatorTime('op', writers);
  const [a, b] = [writers.of('t', 'a'), writers.of('t', 'b')];
  expect(time.observe(a, 100)).toBe(100);
  expect(time.observe(b, 7)).toBe(7);
  expect(time.observe(a, 90)).toBe(100);
  expect(time.streamTime).toBe(Number.NEGATIVE_INFINITY);
  time.advance(() => false);
  expect(time.streamTime).toBe(7);
  time.observe(a, 110);
  time.advance((writer) => writer === b);
  expect(time.streamTime).toBe(7);
  time.observe(a, 50);
  time.advance(() => false);
  expect(time.streamTime).toBe(110);
  // It never goes back, and stays where nobody sends.
  time.observe(b, 8);
  time.advance(() => true);
  time.advance(() => false);
  expect(time.streamTime).toBe(110);
});

test('a writer that has said nothing yet holds stream time back; one that has nothing to say does not', () => {
  const writers = new WriterIndex();
  const time = new OperatorTime('op', writers);
  const a = writers.of('t', 'a');
  writers.of('t', 'b');
  time.observe(a, 100);
  time.advance(() => true);
  expect(time.streamTime).toBe(Number.NEGATIVE_INFINITY);
  time.observe(a, 90);
  time.advance(() => false);
  expect(time.streamTime).toBe(100);
});

test('times come back after a restart and go back with a rollback', () => {
  const kept = meta();
  const open = (): { time: OperatorTime; writers: WriterIndex } => {
    const writers = new WriterIndex();
    const time = new OperatorTime('op', writers);
    time.keepIn(kept);
    return { time, writers };
  };
  const first = open();
  const a = first.writers.of('t', 'a');
  first.time.observe(a, 100);
  first.time.advance(() => true);
  kept.commit();
  first.time.observe(a, 500);
  first.time.advance(() => true);
  expect(first.time.streamTime).toBe(500);
  kept.rollback();
  first.time.rollback();
  expect(first.time.streamTime).toBe(100);
  expect(first.time.observe(a, 50)).toBe(100);

  const again = open();
  again.writers.of('t', 'z');
  expect(again.time.streamTime).toBe(100);
  expect(again.time.observe(again.writers.of('t', 'a'), 3)).toBe(100);
});
