#!/usr/bin/env node
/**
 * What the installed command `millrace` starts: it reports in one sentence that Node is too old, or loads the command
 * line (main.ts).
 *
 * It imports nothing before it has looked, because what main.ts imports does not load on an old Node. The oldest
 * version is that of `engines` in package.json; a test compares them.
 */

const oldest = '22.22';
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [oldestMajor = 0, oldestMinor = 0] = oldest.split('.').map(Number);

if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  console.error(`Millrace needs Node ${oldest} or later; this is Node ${process.versions.node}.`);
  process.exitCode = 1;
} else {
  void import('./main.ts');
}

export {};
