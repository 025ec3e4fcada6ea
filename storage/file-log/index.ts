/**
 * The log on disk. `file-log.ts` is the contract on a directory, `data-directory.ts` says what lies where,
 * `partition.ts` is one partition with its segments and the way back after a crash, `coordinator.ts` the commit
 * protocol with the two partitions it keeps for itself. `shared-view.ts` and `shared-reader.ts` let other threads read
 * the segments themselves.
 *
 * Files, time and chance are injected: nothing here imports the platform, and the tests run it on a file system that
 * loses, tears and refuses what was written.
 */

export { type FileLog, type FileLogOptions, openFileLog } from './file-log.ts';
export { openSharedReader, openSharedReaders, type SharedReaders } from './shared-reader.ts';
export type { SharedLogView, SharedTopic } from './shared-view.ts';
