/**
 * An embedded application as a process that is killed: counts records by key, and writes them itself.
 *
 *   node bench/streams-app.ts DATA FROM TO [THEN [BUILT]]
 *
 * Sends the numbers from FROM up to TO as keys, once each, and waits until all are counted and checkpointed; then sends
 * those below THEN again and again until it is killed. Each line that it prints is JSON: `running` when the application
 * runs, with the records that were restored and the offset from which on, behind what the checkpoint holds; `answered`
 * when a store has answered, with the count of key 0; `sent` with the number of records that are acknowledged. `ms` is
 * the time since the process began. BUILT: `dist/` instead of the sources.
 */

import type * as Library from '../millrace.ts';

const [data = '', from = '0', to = '0', then = '0', built] = process.argv.slice(2);
const library = built === undefined ? '../millrace.ts' : '../dist/millrace.js';
const { open, StreamsBuilder, serdes } = (await import(library)) as typeof Library;
const { safeInt64 } = serdes;

const print = (line: object): void => {
  process.stdout.write(`${JSON.stringify({ ms: Math.round(performance.now()), ...line })}\n`);
};

const builder = new StreamsBuilder();
const counts = builder.stream('numbers', { key: safeInt64, value: safeInt64 }).groupByKey().count({ store: 'counts' });

const millrace = await open({ data });
if ((await millrace.log.describeTopic('numbers')) === undefined)
  await millrace.log.createTopic({ name: 'numbers', partitions: 1 });
const streams = await millrace.streams({ id: 'count', topology: builder.build(), start: false });
let restored = 0;
let restoredFrom = 0;
streams.on('restore', (progress) => {
  if (progress.phase !== 'end') return;
  ({ restored, from: restoredFrom } = progress);
});
await streams.start();
print({ what: 'running', restored, restoredFrom });
print({ what: 'answered', count: String(await streams.store(counts).get(0)) });

const bytesOf = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return bytes;
};
const one = bytesOf(1);
const batch = 5000;
const send = async (first: number, end: number): Promise<void> => {
  for (let at = first; at < end; at += batch) {
    const count = Math.min(batch, end - at);
    const records = Array.from({ length: count }, (_, i) => ({ key: bytesOf(at + i), value: one }));
    await millrace.produce('numbers', records);
    print({ what: 'sent', from: at, to: at + count });
  }
};
await send(Number(from), Number(to));
await streams.awaitIdle();
print({ what: 'counted', entries: streams.counters?.storeEntries });
/** Changelog records that no checkpoint holds. */
const unsaved = async (): Promise<number> =>
  (await streams.metrics()).reduce((sum, { name, value }) => sum + (name === 'checkpoint-lag-records' ? value : 0), 0);
while ((await unsaved()) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
print({ what: 'checkpointed' });
while (Number(then) > 0) await send(0, Number(then));
await millrace.close();
