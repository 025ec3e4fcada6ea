/**
 * The log on disk. `file-log.ts` is the contract on a directory, `data-directory.ts` lists what lies where,
 * `partition.ts` is one partition with its segments, `partition-recovery.ts` opens it after a crash, `coordinator.ts`
 * holds the commit protocol. `shared-view.ts` and `shared-reader.ts` let other threads read
 * the segments themselves.
 *
 * Files, time and randomness are injected: nothing here imports the platform, and the tests run it on a file system
 * that loses, tears and refuses what was written.
 */

export { type FileLog, type FileLogOptions, openFileLog } from './file-log.ts';
export { openSharedReader, openSharedReaders, type SharedReaders } from './shared-reader.ts';
export type { SharedLogView, SharedTopic } from './shared-view.ts';
