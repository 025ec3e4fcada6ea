/**
 * Builds `dist/`: what `npm pack` ships.
 *
 * The compiler only erases types and turns `.ts` into `.js` in import paths; there is no bundler, so a stack trace of a
 * user shows the same files as the repository. Law: `dist/` is always built from nothing, because a file that was
 * renamed in the source would otherwise live on in the package.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const home = join(import.meta.dirname, '..');
const dist = join(home, 'dist');
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [compiler, '--project', join(home, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status === 0) chmodSync(join(dist, 'cli', 'millrace.js'), 0o755);
process.exitCode = status ?? 1;
