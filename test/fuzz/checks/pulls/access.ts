/** Looked up by key, by range or by window is the same as scanned. Joins read each side by the conditions on it. */

import { isLimited, opaque, type Relation, sameRows, unlimited } from './relation.ts';

export const access: Relation = async (query, rows, ask) => {
  const { where, ...plain } = unlimited(query);
  if (where === undefined) return undefined;
  const lookedUp = isLimited(query) ? await ask({ ...plain, where }) : rows;
  const scanned = await ask({ ...plain, where: opaque(where) });
  return lookedUp && scanned && sameRows('looked up, and scanned', lookedUp, scanned);
};
