import { opaque, type Relation, sameRows } from './relation.ts';

/** Looked up by key, by range or by window is the same as scanned. Joins read each side by the conditions on it. */
export const access: Relation = async (query, rows, ask) => {
  if (query.where === undefined) return undefined;
  const scanned = await ask({ ...query, where: opaque(query.where) });
  return scanned && sameRows('looked up, and scanned', rows, scanned);
};
