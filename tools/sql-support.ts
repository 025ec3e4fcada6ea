/** Writes `docs/sql/coming-from-ksqldb.md`: what there is of the dialect, from what is registered. Run it after adding
 *  to that; a test holds the page to it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqlSupport } from './sql-support-page.ts';

writeFileSync(join(import.meta.dirname, '..', 'docs', 'sql', 'coming-from-ksqldb.md'), sqlSupport());
