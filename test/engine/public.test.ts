/** `millrace/engine` as a program imports it. */

import { type KTable, StreamsBuilder, serdes, TopologyTestDriver } from 'millrace/engine';
import { expect, test } from 'vitest';

const { string, int64 } = serdes;

test('a program counts words and tests it without a log', () => {
  const builder = new StreamsBuilder();
  const counts: KTable<string, number | bigint> = builder
    .stream('lines', { key: string, value: string })
    .flatMapValues((line) => line?.toLowerCase().split(/\W+/) ?? [], { value: string })
    .filter((_key, word) => word !== '')
    .groupBy((_key, word) => word, { key: string })
    .count({ store: 'counts' });
  counts.toStream().to('counted');
  const driver = new TopologyTestDriver(builder.build());
  driver.input('lines', { key: string, value: string }).pipe(null, 'The mill, the race');
  expect(driver.output('counted', { key: string, value: int64 }).readTable()).toEqual(
    new Map([
      ['the', 2],
      ['mill', 1],
      ['race', 1],
    ]),
  );
  expect(driver.keyValueStore('counts', { key: string, value: int64 }).get('the')?.value).toBe(2);
  driver.close();
});
