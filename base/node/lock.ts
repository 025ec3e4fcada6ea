/**
 * A lock that the kernel holds for this process, and lets go of when the process ends, however it ends.
 *
 * Node has no advisory file locks of its own, but the SQLite that it contains uses one (`fcntl`) on the file of a
 * database while a transaction is open. So the lock is an open exclusive transaction on an empty database, in which
 * nothing is ever written: it needs no space, and the file may stay. A process id means nothing in another container,
 * and a file's presence means nothing after a kill; the kernel knows who holds it, wherever the processes run, as long
 * as they share the kernel (or a network file system that passes locks on).
 *
 * The kernel drops such a lock when the process closes any descriptor of the file: nothing else here may open it.
 */

import process from 'node:process';
import type * as sqlite from 'node:sqlite';
import { messageOf } from '../errors.ts';
import { FileError, type LockResult } from '../files.ts';

/** SQLite's result code for a lock that somebody else holds. */
const busy = 5;

export const takeLock = (path: string): LockResult => {
  const { DatabaseSync } = loadSqlite();
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(path);
    // Without a journal on the disk, taking the lock writes nothing.
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busy) return { held: false };
    throw new FileError('EIO', path, `the lock ${path} cannot be acquired: ${messageOf(cause)}`, {
      cause,
    });
  }
  const held = database;
  return { held: true, release: () => held.close() };
};

/** Node's SQLite, without the warning by which Node 22 and 24 call it experimental: users of the lock cannot do
 *  anything about it. */
const loadSqlite = (): typeof sqlite => {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
};
