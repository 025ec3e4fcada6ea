/** What is made of a versioned table goes by the latest version of each row: versions out of order change nothing. */

import { expect, test } from 'vitest';
import { serdes, type Topology } from '../../../engine/index.ts';
import { BufferConfig, type KTable, StreamsBuilder, Suppressed } from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };
const versioned = { versioned: { historyMs: 1000 } };

const build = (
  to: (left: KTable<string, string>, right: KTable<string, string>) => KTable<string, string>,
): Topology => {
  const builder = new StreamsBuilder();
  to(builder.table('left', { ...texts, ...versioned }), builder.table('right', { ...texts, ...versioned }))
    .toStream()
    .to('out', texts);
  return builder.build();
};

/** Plays steps `L key value@time` and `R …`; beside each what came out. */
const play = (topology: Topology, steps: string): string => {
  const driver = new TopologyTestDriver(topology);
  const lines: string[] = [];
  for (const [line, side, key = '', value = '', time] of steps.matchAll(/([LR]) (\S+) (\S+)@(\d+)/g)) {
    driver.input(side === 'L' ? 'left' : 'right', texts).pipe(key, value === '-' ? null : value, Number(time));
    const results = driver.output('out', texts).readAll();
    const shown = results.map((record) => ` ${record.key}=${record.value ?? '-'}@${record.timestamp}`).join('');
    lines.push(`    ${line}${shown === '' ? '' : `:${shown}`}`);
  }
  driver.close();
  return `\n${lines.join('\n')}`;
};

test('an aggregate of its groups', () => {
  const grouped = build((left) =>
    left
      .groupBy((_key, value) => [value, value], texts)
      .count({ store: 'counts' })
      .mapValues((count) => `${count}`, { value: string }),
  );
  const steps = `
    L a x@10: x=1@10
    L b x@20: x=2@20
    L a y@30: x=1@30 y=1@30
    L a x@15
    L b -@5
    L b z@40: x=0@40 z=1@40`;
  expect(play(grouped, steps)).toBe(steps);
});

test.each([false, true])('a join by a foreign key, left: %s', (isLeft) => {
  const joined = build((left, right) =>
    isLeft
      ? left.leftJoin(
          right,
          (value) => value,
          (a, b) => `${a}+${b}`,
          { value: string },
        )
      : left.join(
          right,
          (value) => value,
          (a, b) => `${a}+${b}`,
          { value: string },
        ),
  );
  const steps = `
    R x 1@10
    L a x@20: a=x+1@20
    R x 2@30: a=x+2@30
    R x 0@5
    L a y@15
    L a -@16
    R x 3@40: a=x+3@40`;
  expect(play(joined, steps)).toBe(steps);
});

test('a derived table that is kept', () => {
  const kept = build((left, right) =>
    right.join(
      left.filter((_key, value) => value !== 'none', { store: 'kept', value: string }),
      (a, b) => `${a}+${b}`,
      { value: string },
    ),
  );
  const steps = `
    L a x@20
    L a y@10
    R a 1@30: a=1+x@30
    L a none@15
    R a 2@40: a=2+x@40`;
  expect(play(kept, steps)).toBe(steps);
});

test('a filter of it sends each version, so that a table of what it sends has the same history', () => {
  const long = (left: KTable<string, string>) => left.filter((_key, value) => value.length > 1);
  const filtered = build(long);
  const steps = `
    L a x@20: a=-@20
    L a xx@10: a=xx@10
    L a x@15: a=-@15
    L a -@30: a=-@30`;
  expect(play(filtered, steps)).toBe(steps);
  const upper = (left: KTable<string, string>) => left.mapValues((value) => value.toUpperCase(), { value: string });
  expect(
    play(
      build((left) => long(upper(long(left)))),
      steps,
    ),
  ).toBe(steps.replace('a=xx', 'a=XX'));

  const builder = new StreamsBuilder();
  long(builder.table('left', { ...texts, ...versioned }))
    .toStream()
    .to('filtered', texts);
  const again = builder.table('filtered', { ...texts, ...versioned });
  builder
    .stream('right', texts)
    .leftJoin(again, (value, row) => `${value}+${row}`, { value: string })
    .to('out');
  const joined = `
    L a x@20
    L a xx@10
    R a 1@12: a=1+xx@12
    R a 2@25: a=2+null@25`;
  expect(play(builder.build(), joined)).toBe(joined);
});

test('what is held back of it', () => {
  const suppressed = build((left) => left.suppress(Suppressed.untilTimeLimit(10, BufferConfig.unbounded())));
  const steps = `
    L a x@20
    L a y@15
    L b z@30: a=x@20
    L c z@50: b=z@30`;
  expect(play(suppressed, steps)).toBe(steps);
});

test('a transformed table that is kept', () => {
  const builder = new StreamsBuilder();
  builder
    .table('left', { ...texts, ...versioned })
    .transformValues(() => (value) => value?.toUpperCase() ?? null, { store: 'upper', value: string })
    .groupBy((_key, value) => [value, value], texts)
    .count({ store: 'counts' })
    .toStream()
    .to('out', { value: int64 });
  const driver = new TopologyTestDriver(builder.build());
  const input = driver.input('left', texts);
  input.pipe('a', 'x', 10);
  input.pipe('a', 'y', 5);
  input.pipe('a', 'z', 20);
  const results = driver.output('out', { key: string, value: int64 }).readAll();
  expect(results.map(({ key, value }) => `${key}=${value}`)).toEqual(['X=1', 'X=0', 'Z=1']);
  driver.close();
});
