/**
 * Builds `dist/`: what `npm pack` ships.
 *
 * The code of 500 files goes into some sixty: a start spends most of its time on loading modules. What is loaded late
 * (`import()`) stays in files of its own. Beside each lies a source map: under `node --enable-source-maps` a stack
 * trace shows the files and lines of the repository. The types of each file are as the compiler writes them.
 *
 * `dist/` is always built from nothing, because a file that was renamed in the source would otherwise live on in the
 * package.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';

const home = join(import.meta.dirname, '..');
const dist = join(home, 'dist');

/** What package.json exports and starts, and what threads and late imports name by its path. */
const entries = [
  'millrace',
  'engine/public',
  'sql/serdes',
  'cli/millrace',
  'cli/main',
  'engine/runtime/worker',
  'base/node/guarded-thread',
  'sql/compile/worker-builder',
  'sql/functions/module-service',
];

const writeCode = async (): Promise<void> => {
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(home, `${name}.ts`)])),
    platform: 'node',
    // Packages, and Node's own modules: what is imported by a name and not by a path.
    external: /^[^./]/,
  });
  await bundle.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    // As deep as `sql/` and `library/`: paths that code takes from its own place hold in both.
    chunkFileNames: 'chunks/[name].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
};

const writeTypes = (): void => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '--project', join(home, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
};

rmSync(dist, { recursive: true, force: true });
writeTypes();
await writeCode();
chmodSync(join(dist, 'cli', 'millrace.js'), 0o755);
