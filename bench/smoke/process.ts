/**
 * A process of the smoke run: `node process.ts produce|run DATA SIZES THREADS`. `produce` writes the input and ends;
 * `run` runs the application until it is killed, or has nothing left to do, and tells its parent how far it is.
 */

import { type Serde, serdes } from '../../engine/public.ts';
import { open, type TypedRecord } from '../../millrace.ts';
import { appOf } from './app.ts';
import { outputs } from './expected.ts';
import { clicksOf, namesOf, numbersOf, partitions, regionsOf, type Sizes } from './history.ts';

/** What a running process tells its parent. */
export interface Told {
  /** Records that this process has read, of all topics. */
  readonly read: number;
  readonly idle: boolean;
}

const [what, data = '', sizesText = '{}', threads = '0'] = process.argv.slice(2);
const sizes = JSON.parse(sizesText) as Sizes;
const { float64, string } = serdes;

/** The whole history has times of its own, so that nothing is deleted by age. */
const configs = { 'retention.ms': '-1' };

const produce = async (): Promise<void> => {
  const millrace = await open({ data });
  const write = async <V>(name: string, value: Serde<V>, records: Iterable<TypedRecord<string, V>>): Promise<void> => {
    await millrace.log.createTopic({ name, partitions, configs });
    const topic = await millrace.topic(name, { key: string, value });
    let chunk: TypedRecord<string, V>[] = [];
    for (const record of records) {
      chunk.push(record);
      if (chunk.length < 20_000) continue;
      await topic.produce(chunk);
      chunk = [];
    }
    await topic.produce(chunk);
  };
  await write('regions', string, regionsOf());
  await write('names', string, namesOf(sizes));
  await write('clicks', float64, clicksOf(sizes));
  await write('numbers', float64, numbersOf(sizes));
  for (const name of [...outputs, 'tagg']) await millrace.log.createTopic({ name, partitions, configs });
  await millrace.close();
};

const run = async (): Promise<void> => {
  const millrace = await open({ data });
  const streams = await millrace.streams({ ...appOf(Number(threads)), start: false });
  let idle = false;
  const tell = (): void => {
    const told: Told = { read: streams.counters?.recordsRead ?? 0, idle };
    process.send?.(told);
  };
  const timer = setInterval(tell, 5);
  await streams.start();
  await streams.awaitIdle();
  idle = true;
  tell();
  clearInterval(timer);
  await millrace.close();
  process.disconnect?.();
};

await (what === 'produce' ? produce() : run());
