/** DISTINCT: of rows with equal values the first one. State: a key for each different row. */

import type { SqlType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { bytesOf, entryBytes, type QueryMemory } from './memory.ts';
import { rowKey } from './row-key.ts';
import type { PullStep } from './step.ts';

export const distinct = (input: PullStep, types: readonly SqlType[], memory: QueryMemory): PullStep => ({
  text: 'Distinct',
  inputs: [input],
  async *rows() {
    const key = rowKey(types);
    const seen = new Set<Value>();
    for await (const batch of input.rows()) {
      let bytes = 0;
      const fresh = batch.filter((row) => {
        const own = key(row);
        if (seen.has(own)) return false;
        seen.add(own);
        bytes += entryBytes + bytesOf(own);
        return true;
      });
      memory.take(bytes, 'DISTINCT');
      yield fresh;
    }
  },
});
