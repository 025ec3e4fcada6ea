/** An embedded application that is killed again and again: nothing is lost or counted twice, and its state is not
 *  rebuilt. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MillraceEvent, open, StreamsBuilder, serdes } from 'millrace';
import { expect, test } from 'vitest';
import { Random } from '../base/index.ts';
import { StreamsProcess } from '../bench/streams-process.ts';

const keys = 20_000;

test('state survives SIGKILL, and is there again at once', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  const random = new Random(1);
  try {
    let app = new StreamsProcess([data, 0, keys, 5000]);
    await app.line('checkpointed');
    /** Batches with key 0 that were acknowledged, the first one included; one that was on its way at a kill may be
     *  there or not. */
    let acknowledged = 0;
    const countLoad = (): void => {
      acknowledged += app.lines.filter((line) => line['what'] === 'sent' && line['to'] === 5000).length;
    };
    for (let kills = 0; kills < 3; kills++) {
      await new Promise((resolve) => setTimeout(resolve, random.below(400)));
      app.kill();
      await once(app.child, 'exit');
      countLoad();
      app = new StreamsProcess([data, 0, 0, 5000]);
      const answered = await app.line('answered');
      expect(Number(answered['count'])).toBeGreaterThanOrEqual(1);
      const running = await app.line('running');
      // What no checkpoint holds is replayed, and never all of the state again.
      expect(running['restoredFrom']).toBeGreaterThanOrEqual(keys);
    }
    app.kill();
    await once(app.child, 'exit');
    countLoad();

    const events: MillraceEvent[] = [];
    const millrace = await open({ data, onEvent: (event) => events.push(event) });
    const builder = new StreamsBuilder();
    const { safeInt64 } = serdes;
    const counts = builder
      .stream('numbers', { key: safeInt64, value: safeInt64 })
      .groupByKey()
      .count({ store: 'counts' });
    const streams = await millrace.streams({ id: 'count', topology: builder.build() });
    await streams.awaitIdle();
    const { end } = await millrace.log.offsets({ topic: 'numbers', partition: 0 });
    const sent = new Map<number, number>();
    for await (const { key } of millrace.consume('numbers', { untilEnd: true })) {
      const number = safeInt64.read(key ?? new Uint8Array(8), 0, 8);
      sent.set(number, (sent.get(number) ?? 0) + 1);
    }
    expect(sent.size).toBe(keys);
    expect(end).toBeGreaterThan(keys);
    expect(sent.get(0)).toBeGreaterThanOrEqual(acknowledged);
    let entries = 0;
    for await (const { key, value } of streams.store(counts).all()) {
      entries++;
      if (Number(value) !== sent.get(key)) expect(`${key}: ${value}`).toBe(`${key}: ${sent.get(key)}`);
    }
    expect(entries).toBe(keys);
    expect(events.filter(({ message }) => message.includes('rebuilt'))).toEqual([]);
    await millrace.close();
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
