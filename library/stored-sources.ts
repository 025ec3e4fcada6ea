/** The streams and tables of a data directory that no process has open. */

import { systemRandom } from '../base/node/index.ts';
import { readStoredSources, type StoredSources } from '../sql/index.ts';
import { existingDirectory, openLog } from './data-directory.ts';

/** The streams and tables of a data directory, with their columns. Nothing in it is started. Rejects with
 *  DATA_DIR_LOCKED while the directory is open anywhere. */
export const storedSources = async ({ data }: { readonly data: string }): Promise<StoredSources> => {
  const log = await openLog(existingDirectory(data), systemRandom());
  try {
    return await readStoredSources(log);
  } finally {
    await log.close();
  }
};
