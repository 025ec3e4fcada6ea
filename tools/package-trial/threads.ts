/** Uses the installed package's topology library: an application in two threads, and a query of its state. */

import { open } from 'millrace';
import { serdes } from 'millrace/engine';

const { int64, string } = serdes;
const [data = './data', module = './app.ts'] = process.argv.slice(2);

const millrace = await open({ data });
await millrace.topic('words', { key: string, value: string, partitions: 2 });
await millrace.topic('counts', { key: string, value: int64, partitions: 2 });
const streams = await millrace.streams({ id: 'words', module: new URL(module, import.meta.url), threads: 2 });
const from = await millrace.produce('words', [
  { key: 'a', value: '1' },
  { key: 'b', value: '1' },
  { key: 'a', value: '2' },
]);
const counts = streams.store({ name: 'counts', key: string, value: int64 }, { from });
console.log(`threads: a ${await counts.get('a')}, b ${await counts.get('b')}`);
await millrace.close();
