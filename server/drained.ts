/** Back-pressure of a response: resolves when the client has taken what was written, or is gone. */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

export const drained = async (out: ServerResponse): Promise<void> => {
  if (out.destroyed || !out.writableNeedDrain) return;
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(out, 'drain', { signal }), once(out, 'close', { signal })]).finally(() => settled.abort());
};
