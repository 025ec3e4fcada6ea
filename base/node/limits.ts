/** Limits that the system sets for this process. */

import { readFileSync } from 'node:fs';

/** How many files the process may have open, sockets included. Only on Linux it can be read without a child process;
 *  elsewhere 1,024 is assumed. */
export const openFileLimit = (): number => {
  try {
    const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return limit === undefined ? 1024 : Number(limit);
  } catch {
    return 1024;
  }
};
