/**
 * Store ids: which number stands for which store in a shard.
 *
 * A shard is shared by the stores of many queries; each keeps its entries below a number of four bytes. The numbers are
 * given here, kept in the shard itself below number 0, and never given twice: what a forgotten or damaged store left
 * behind can never be mistaken for another one's.
 *
 *   00000000                                      next number (u32) · sum over all stores (`../stores/entry-sum.ts`)
 *   00000000 · application LF task LF store       number (u32) · code of the kind (1 byte, `../stores/store-kinds.ts`)
 *   00000000 · LF LF number as decimal digits     the same, of a store that is being deleted
 *
 * A store is taken out of the register before its entries are deleted: nobody finds a store of which only a part is
 * left, and one of the same name that is made meanwhile has another number. What a crash leaves of it is deleted when
 * the shard is opened again.
 *
 * Each value has its checksum behind it. The whole register is read when the shard is opened; two stores with one
 * number would mix their entries, so any damage in it condemns the shard.
 */

import { readU32, utf8Bytes, utf8Text, writeI32 } from '../../base/index.ts';
import { verifyChecksum, withChecksum } from '../stores/checksum.ts';
import { EntrySum } from '../stores/entry-sum.ts';
import { type KvBatch, KvError, type OrderedKv } from '../stores/ordered-kv.ts';
import type { StoreSpec } from '../stores/store.ts';
import { storeKinds } from '../stores/store-kinds.ts';

const root = new Uint8Array(4);
const firstNumber = 1;

const nameOf = (applicationId: string, taskId: string, store: string): string =>
  `${applicationId}\n${taskId}\n${store}`;

/** The name of a store that is being deleted. */
const deletedName = (number: number): string => nameOf('', '', String(number));

const keyOf = (name: string): Uint8Array => utf8Bytes(`\0\0\0\0${name}`);

interface Known {
  readonly number: number;
  readonly kindCode: number;
  readonly checksum: number;
}

export interface KnownStore {
  readonly applicationId: string;
  readonly taskId: string;
  readonly storeId: number;
  readonly name: string;
}

export class StoreIds {
  readonly #kv: OrderedKv;
  readonly #known = new Map<string, Known>();
  #next = firstNumber;
  #sum = new EntrySum();
  /** Changes wait for each other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(kv: OrderedKv) {
    this.#kv = kv;
  }

  /** Reads the register of a shard that was just opened. Rejects with a `KvError` of kind `corrupt` when it is
   *  damaged. */
  static async load(kv: OrderedKv): Promise<StoreIds> {
    const ids = new StoreIds(kv);
    const iterator = kv.iterate({ from: root, to: Uint8Array.of(0xff, 0xff, 0xff, 0xff) });
    let expected = new EntrySum();
    const found = new EntrySum();
    try {
      for (let first = true, inside = true; inside; first = false) {
        const entries = await iterator.next(first ? 1 : 1_000);
        if (entries.length === 0) break;
        for (const [key, stored] of entries) {
          inside = key.length >= 4 && readU32(key, 0) === 0;
          if (!inside) break;
          const checksum = verifyChecksum(key, stored);
          if (key.length === 4) {
            ids.#next = readU32(stored, 0);
            expected = EntrySum.read(stored.subarray(4));
            continue;
          }
          const kindCode = stored[4] as number;
          ids.#known.set(utf8Text(key.subarray(4)), { number: readU32(stored, 0), kindCode, checksum });
          found.replace(0, checksum);
        }
        if (first && ids.#next === firstNumber) throw damaged;
      }
    } finally {
      await iterator.close();
    }
    if (!found.equals(expected)) throw damaged;
    ids.#sum = found;
    return ids;
  }

  /** The store's number; a new one is on the disk before it is answered. */
  of(applicationId: string, taskId: string, spec: StoreSpec): Promise<number> {
    return this.#alone(async () => {
      const known = this.#known.get(nameOf(applicationId, taskId, spec.name));
      // A store that changed its kind is another store.
      return known?.kindCode === storeKinds[spec.kind].code ? known.number : this.#give(applicationId, taskId, spec);
    });
  }

  /** Gives the store another number: what it has under the present one is not to be used. */
  renew(applicationId: string, taskId: string, spec: StoreSpec): Promise<number> {
    return this.#alone(() => this.#give(applicationId, taskId, spec));
  }

  /** All stores of an application in this shard. */
  storesOf(applicationId: string): readonly KnownStore[] {
    const found: KnownStore[] = [];
    for (const [fullName, { number }] of this.#known) {
      const [application, taskId = '', name = ''] = fullName.split('\n');
      if (application !== applicationId) continue;
      found.push({ applicationId, taskId, storeId: number, name });
    }
    return found;
  }

  /** Deletes a store with all its entries from the shard. From the call on a store of its name gets another number. */
  async forget({ applicationId, taskId, storeId, name: store }: KnownStore): Promise<void> {
    await this.#alone(async () => {
      const name = nameOf(applicationId, taskId, store);
      const known = this.#known.get(name);
      if (known?.number !== storeId) return;
      const batch = this.#kv.batch();
      this.#drop(batch, name);
      this.#put(batch, deletedName(storeId), known);
      await this.#write(batch);
    });
    await this.#delete(storeId);
  }

  /** Ends the deletions that a crash has cut short. */
  async deleteForgotten(): Promise<void> {
    const forgotten = [...this.#known].filter(([name, { number }]) => name === deletedName(number));
    for (const [, { number }] of forgotten) await this.#delete(number);
  }

  async #delete(number: number): Promise<void> {
    const range = { from: new Uint8Array(4), to: new Uint8Array(4) };
    writeI32(range.from, 0, number);
    writeI32(range.to, 0, number + 1);
    await this.#kv.clear(range, { sync: true }).catch((error: unknown) => {
      // What damage keeps from being cleared lies under a number that is not given again.
      if (!(error instanceof KvError) || error.kind !== 'corrupt') throw error;
    });
    await this.#alone(async () => {
      const batch = this.#kv.batch();
      this.#drop(batch, deletedName(number));
      if (batch.length > 0) await this.#write(batch);
    });
  }

  async #give(applicationId: string, taskId: string, { name: store, kind }: StoreSpec): Promise<number> {
    const number = this.#next++;
    const batch = this.#kv.batch();
    this.#put(batch, nameOf(applicationId, taskId, store), { number, kindCode: storeKinds[kind].code });
    await this.#write(batch);
    return number;
  }

  #put(batch: KvBatch, name: string, { number, kindCode }: Pick<Known, 'number' | 'kindCode'>): void {
    const key = keyOf(name);
    const value = new Uint8Array(5);
    writeI32(value, 0, number);
    value[4] = kindCode;
    const stored = withChecksum(key, value);
    const checksum = readU32(stored, value.length);
    this.#sum.replace(this.#known.get(name)?.checksum ?? 0, checksum);
    this.#known.set(name, { number, kindCode, checksum });
    batch.put(key, stored);
  }

  #drop(batch: KvBatch, name: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.delete(name);
    this.#sum.replace(known.checksum, 0);
    batch.delete(keyOf(name));
  }

  async #write(batch: KvBatch): Promise<void> {
    batch.put(root, this.#rootValue());
    await batch.write({ sync: true });
  }

  #rootValue(): Uint8Array {
    const value = new Uint8Array(4 + this.#sum.toBytes().length);
    writeI32(value, 0, this.#next);
    value.set(this.#sum.toBytes(), 4);
    return withChecksum(root, value);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

const damaged = new KvError('corrupt', 'the register of its stores is damaged');
