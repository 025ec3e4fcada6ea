/** Records that an application cannot read, process or write: policies, dead letters, and their replay. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConsumedRecord,
  type DeadLetter,
  deadLetterOf,
  type Millrace,
  open,
  type Position,
  type RecordError,
  type Streams,
  StreamsBuilder,
  type StreamsOptions,
  serdes,
  type Topology,
} from 'millrace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const { string, json } = serdes;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const text = (bytes: Uint8Array | null | undefined): string => decoder.decode(bytes ?? undefined);

let data: string;
let millrace: Millrace;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'millrace-errors-'));
  millrace = await open({ data, commitIntervalMs: 20 });
  await millrace.log.createTopic({ name: 'in', partitions: 2 });
  await millrace.log.createTopic({ name: 'out', partitions: 1, configs: { 'max.message.bytes': '2000' } });
  await millrace.log.createTopic({ name: 'letters', partitions: 1 });
});

afterEach(async () => {
  await millrace.close();
  rmSync(data, { recursive: true, force: true });
});

const upperCase = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('in', { key: string, value: json<string>() })
    .mapValues(
      (word) => {
        if (word === 'bad') throw new RangeError('this word is bad');
        return word?.toUpperCase() ?? null;
      },
      { value: string },
    )
    .to('out');
  return builder.build();
};

const app = (options: Partial<StreamsOptions> = {}): Promise<Streams> =>
  millrace.streams({ id: 'app', topology: upperCase(), ...options });

const long = 'x'.repeat(5000);

const send = (...values: readonly string[]): Promise<Position> =>
  millrace.produce(
    'in',
    values.map((value, i) => ({
      key: `k${i}`,
      value,
      partition: 1,
      timestamp: 1000 + i,
      headers: [{ key: 'trace', value: encoder.encode(`t${i}`) }],
    })),
  );

const all = async (topic: string): Promise<readonly ConsumedRecord[]> => {
  const records: ConsumedRecord[] = [];
  for await (const record of millrace.consume(topic, { untilEnd: true })) records.push(record);
  return records;
};

const valuesOf = async (topic: string): Promise<readonly string[]> =>
  (await all(topic)).map(({ value }) => text(value).slice(0, 20));

const lettersOf = async (): Promise<readonly DeadLetter[]> =>
  (await all('letters')).flatMap((record) => deadLetterOf(record) ?? []);

describe('what cannot be read or written', () => {
  test('is left out, and kept as a dead letter with its bytes, its place and the cause', async () => {
    const streams = await app({ deadLetters: { topic: 'letters' } });
    await send('"a"', '{', JSON.stringify(long), '"b"');
    await streams.awaitIdle();
    expect(await valuesOf('out')).toEqual(['A', 'B']);
    const [unread, unwritten, ...more] = await lettersOf();
    expect(more).toEqual([]);
    expect(unread).toMatchObject({
      topic: 'in',
      partition: 1,
      offset: 1,
      timestamp: 1001,
      kind: 'deserialization',
      node: 'KSTREAM-SOURCE-0000000000',
      task: '0_1',
      exception: 'deserialization',
      message: expect.stringContaining('JSON'),
      headers: [{ key: 'trace', value: encoder.encode('t1') }],
    });
    expect(text(unread?.key)).toBe('k1');
    expect(text(unread?.value)).toBe('{');
    expect(unwritten).toMatchObject({ offset: 2, kind: 'production', message: expect.stringContaining('too large') });
    expect(text(unwritten?.value)).toBe(JSON.stringify(long));
    // The names of Kafka Streams.
    const [first] = await all('letters');
    expect(first?.headers.map(({ key, value }) => `${key}=${text(value).slice(0, 15)}`)).toEqual([
      'trace=t1',
      '__streams.errors.exception=deserialization',
      expect.stringMatching(/^__streams.errors.message=not valid JSON/),
      '__streams.errors.topic=in',
      '__streams.errors.partition=1',
      '__streams.errors.offset=1',
      '__streams.errors.timestamp=1001',
      '__streams.errors.kind=deserialization',
      '__streams.errors.node=KSTREAM-SOURCE-',
      '__streams.errors.task=0_1',
    ]);
    expect(streams.counters?.drops).toEqual({ deserialization: 1, serialization: 1 });
    expect((await all('millrace_processing_log')).length).toBe(2);
  });

  test.each([
    ['deserialization', '{', 'in/1 offset 1'],
    ['production', JSON.stringify(long), 'in/1 offset 1'],
  ] as const)('ends the application where the policy for %s is to fail', async (kind, value, place) => {
    const streams = await app({ onError: { [kind]: 'fail' }, deadLetters: { topic: 'letters' } });
    await send('"a"', value);
    await expect(streams.awaitIdle()).rejects.toMatchObject({
      code: 'QUERY_RECORD_FAILED',
      message: expect.stringContaining(place),
    });
    expect(await lettersOf()).toEqual([]);
    expect(await valuesOf('out')).toEqual([]);
  });

  test('a function decides record by record; what it throws, or answers wrongly, ends the application', async () => {
    const asked: RecordError[] = [];
    const streams = await app({
      onError: {
        deserialization(error) {
          asked.push(error);
          return text(error.value) === '{' ? 'continue' : 'fail';
        },
      },
    });
    await send('{');
    await streams.awaitIdle();
    await send('[');
    await expect(streams.awaitIdle()).rejects.toMatchObject({ code: 'QUERY_RECORD_FAILED' });
    expect(
      asked.map(({ kind, topic, offset, headers }) => ({ kind, topic, offset, trace: text(headers[0]?.value) })),
    ).toEqual([
      { kind: 'deserialization', topic: 'in', offset: 0, trace: 't0' },
      { kind: 'deserialization', topic: 'in', offset: 1, trace: 't0' },
    ]);
    await streams.close();
    const throwing = await app({
      onError: {
        deserialization() {
          throw new Error('no policy');
        },
      },
    });
    await expect(throwing.awaitIdle()).rejects.toThrow('no policy');
    await throwing.close();
    // As a program without types may have it.
    const policies = { deserialization: () => Promise.resolve('continue') } as unknown as NonNullable<
      StreamsOptions['onError']
    >;
    const waiting = await app({ onError: policies });
    await expect(waiting.awaitIdle()).rejects.toMatchObject({ code: 'RECORD_POLICY_INVALID' });
  });

  test('a topic of dead letters that does not exist, or is too small, is an error and nothing is lost', async () => {
    await expect(app({ deadLetters: { topic: 'nowhere' } })).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await millrace.log.createTopic({ name: 'small', partitions: 1, configs: { 'max.message.bytes': '1000' } });
    const streams = await app({ id: 'other', deadLetters: { topic: 'small' } });
    await send(`{${long}`);
    await expect(streams.awaitIdle()).rejects.toMatchObject({ code: 'DEAD_LETTER_TOO_LARGE' });
    await streams.close();
    const large = await app({ id: 'other', deadLetters: { topic: 'letters' } });
    await large.awaitIdle();
    expect((await lettersOf()).length).toBe(1);
  });
});

describe('what a function of the topology throws', () => {
  test('ends the application; or leaves the record out, with its bytes, headers and the stack', async () => {
    const streams = await app();
    await send('"a"', '"bad"', '"b"');
    await expect(streams.awaitIdle()).rejects.toMatchObject({
      code: 'PROCESSING_FAILED',
      message: expect.stringContaining('in/1 offset 1'),
    });
    await streams.close();
    const going = await app({ onError: { processing: 'continue' }, deadLetters: { topic: 'letters' } });
    await going.awaitIdle();
    expect(await valuesOf('out')).toEqual(['A', 'B']);
    const [letter, ...more] = await lettersOf();
    expect(more).toEqual([]);
    expect(letter).toMatchObject({
      topic: 'in',
      partition: 1,
      offset: 1,
      timestamp: 1001,
      kind: 'processing',
      node: 'KSTREAM-MAPVALUES-0000000001',
      exception: 'RangeError',
      message: 'this word is bad',
      stacktrace: expect.stringContaining('streams-errors.test.ts'),
      headers: [{ key: 'trace', value: encoder.encode('t1') }],
    });
    expect(text(letter?.value)).toBe('"bad"');
    expect(going.counters?.drops).toEqual({ processing: 1 });
  });

  test('a function decides, by what was thrown', async () => {
    const asked: RecordError[] = [];
    const streams = await app({
      onError: {
        processing(error) {
          asked.push(error);
          return error.cause instanceof RangeError ? 'continue' : 'fail';
        },
      },
    });
    await send('"bad"', '"a"');
    await streams.awaitIdle();
    expect(await valuesOf('out')).toEqual(['A']);
    expect(asked.map(({ kind, offset, headers }) => [kind, offset, text(headers[0]?.value)])).toEqual([
      ['processing', 0, 't0'],
    ]);
  });

  test('a processor that has thrown forwards nothing afterwards', async () => {
    let late = (): void => undefined;
    const builder = new StreamsBuilder();
    builder
      .stream('in', { key: string, value: json<string>() })
      .process<string>((context) => ({
        process(record) {
          late = () => context.forward(record);
          if (record.value === 'bad') throw new RangeError('this word is bad');
        },
      }))
      .to('out', { value: string });
    const streams = await app({ topology: builder.build(), onError: { processing: 'continue' } });
    await send('"bad"');
    await streams.awaitIdle();
    expect(late).toThrow(expect.objectContaining({ code: 'PROCESSOR_FORWARD_INVALID' }));
  });

  test('what a policy throws is not taken for what the topology throws', async () => {
    const streams = await app({
      onError: {
        processing: 'continue',
        production() {
          throw new Error('no policy');
        },
      },
    });
    await send(JSON.stringify(long));
    await expect(streams.awaitIdle()).rejects.toMatchObject({ code: 'RECORD_POLICY_INVALID' });
  });
});

describe('replay', () => {
  const letters = async (): Promise<Streams> => {
    const streams = await app({ deadLetters: { topic: 'letters' } });
    await send('{', '"a"', '[');
    await streams.awaitIdle();
    return streams;
  };

  test('brings each record back to its topic and partition once, as it was', async () => {
    const streams = await letters();
    await streams.close();
    expect(await millrace.replayDeadLetters('letters')).toMatchObject({ replayed: 2, skipped: 0 });
    expect(await millrace.replayDeadLetters('letters')).toMatchObject({ replayed: 0, skipped: 0 });
    const records = await all('in');
    const shown = records.map(
      ({ partition, offset, timestamp, key, value, headers }) =>
        `${partition}/${offset} @${timestamp} ${text(key)}=${text(value)} ${headers.map((header) => `${header.key}:${text(header.value)}`).join()}`,
    );
    expect(shown).toEqual([
      '1/0 @1000 k0={ trace:t0',
      '1/1 @1001 k1="a" trace:t1',
      '1/2 @1002 k2=[ trace:t2',
      '1/3 @1000 k0={ trace:t0',
      '1/4 @1002 k2=[ trace:t2',
    ]);
    // They come back: the application still cannot read them.
    await streams.start();
    await streams.awaitIdle();
    expect((await lettersOf()).map(({ offset }) => offset)).toEqual([0, 2, 3, 4]);
    expect(await millrace.replayDeadLetters('letters')).toMatchObject({ replayed: 2 });
  });

  test('goes to other topics, letter by letter, and leaves out what has none', async () => {
    await letters();
    await millrace.log.createTopic({ name: 'braces', partitions: 3 });
    const to = ({ value }: DeadLetter): string | undefined => (text(value) === '{' ? 'braces' : undefined);
    expect(await millrace.replayDeadLetters('letters', { to, group: 'braces only' })).toMatchObject({
      replayed: 1,
      skipped: 1,
    });
    expect(await valuesOf('braces')).toEqual(['{']);
    // Another group begins at the start; what is no dead letter is passed over.
    await millrace.produce('letters', [{ value: 'no letter' }]);
    expect(await millrace.replayDeadLetters('letters', { to: 'braces' })).toMatchObject({ replayed: 2, skipped: 1 });
    expect((await valuesOf('braces')).toSorted()).toEqual(['[', '{', '{']);
  });

  test('stops at the first topic that does not exist, behind what was replayed, and goes on there', async () => {
    await letters();
    const to = ({ value }: DeadLetter): string => (text(value) === '{' ? 'in' : 'later');
    await expect(millrace.replayDeadLetters('letters', { to })).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await millrace.log.createTopic({ name: 'later', partitions: 1 });
    expect(await millrace.replayDeadLetters('letters', { to })).toMatchObject({ replayed: 1 });
    expect(await valuesOf('later')).toEqual(['[']);
    await expect(millrace.replayDeadLetters('nowhere')).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
  });
});
