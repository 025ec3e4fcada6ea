/** Back-pressure of a response: resolves when the client has received what was written, or is gone. */

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

export const drained = async (out: ServerResponse): Promise<void> => {
  if (out.destroyed || !out.writableNeedDrain) return;
  const finished = new AbortController();
  const { signal } = finished;
  await Promise.race([once(out, 'drain', { signal }), once(out, 'close', { signal })]).finally(() => finished.abort());
};
