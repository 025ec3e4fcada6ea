/** A data directory: its log, and what of its state has to be known before anything runs. */

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Random, replaceFile, UserError, utf8Bytes } from '../base/index.ts';
import { installNative, nodeFiles, openFileLimit, systemClock } from '../base/node/index.ts';
import { type FileLog, openFileLog } from '../storage/file-log/index.ts';

/** The log gets a quarter of the files that the process may have open; threads, stores and connections need the
 *  rest. */
export const openLog = (directory: string, random: Random): Promise<FileLog> =>
  openFileLog({
    directory,
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random,
    openFiles: Math.min(512, Math.max(32, Math.floor(openFileLimit() / 4))),
  });

/** The absolute path of a data directory. Throws DATA_DIR_UNREADABLE where there is none. */
export const existingDirectory = (data: string): string => {
  installNative();
  const directory = resolve(data);
  if (existsSync(join(directory, 'format'))) return directory;
  throw new UserError('DATA_DIR_UNREADABLE', `${directory} is not a data directory of Millrace`, {
    hint: 'Give the directory that the server was started with (--data).',
  });
};

/** Names this data directory among the processes that work on one log, and is a part of transactional ids. Where the
 *  file is gone the directory gets another name: each query's record holds its former name. */
export const instanceIdIn = (state: string, random: Random): string => {
  const path = join(state, 'instance-id');
  const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (/^[0-9a-f]{8}$/.test(known)) return known;
  const made = random.u32().toString(16).padStart(8, '0');
  replaceFile(nodeFiles, path, utf8Bytes(made));
  return made;
};
