/**
 * Tries the package as a stranger gets it: `npm pack`, install into an empty folder, and use what was installed.
 *
 * Four things must work there, with nothing of this repository within reach: the server (`millrace server`), the
 * terminal (`millrace sql -e`), the library, by `import` (the ten lines of the README) and by `require`, and the
 * topology library with threads of its own. They run on this Node and on the oldest one that package.json promises; an
 * older one must be refused with a sentence. The programs must compile against the published types, under strict rules.
 * What this catches and the tests cannot: a file that `files` in package.json forgets, a development dependency that
 * the product needs, a path that exists only in the source, a call that the oldest Node does not have.
 *
 * The other Nodes come from the npm registry (one package per platform). Where a platform has no such package, that is
 * printed, and this Node alone is tried.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const home = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
const installed = join(folder, 'node_modules', '.bin', 'millrace');
/** The oldest release of the oldest version promised, and one before it. */
const oldest = `${engines().replace('>=', '')}.0`;
const tooOld = '20.9.0';

function engines(): string {
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { engines: { node: string } };
  return manifest.engines.node;
}

const npm = (args: readonly string[], cwd: string): string =>
  execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** The path of that Node, or undefined where the registry has none for this platform. */
function otherNode(version: string): string | undefined {
  const name = `node-${process.platform}-${process.arch}`;
  const place = join(folder, `node-${version}`);
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
  const { status } = spawnSync('npm', ['install', '--silent', '--no-audit', '--no-fund', `${name}@${version}`], {
    cwd: place,
    stdio: 'ignore',
  });
  const node = join(place, 'node_modules', name, 'bin', 'node');
  if (status === 0 && existsSync(node)) return node;
  console.log(`There is no package ${name}@${version}: Node ${version} is not tried here.`);
  return undefined;
}

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

const run = (node: string, args: readonly string[]): string => {
  const output = execFileSync(node, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  console.log(output.trimEnd());
  return output;
};

function expectText(output: string, wanted: string): void {
  if (!output.includes(wanted)) throw new Error(`expected "${wanted}" in the output:\n${output}`);
}

const programs = [
  ['examples', 'ten-lines'],
  ['tools/package-trial', 'app'],
  ['tools/package-trial', 'threads'],
] as const;

const statements = `
  CREATE STREAM greetings (id BIGINT KEY, word VARCHAR) WITH (kafka_topic='greetings', partitions=1, value_format='JSON');
  INSERT INTO greetings (id, word) VALUES (1, 'hello');
  SELECT word FROM greetings WHERE id = 1;`;

function install(): void {
  npm(['pack', '--silent', '--pack-destination', folder], home);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack left no tarball');
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  npm(['install', '--no-audit', '--no-fund', '--omit=dev', `./${tarball}`], folder);
  for (const [from, name] of programs) {
    const program = readFileSync(join(home, from, `${name}.ts`), 'utf8');
    writeFileSync(join(folder, `${name}.ts`), program);
    // The oldest Node does not run TypeScript by itself.
    writeFileSync(join(folder, `${name}.js`), stripTypeScriptTypes(program));
  }
  writeFileSync(join(folder, 'required.cjs'), "console.log(`required: ${typeof require('millrace').open}`);\n");
}

/** The programs compile against the types of the package. */
function typeCheck(): void {
  const options = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(home, 'node_modules', '@types')],
  };
  const files = programs.map(([, name]) => `${name}.ts`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  execFileSync(join(home, 'node_modules', '.bin', 'tsc'), ['--project', folder], { stdio: 'inherit' });
  console.log('The programs compile against the published types.');
}

/** Server, terminal and library on one Node, which runs files with this ending. */
async function trial(node: string, ending: 'ts' | 'js'): Promise<void> {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`On Node ${version}:`);
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const server = spawn(node, [installed, 'server', '--data', join(folder, `data-${version}`), '--port', String(port)], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = once(server, 'exit');
  try {
    await untilAnswered(`${address}/info`);
    expectText(run(node, [installed, 'sql', '--server', address, '-e', statements]), 'hello');
  } finally {
    server.kill('SIGINT');
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`the server ended with exit code ${String(code)} after Ctrl-C`);
  run(node, [join(folder, `ten-lines.${ending}`), join(folder, `library-${version}`)]);
  const threads = [join(folder, `threads.${ending}`), join(folder, `threads-${version}`), `./app.${ending}`];
  expectText(run(node, threads), 'threads: a 2, b 1');
  expectText(run(node, [join(folder, 'required.cjs')]), 'required: function');
}

/** An old Node is told so, in one sentence, by the command and by the library. */
function refusal(node: string): void {
  for (const args of [[installed, '--version'], [join(folder, 'ten-lines.js')]]) {
    const { stderr, status } = spawnSync(node, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
    expectText(stderr, `Millrace needs Node ${engines().replace('>=', '')} or later; this is Node ${tooOld}`);
    if (status === 0) throw new Error('an old Node was refused, but the exit code is 0');
  }
  console.log(`Node ${tooOld} is refused with a sentence.`);
}

try {
  install();
  typeCheck();
  await trial(process.execPath, 'ts');
  const old = otherNode(oldest);
  if (old !== undefined) await trial(old, 'js');
  const older = otherNode(tooOld);
  if (older !== undefined) refusal(older);
  console.log('The packed tarball works.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
