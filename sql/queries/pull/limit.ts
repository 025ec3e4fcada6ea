/** LIMIT and OFFSET: rows from one place on, up to so many. Nothing is read behind the last one. */

import type { PullStep } from './step.ts';

export const limit = (input: PullStep, count: number | undefined, offset: number): PullStep => {
  if (count === undefined && offset === 0) return input;
  const texts = [count === undefined ? '' : `Limit ${count}`, offset === 0 ? '' : `Offset ${offset}`];
  return {
    text: texts.filter((text) => text !== '').join(' '),
    inputs: [input],
    async *rows() {
      let skip = offset;
      let left = count ?? Number.POSITIVE_INFINITY;
      if (left <= 0) return;
      for await (const batch of input.rows()) {
        const from = Math.min(skip, batch.length);
        skip -= from;
        const rows = batch.slice(from, from + Math.min(left, batch.length));
        left -= rows.length;
        yield rows;
        if (left <= 0) return;
      }
    },
  };
};
