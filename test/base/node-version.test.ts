/** An old Node is refused with a sentence, and the version promised is written down once. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkNodeVersion, oldestNode } from '../../base/node/version.ts';

const home = join(import.meta.dirname, '..', '..');

test('versions below the oldest one are refused by name', () => {
  expect(() => checkNodeVersion('22.21.1')).toThrow(`Millrace needs Node ${oldestNode} or later; this is Node 22.21.1`);
  expect(() => checkNodeVersion('20.20.2')).toThrow(expect.objectContaining({ code: 'NODE_TOO_OLD' }));
  for (const version of ['22.22.0', '22.23.3', '24.0.0', '26.10.0', process.versions.node]) checkNodeVersion(version);
});

test('the library, the command and package.json name the same oldest Node', () => {
  const { engines } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { engines: { node: string } };
  expect(engines.node).toBe(`>=${oldestNode}`);
  expect(readFileSync(join(home, 'cli', 'millrace.ts'), 'utf8')).toContain(`const oldest = '${oldestNode}';`);
});
