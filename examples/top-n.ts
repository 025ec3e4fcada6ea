/** Top three: the best scores of each game, kept as one row, corrected when a player's score changes. */

import { open } from 'millrace';
import { StreamsBuilder, serdes } from 'millrace/engine';

interface Score {
  readonly game: string;
  readonly player: string;
  readonly points: number;
}

const { json, string } = serdes;
const score = json<Score>();
const scores = json<readonly Score[]>();

const builder = new StreamsBuilder();
const best = builder
  .table('scores', { key: string, value: score, store: 'scores' })
  .groupBy((_player, row) => [row.game, row], { key: string, value: score })
  .aggregate<readonly Score[]>(
    () => [],
    (_game, row, all) => [...all, row].sort((a, b) => b.points - a.points),
    (_game, row, all) => all.filter(({ player }) => player !== row.player),
    { value: scores, store: 'by-game' },
  )
  .mapValues((all) => all.slice(0, 3), { value: scores });
best.toStream().to('top-three');

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const table = await millrace.topic('scores', { key: string, value: score });
const top = await millrace.topic('top-three', { key: string, value: scores });
const streams = await millrace.streams({ id: 'top-n', topology: builder.build() });

const row = (player: string, game: string, points: number) => ({
  key: `${game}/${player}`,
  value: { game, player, points },
});
await table.produce([
  row('ann', 'chess', 10),
  row('bob', 'chess', 30),
  row('eve', 'chess', 20),
  row('jim', 'chess', 25),
  row('bob', 'chess', 5),
  row('ann', 'go', 1),
]);
await streams.awaitIdle();

const last = new Map<string, readonly Score[]>();
for await (const { key, value } of top.consume({ untilEnd: true }))
  if (key !== null && value !== null) last.set(key, value);
for (const [game, rows] of last)
  console.log(`${game}: ${rows.map(({ player, points }) => `${player} ${points}`).join(', ')}`);
await streams.close();
await millrace.close();
