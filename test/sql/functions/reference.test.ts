import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { families } from '../../../sql/functions/index.ts';
import { functionReference } from '../../../sql/functions/reference.ts';

test('docs/functions.md says what the declarations say (node tools/function-reference.ts writes it)', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/functions.md'), 'utf8');
  expect(page).toBe(functionReference(families));
});
