/**
 * library: Millrace within a Node program, no ports, no other process.
 *
 * `open` makes everything native and puts the layers together; `interface.ts` has the calls that it answers with. Read
 * that first, then `open.ts`. Repair and the list of stored sources work on a directory that no process has open.
 */

export type { MillraceEvent } from './events.ts';
export type { Millrace, QueryRows, ResultRow, RowChange } from './interface.ts';
export { open, openWith, PROCESSING_LOG_TOPIC } from './open.ts';
export type { OpenOptions } from './options.ts';
export { type RepairReport, type RepairRequest, repair } from './repair.ts';
export { storedSources } from './stored-sources.ts';
export { openTestDriver, type TestDriverOptions } from './test-driver.ts';
