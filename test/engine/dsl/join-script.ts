/** Scripts of two inputs, `left` and `right`, and one output: what each record brings out. */

import { serdes, type Topology } from '../../../engine/index.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { string } = serdes;
export const texts = { key: string, value: string };

/** The script that Kafka Streams tries all its joins with (AbstractJoinIntegrationTest): one key, records out of order
 *  from the 14th on. `L A @3`: left, the value A, the time 3; `-` is no value. */
export const fullScript = `
  L - @1
  R - @2
  L A @3
  R a @4
  L B @5
  R b @6
  L - @7
  R - @8
  L C @9
  R c @10
  R - @11
  L - @12
  R - @13
  R d @7
  L D @6
  L - @2
  R - @3
  R e @14
  L E @15
  L - @10
  R - @9
  L F @4
  R f @3`;

/** Its script of records in order; the last two have no key. */
export const orderedScript = `
  L - @1
  R - @2
  L A @3
  R a @4
  L B @5
  R b @6
  L - @7
  R - @8
  L C @9
  R c @10
  R - @11
  L - @12
  R - @13
  R d @14
  L D @15
  L E @16 without key
  R e @17 without key`;

interface Step {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

const stepsOf = (script: string): { line: string; step: Step }[] =>
  script
    .split('\n')
    .map((line) => line.replace(/ =>.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [, side, value = '', time, key] = /^([LR]) (\S+) @(\d+)( without key| of \S+)?$/.exec(line) ?? [];
      if (side === undefined) throw new Error(`cannot read the step "${line}"`);
      const topic = side === 'L' ? 'left' : 'right';
      const name = key === undefined ? 'k' : key === ' without key' ? null : key.slice(4);
      return { line, step: { topic, key: name, value: value === '-' ? null : value, timestamp: Number(time) } };
    });

/** Plays a script; answers with it, each line with what it brought out: `L B @5 => B-a@5`. */
export const play = (topology: Topology, script: string): string => {
  const driver = new TopologyTestDriver(topology);
  const lines = stepsOf(script).map(({ line, step }) => {
    driver.input(step.topic, texts).pipe(step.key, step.value, step.timestamp);
    const results = driver
      .output('out', texts)
      .readAll()
      .map(({ key, value, timestamp }) => `${key === 'k' ? '' : `${key ?? '-'}:`}${value}@${timestamp}`);
    return results.length === 0 ? `  ${line}` : `  ${line} => ${results.join(' ')}`;
  });
  driver.close();
  return `\n${lines.join('\n')}`;
};

/** `left-right`. */
export const dashed = (left: string | null, right: string | null): string => `${left}-${right}`;
