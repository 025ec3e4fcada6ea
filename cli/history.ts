/**
 * What was typed before, one statement a line, kept in a file of the user's.
 *
 * The newest is last in the file and first in memory, as the line editor expects it. A history that cannot be read or
 * written is no reason to stop: it is then kept in memory alone.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const maxHistory = 1000;

/** Where the history is kept, unless `MILLRACE_HISTORY` names another file. */
export const historyFile = (environment: NodeJS.ProcessEnv): string =>
  environment['MILLRACE_HISTORY'] ?? join(homedir(), '.millrace_history');

/** Newest first. */
export function readHistory(file: string): string[] {
  try {
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .slice(-maxHistory)
      .reverse();
  } catch {
    return [];
  }
}

/** Writes the history, given newest first. Only the user may read the file: statements may hold what others should
 *  not see. */
export function writeHistory(file: string, entries: readonly string[]): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const lines = entries
      .slice(0, maxHistory)
      .filter((entry) => !/[\r\n]/.test(entry))
      .reverse();
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch {
    // Kept in memory alone.
  }
}

/** The lines of one statement as one line of history; undefined where that would change its meaning. */
export function joinLines(lines: readonly string[]): string | undefined {
  const text = lines.join(' ').trim();
  return lines.length > 1 && text.includes('--') ? undefined : text;
}
