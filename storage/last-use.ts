/**
 * Forgets what nobody has used for long: producers and transactional ids, which otherwise add up for ever.
 *
 * A map holds its entries in order of last use. Those that were not used for longest come first, so the old ones can be
 * dropped without a look at the others whenever an entry is added. No timer is needed: nothing grows while nothing is
 * added.
 */

/** How long a partition remembers a producer that writes nothing (Kafka's `producer.id.expiration.ms`). */
export const producerIdExpirationMs = 24 * 60 * 60 * 1000;

/** How long a transactional id is remembered that nobody uses (Kafka's `transactional.id.expiration.ms`). */
export const transactionalIdExpirationMs = 7 * 24 * 60 * 60 * 1000;

interface Used {
  /** Epoch milliseconds. */
  lastUseMs: number;
}

/** Notes that an entry is used now. */
export const noteUse = <K, V extends Used>(map: Map<K, V>, key: K, entry: V, nowMs: number): void => {
  entry.lastUseMs = nowMs;
  map.delete(key);
  map.set(key, entry);
};

/** Drops the entries that were not used for longer than `keepMs`, except those that must stay; answers their keys. An
 *  entry of the future (the clock was ahead, and has been set back) counts as used now. */
export const dropUnused = <K, V extends Used>(
  map: Map<K, V>,
  { nowMs, keepMs }: { readonly nowMs: number; readonly keepMs: number },
  mustStay: (entry: V, key: K) => boolean,
): K[] => {
  const dropped: K[] = [];
  for (const [key, entry] of map) {
    if (entry.lastUseMs > nowMs) {
      entry.lastUseMs = nowMs;
      continue;
    }
    if (nowMs - entry.lastUseMs <= keepMs) break;
    if (mustStay(entry, key)) continue;
    map.delete(key);
    dropped.push(key);
  }
  return dropped;
};
