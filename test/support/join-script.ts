/**
 * Joins as text: one record after the other to the topics `left` and `right`, all under one key, and beside each what
 * came out at `out`.
 *
 *   L A@3
 *   R a@4: A-a@4
 *
 * `-` is a missing value. The script of 23 steps is the one that Apache Kafka's join tests share; the first 13 are in
 * order of time.
 */

import { serdes, type Topology } from '../../engine/index.ts';
import { type TestRecord, TopologyTestDriver } from '../../engine/test-driver.ts';

const { string } = serdes;

export const joinSteps = `
    L -@1  R -@2  L A@3  R a@4  L B@5  R b@6  L -@7  R -@8  L C@9  R c@10  R -@11  L -@12  R -@13
    R d@7  L D@6  L -@2  R -@3  R e@14  L E@15  L -@10  R -@9  L F@4  R f@3`;

/** The steps in order of time that end with two records without a key (` E`, ` e`). */
export const joinStepsInOrder = `
    L -@1  R -@2  L A@3  R a@4  L B@5  R b@6  L -@7  R -@8  L C@9  R c@10  R -@11  L -@12  R -@13
    R d@14  L D@15  L null:E@16  R null:e@17`;

/** Pipes the steps (`L value@time`, `R value@time`, separated by white space) and prints each with its results. */
export const runJoin = (topology: Topology, steps: string = joinSteps): string => {
  const driver = new TopologyTestDriver(topology);
  const forms = { key: string, value: string };
  const inputs = { L: driver.input('left', forms), R: driver.input('right', forms) };
  const output = driver.output('out', forms);
  const lines: string[] = [];
  for (const [, side, noKey, value, time] of steps.matchAll(/([LR]) (null:)?(\S+)@(\d+)/g)) {
    inputs[side as 'L' | 'R'].pipe(
      noKey === undefined ? 'k' : null,
      value === '-' ? null : (value ?? null),
      Number(time),
    );
    const results = output
      .readAll()
      .map(({ value: result, timestamp }: TestRecord<string, string>) => ` ${result ?? '-'}@${timestamp}`);
    lines.push(`${side} ${noKey ?? ''}${value}@${time}${results.length === 0 ? '' : `:${results.join('')}`}`);
  }
  driver.close();
  return `\n${lines.map((line) => `    ${line}`).join('\n')}`;
};
