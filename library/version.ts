/** The version of the package. */

import { readFileSync } from 'node:fs';
import { assert } from '../base/index.ts';

/** Two places: beside the sources, and above the build. */
export const packageVersion = (): string => {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  assert(false, 'package.json is missing beside the library');
};
