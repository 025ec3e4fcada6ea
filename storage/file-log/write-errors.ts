/** The errors of a file log whose disk refuses a call. */

import { FileError, messageOf } from '../../base/index.ts';
import { LogError, type TopicPartition } from '../log.ts';

const freeSpace = 'Free some space: writing goes on by itself.';

/** Whether the disk, or the user's share of it, is full. */
export const isFull = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');

/** A write to a partition's directory failed. */
export const writeError = (directory: string, cause: unknown): LogError =>
  isFull(cause)
    ? new LogError('unavailable', 'LOG_DISK_FULL', `no space is left on the device of ${directory}`, {
        hint: freeSpace,
        cause,
      })
    : new LogError('unavailable', 'LOG_WRITE_FAILED', `writing to ${directory} failed: ${messageOf(cause)}`, { cause });

/** A call on the log failed because of the disk; `what` is the first half of the message. */
export const callFailed = (what: string, cause: unknown): LogError => {
  if (cause instanceof LogError) return cause;
  const full = isFull(cause);
  return new LogError('unavailable', full ? 'LOG_DISK_FULL' : 'LOG_WRITE_FAILED', `${what}: ${messageOf(cause)}`, {
    cause,
    ...(full && { hint: freeSpace }),
  });
};

/** The end of a partition's file could not be cut back after a write that failed. */
export const brokenTail = (directory: string, cause: unknown): LogError =>
  new LogError(
    'unavailable',
    'LOG_WRITE_FAILED',
    `${directory} takes no writes until the next start: what a failed write left could not be cut off (${messageOf(cause)})`,
    { hint: 'Check the disk, then start again.', cause },
  );

/** The way out where the disk does not read a part of a topic any more. */
const withoutUnreadable = (topic: string): string =>
  'Where the disk cannot read it any more, restore the directory from a backup, or stop the server and run ' +
  `"millrace repair --data DIR --accept-loss ${topic}" to continue without what is lost.`;

/** A partition could not be read when the log was opened. */
export const offlineError = ({ topic, partition }: TopicPartition, cause: FileError): LogError =>
  new LogError('unavailable', 'LOG_PARTITION_OFFLINE', `${topic}/${partition} could not be opened: ${cause.message}`, {
    hint: `Check the disk and the permissions of the file, then start again. ${withoutUnreadable(topic)}`,
    cause,
  });

/** What was written may not be on the disk; see fencing in file-log.ts. */
export const syncFailed = (cause: unknown): LogError =>
  cause instanceof FileError || cause instanceof LogError
    ? new LogError(
        'unavailable',
        'LOG_SYNC_FAILED',
        `the disk failed to take what was written (${whereAndWhy(cause)}); nothing is acknowledged until the log is opened again`,
        { hint: 'Check the disk, then start again: what may not be on it is checked then.', cause },
      )
    : new LogError(
        'unavailable',
        'LOG_SYNC_FAILED',
        `a fault of Millrace stopped the log: ${messageOf(cause)}; nothing is acknowledged until the log is opened again`,
        { hint: 'Start again, and please report this.', cause },
      );

/** The messages of calls on an open file do not name it. */
const whereAndWhy = (cause: unknown): string =>
  cause instanceof FileError && !cause.message.includes(cause.path)
    ? `${cause.path}: ${cause.message}`
    : messageOf(cause);
