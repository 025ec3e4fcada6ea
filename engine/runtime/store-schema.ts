/**
 * What the entries of a store look like is part of the store: a hash of it lies among the store's own numbers, in the
 * changelog and in the checkpoint.
 *
 * A topology may name the hash of what its nodes read and write (`StoreSpec.schemaHash`), and those of other forms that
 * they read too (`formerSchemaHashes`). Once the store is restored its hash has to be one of these. If it is not, the
 * query fails and nothing is changed: its nodes would take the bytes for something else. A store that has no hash yet
 * was written before there were hashes, or is empty; it gets one with the next commit.
 */

import { UserError } from '../../base/index.ts';
import type { StateStore } from '../stores/state-store.ts';

const metaName = 'schema hash';

/** Throws `STATE_SCHEMA_MISMATCH` when the store holds something else than its specification says. */
export const checkStoreSchema = (queryId: string, store: StateStore): void => {
  const { schemaHash, formerSchemaHashes } = store.spec;
  const found = store.meta.get(metaName);
  if (schemaHash === undefined || found === undefined || found === schemaHash) return;
  if (formerSchemaHashes?.includes(found) === true) return;
  throw new UserError(
    'STATE_SCHEMA_MISMATCH',
    `the entries of the store "${store.name}" were written with other keys or rows than its nodes read now: ` +
      `their schema hash is ${hashText(found)}, that of the nodes is ${hashText(schemaHash)}; nothing was changed`,
    {
      hint:
        'Run the version that wrote them. Or compute everything again from the sources: for an application call ' +
        `reset() before start(); for a query stop the server and run "millrace repair --data DIR --reset-query ` +
        `${queryId}".`,
    },
  );
};

/** Within the open transaction. */
export const keepStoreSchema = (store: StateStore): void => {
  const { schemaHash } = store.spec;
  if (schemaHash !== undefined) store.meta.set(metaName, schemaHash);
};

const hashText = (hash: number): string => hash.toString(16).padStart(12, '0');
