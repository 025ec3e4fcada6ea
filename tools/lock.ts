/**
 * Completes `package-lock.json` after `npm install`, so that `npm ci` works on every platform.
 *
 * Why: native tools come as one optional package per platform. When a registry mirror lacks one of them (a musl or an
 * Android build, say), npm leaves it out of the lock and then `npm ci` refuses the lock as out of date, on every
 * machine. This adds what npm itself would have written from the parent's exact version and the platform in the
 * package's name. The entries carry no checksum, because the file was never fetched here; npm fetches such a package
 * only on the platform it is for. Law: nothing that npm has written is changed, and only exact versions are added.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const operatingSystems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64', 'loong64', 'wasm32'];

/** Reads `@oxlint/binding-linux-x64-musl` as Linux, x64; undefined where the name tells no platform. */
function platformOf(name: string): { cpu: string[]; libc?: string[]; os: string[] } | undefined {
  const words = name.split(/[-/]/);
  const os = operatingSystems.find((word) => words.includes(word));
  const cpu = processors.find((word) => words.includes(word));
  if (!os || !cpu) return undefined;
  return { cpu: [cpu], ...(words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {}), os: [os] };
}

const path = join(import.meta.dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, Entry> };
const added: string[] = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const platform = platformOf(name);
    const known = place in lock.packages || `${parent}/${place}` in lock.packages;
    if (known || !platform || !/^\d+\.\d+\.\d+$/.test(version)) continue;
    lock.packages[place] = {
      version,
      ...platform,
      ...(entry.dev ? { dev: true } : {}),
      ...{ optional: true },
    };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'The lock was complete.' : `Added to the lock:\n  ${added.join('\n  ')}`);
