/** Sessions: the clicks of each visitor, gathered until half an hour passes without one; each session comes out
 *  once. */

import { open } from 'millrace';
import { SessionWindows, StreamsBuilder, serdes, sessionWindowed } from 'millrace/engine';

const { json, list, string } = serdes;
const minute = 60_000;
const visits = { key: sessionWindowed(string), value: list(string) };

const builder = new StreamsBuilder();
builder
  .stream('clicks', { key: string, value: json<{ page: string }>() })
  .mapValues((click) => click?.page ?? null, { value: string })
  .groupByKey()
  .windowedBy(SessionWindows.ofInactivityGapAndGrace(30 * minute, 5 * minute))
  .emitStrategy('on window close')
  .aggregate<readonly (string | null)[]>(
    () => [],
    (_visitor, page, pages) => [...pages, page],
    (_visitor, earlier, later) => [...earlier, ...later],
    { value: list(string), store: 'sessions' },
  )
  .toStream()
  .to('visits');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const clicks = await millrace.topic('clicks', { key: string, value: json<{ page: string }>() });
const output = await millrace.topic('visits', visits);
const streams = await millrace.streams({ id: 'sessions', topology: builder.build() });

const start = Date.UTC(2026, 0, 1, 9);
const click = (visitor: string, page: string, minutes: number) => ({
  key: visitor,
  value: { page },
  timestamp: start + minutes * minute,
});
await clicks.produce([
  click('ann', '/', 0),
  click('bob', '/docs', 5),
  click('ann', '/docs', 20),
  click('ann', '/blog', 90),
  // Sessions close when time moves on.
  click('eve', '/', 300),
]);
await streams.awaitIdle();

const time = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
for await (const { key, value } of output.consume({ untilEnd: true, group: 'printed' })) {
  if (key !== null) console.log(`${key.key} ${time(key.start)}-${time(key.end)}: ${value?.join(' ')}`);
}
await streams.close();
await millrace.close();
