/** Scratch. */
import { afterEach, test } from 'vitest';
import { closeWorlds, openWorld, rowsOf } from './support/world.ts';

afterEach(closeWorlds);
const tryIt = async (what: string, run: () => Promise<unknown>) => {
  try {
    console.log(
      what,
      '=>',
      JSON.stringify(await run(), (_, v) => (typeof v === 'bigint' ? String(v) : v)),
    );
  } catch (e) {
    console.log(what, '=> ERR', (e as { code?: string }).code, (e as Error).message);
  }
};
test('decimal end to end', async () => {
  const { engine } = await openWorld();
  const exec = (s: string) => engine.execute(s);
  await tryIt('create', () =>
    exec(`CREATE STREAM d (id BIGINT KEY, v DECIMAL(6, 2)) WITH (KAFKA_TOPIC='d', VALUE_FORMAT='JSON', PARTITIONS=1);`),
  );
  await tryIt('insert values', () => exec(`INSERT INTO d (id, v) VALUES (1, '12.34');`));
  for (const q of [
    'SELECT * FROM d;',
    "SELECT id, CAST(v AS STRING), CAST(v AS DOUBLE) FROM d WHERE v > CAST('3.2' AS DECIMAL(6, 2));",
    'SELECT CAST(v AS DECIMAL(5, 1)) FROM d;',
  ])
    await tryIt(q, () => rowsOf(engine, q));
  await tryIt('describe', () => exec('DESCRIBE d;'));
});
