/** Specifications of stores whose keys and values are written by serdes: with the schema hash that follows from
 *  them. */

import { hash48 } from '../../base/index.ts';
import type { StoreKind, StoreSpec } from './store.ts';

/** The serdes of a store's keys and values, and words for what else lies in its entries. */
type Held = readonly (string | { readonly name: string })[];

/** Entries of other serdes than these are not read as these (`StoreSpec.schemaHash`). */
export const schemaHashOf = (kind: StoreKind, held: Held): number =>
  hash48(JSON.stringify([kind, ...held.map((part) => (typeof part === 'string' ? part : part.name))]));

export const storeSpec = <K extends StoreKind>(
  name: string,
  kind: K,
  held: Held,
  retentionMs?: number,
): StoreSpec & { readonly kind: K } => ({
  name,
  kind,
  ...(retentionMs !== undefined && { retentionMs }),
  schemaHash: schemaHashOf(kind, held),
});
