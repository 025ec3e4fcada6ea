import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqlSupport } from '../tools/sql-support-page.ts';

test('docs/sql/coming-from-ksqldb.md lists what is registered (node tools/sql-support.ts writes it)', () => {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'sql', 'coming-from-ksqldb.md'), 'utf8');
  expect(page).toBe(sqlSupport());
});
