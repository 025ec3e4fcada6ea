/**
 * Writes `docs/functions.md`: the built-in functions by family, from their own declarations. Run it after changing one;
 * a test holds the page to the declarations.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { families } from '../sql/functions/index.ts';
import { functionReference } from '../sql/functions/reference.ts';

writeFileSync(join(import.meta.dirname, '..', 'docs', 'functions.md'), functionReference(families));
