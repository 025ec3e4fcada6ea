/**
 * Claim: words of lines are counted in the DSL with at least two thirds of the rate of SQL. Both read the same topic
 * and do the same work, all values JSON: lines are split into a topic of words, words are repartitioned, every count
 * goes out.
 *
 * The baseline is the rate of the SQL queries, measured in the same process in turns with the topology. Rates count
 * words.
 */

import { serdes } from '../engine/index.ts';
import { StreamsBuilder } from '../engine/public.ts';
import { type Millrace, open } from '../millrace.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { timeStatement, withDataDirectory } from './sql-path.ts';

const VOCABULARY = 10_000;
const WORDS_PER_LINE = 5;
const LINES_PER_CALL = 10_000;
const START_MS = 1_700_000_000_000;

const lineOf = (i: number): string =>
  Array.from(
    { length: WORDS_PER_LINE },
    (_, n) => `word${(Math.imul(i * WORDS_PER_LINE + n, 0x9e3779b1) >>> 8) % VOCABULARY}`,
  ).join(' ');

const fill = async (millrace: Millrace, lines: number): Promise<void> => {
  const encoder = new TextEncoder();
  for (let from = 0; from < lines; from += LINES_PER_CALL) {
    const length = Math.min(LINES_PER_CALL, lines - from);
    const records = Array.from({ length }, (_, i) => ({
      value: encoder.encode(JSON.stringify({ LINE: lineOf(from + i) })),
      timestamp: START_MS + from + i,
    }));
    await millrace.produce('lines', records, { acks: 'append' });
  }
};

interface Line {
  readonly LINE: string;
}
interface Word {
  readonly WORD: string;
}

const timeTopology = async (millrace: Millrace, round: number): Promise<number> => {
  const words = `words-${round}`;
  const sink = `counted-${round}`;
  for (const name of [words, sink]) await millrace.log.createTopic({ name, partitions: 1 });
  const builder = new StreamsBuilder();
  const { string, json } = serdes;
  builder
    .stream('lines', { key: string, value: json<Line>() })
    .flatMapValues((line) => line?.LINE.split(' ').map((word) => ({ WORD: word })) ?? [], { value: json<Word>() })
    .to(words);
  builder
    .stream(words, { key: string, value: json<Word>() })
    .groupBy((_key, row) => row?.WORD ?? null, { key: string })
    .count()
    .toStream()
    .mapValues((count) => ({ N: count }), { value: json() })
    .to(sink);
  const topology = builder.build();
  const started = performance.now();
  const streams = await millrace.streams({ id: `words-${round}`, topology });
  await millrace.awaitIdle();
  const elapsedMs = performance.now() - started;
  await streams.close();
  return elapsedMs;
};

/** Two statements: SQL does not group by what a table function makes. */
const timeSql = async (millrace: Millrace, round: number): Promise<number> => {
  const elapsedMs = await timeStatement(
    millrace,
    `CREATE STREAM words_${round} AS SELECT EXPLODE(SPLIT(line, ' ')) AS word FROM lines;
     CREATE TABLE counts_${round} AS SELECT word, COUNT(*) AS n FROM words_${round} GROUP BY word;`,
  );
  await millrace.sql(`DROP TABLE counts_${round} DELETE TOPIC; DROP STREAM words_${round} DELETE TOPIC;`);
  return elapsedMs;
};

const run = ({ records, rounds }: Variant): Promise<Round[]> =>
  withDataDirectory(async (data) => {
    const millrace = await open({ data, workers: 0 });
    try {
      await millrace.sql(
        `CREATE STREAM lines (line VARCHAR) WITH (kafka_topic = 'lines', partitions = 1, value_format = 'JSON');`,
      );
      const lines = Math.ceil(records / WORDS_PER_LINE);
      const words = lines * WORDS_PER_LINE;
      await fill(millrace, lines);
      const measured: Round[] = [];
      for (let round = 0; round <= rounds; round++) {
        const sqlMs = await timeSql(millrace, round);
        const dslMs = await timeTopology(millrace, round);
        const { end } = await millrace.log.offsets({ topic: `counted-${round}`, partition: 0 });
        if (end < words) throw new Error(`only ${end} of ${words} counts came out`);
        if (round > 0) measured.push({ value: words / (dslMs / 1000), base: words / (sqlMs / 1000) });
      }
      return measured;
    } finally {
      await millrace.close();
    }
  });

export const wordCount: Claim = {
  name: 'word-count',
  about: 'words of lines counted in the DSL, against the same in SQL',
  unit: 'words/s',
  asked: { atLeast: 0.67 },
  cores: 1,
  variants: false,
  run,
};
