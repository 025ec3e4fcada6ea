/**
 * Tries the package as a stranger gets it: `npm pack`, install into an empty folder, and use what was installed.
 *
 * Three things must work there, with nothing of this repository within reach: the server (`millrace server`), the
 * terminal (`millrace sql -e`) and the ten-line program of the README. What this catches and the tests cannot: a file that
 * `files` in package.json forgets, a development dependency that the product needs, a path that exists only in the source.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const home = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
const installed = join(folder, 'node_modules', 'millrace', 'dist', 'cli', 'main.js');

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function untilAnswered(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`${url} did not answer within ten seconds`);
}

const run = (args: readonly string[]): string => {
  const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  console.log(output.trimEnd());
  return output;
};

function expectText(output: string, wanted: string): void {
  if (!output.includes(wanted)) throw new Error(`expected "${wanted}" in the output above`);
}

const statements = `
  CREATE STREAM greetings (id BIGINT KEY, word VARCHAR) WITH (kafka_topic='greetings', partitions=1, value_format='JSON');
  INSERT INTO greetings (id, word) VALUES (1, 'hello');
  SELECT word FROM greetings WHERE id = 1;`;

async function trial(): Promise<void> {
  const npm = (args: readonly string[], cwd: string): string =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  npm(['pack', '--silent', '--pack-destination', folder], home);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack left no tarball');
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  npm(['install', '--no-audit', '--no-fund', '--omit=dev', `./${tarball}`], folder);

  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const server = spawn(
    process.execPath,
    [installed, 'server', '--data', join(folder, 'data'), '--port', String(port)],
    { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = once(server, 'exit');
  try {
    await untilAnswered(`${address}/info`);
    expectText(run([installed, 'sql', '--server', address, '-e', statements]), 'hello');
  } finally {
    server.kill('SIGINT');
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`the server ended with exit code ${String(code)} after Ctrl-C`);

  cpSync(join(home, 'examples', 'ten-lines.ts'), join(folder, 'ten-lines.ts'));
  run([join(folder, 'ten-lines.ts')]);
}

try {
  await trial();
  console.log('The packed tarball works.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
