/** Scripts: files of statements. */

import { readFileSync } from 'node:fs';
import { UsageFault } from './exit.ts';

export function readScript(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = code === 'ENOENT' ? 'there is no such file' : error instanceof Error ? error.message : String(error);
    throw new UsageFault(`the script ${file} cannot be read: ${reason}`);
  }
}
