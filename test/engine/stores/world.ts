/**
 * A store beside a plain model of it: the same operations go to both, and `check` compares everything that can be seen.
 *
 * The model is a map of what is committed, a map of what the open transaction changed, and the changelog as a list. The
 * key-value store's writes wait until `advance` lets them go, so that a checkpoint runs as slowly as a history wants.
 */

import { expect } from 'vitest';
import { GuardedKv } from '../../../engine/stores/guarded-kv.ts';
import { MemoryBudget } from '../../../engine/stores/memory-budget.ts';
import { MemoryKv } from '../../../engine/stores/memory-kv.ts';
import { KvError } from '../../../engine/stores/ordered-kv.ts';
import type { CheckpointPace, ScanRange, StateStore } from '../../../engine/stores/state-store.ts';
import type { OrderedCursor } from '../../../engine/stores/store.ts';
import { createStore } from '../../../engine/stores/store-kinds.ts';
import {
  bytesOf,
  compareOrders,
  formOf,
  groupOf,
  type Key,
  type Kind,
  nameOf,
  orderedStore,
  orderOf,
  textOf,
  windowStore,
} from './forms.ts';

export { allKinds, bytesOf, type Key, type Kind, textOf } from './forms.ts';

type Entry = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** A fetch of the entries of one group of an ordered kind, and what happens to the store while its cursor is open. */
export type Fetch = {
  readonly group: string;
  readonly from: Key | undefined;
  readonly to: Key | undefined;
  readonly backward: boolean;
  /** Before the cursor moves on for the n-th time: the entry under it, or another one, is put or removed. */
  readonly changes: readonly { readonly op: 'put' | 'delete'; readonly at: Key | undefined; readonly text: string }[];
};

/** What a scan that runs beside other operations may find: for each key all values that were committed since it
 *  began. */
type Aside = {
  readonly done: Promise<Map<string, string>>;
  readonly seen: Map<string, Set<string | undefined>>;
  /** Set when the store spilled at the beginning: the scan then shows this state exactly. */
  readonly exactly: ReadonlyMap<string, string> | undefined;
};

/** The order of an appended entry, behind its time. */
export const sequenceKey = (sequence: number): string => `\0\0\0${String.fromCharCode(sequence)}`;

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class World {
  readonly kind: Kind;
  readonly memoryLimitBytes: number;
  kv: MemoryKv | undefined;
  store: StateStore;
  committed = new Map<string, string>();
  /** What the open transaction sees. */
  open = new Map<string, string>();
  committedMeta = new Map<string, number>();
  openMeta = new Map<string, number>();
  committedFloor = Number.NEGATIVE_INFINITY;
  openFloor = Number.NEGATIVE_INFINITY;
  readonly changelog: Entry[] = [];
  readonly keys = new Map<string, Key>();
  /** Writes of the key-value store that wait. */
  #waiting: (() => void)[] = [];
  #failing = false;
  /** Reads of the key-value store until one fails; −1: none does. */
  #readsLeft = -1;
  /** A read has failed while the store moved what is committed: it can only be opened again. */
  broken = false;
  /** Event time of what is appended. */
  now = 720_000;
  /** Of the clock that the store is asked by whether a checkpoint is due. */
  #ms = 0;
  /** Without it writes do not wait. */
  #slow: boolean;
  checkpoint: Promise<void> | undefined;
  /** Every second checkpoint rests between its chunks, until it becomes urgent. */
  #checkpoints = 0;
  /** A scan that runs beside everything else. */
  #aside: Aside | undefined;

  constructor(kind: Kind, options: { kv: boolean; memoryLimitBytes: number; slow?: boolean }) {
    this.kind = kind;
    this.memoryLimitBytes = options.memoryLimitBytes;
    this.#slow = options.slow ?? false;
    this.kv = options.kv ? this.#faulty(new MemoryKv({ beforeWrite: () => this.#beforeWrite() })) : undefined;
    this.store = this.#newStore();
  }

  #faulty(kv: MemoryKv): MemoryKv {
    const read = kv.getSync.bind(kv);
    kv.getSync = (key) => {
      if (this.#readsLeft >= 0 && this.#readsLeft-- === 0) throw new KvError('failed', 'the disk cannot be read');
      return read(key);
    };
    return kv;
  }

  /** One of the next reads of the key-value store fails; undefined: none does. */
  failRead(after: number | undefined): void {
    this.#readsLeft = after ?? -1;
  }

  /** Copies of what has left memory cannot be read or written any more. */
  breakScratch(): void {
    if (this.kv !== undefined) this.kv.scratch.isBroken = true;
  }

  #newStore(): StateStore {
    const options = {
      kv: this.kv === undefined ? undefined : new GuardedKv(this.kv),
      storeId: 7,
      memory: new MemoryBudget(this.memoryLimitBytes),
      hashSeed: 4711,
      chunkEntries: 5,
      scanChunkBytes: 100,
      lookAheadFrom: 0,
      pageBytes: 90,
      segmentsAtOnce: 1,
    };
    return createStore(formOf(this.kind).spec, options);
  }

  async #beforeWrite(): Promise<void> {
    if (this.#slow) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#failing) {
      this.#failing = false;
      throw new KvError('full', 'no space left');
    }
  }

  get(at: Key): string | undefined {
    this.keys.set(nameOf(at), at);
    const key = bytesOf(`#${at.key}#`);
    return this.#get(at.window, key, 1, key.length - 1);
  }

  #get(window: number, key: Uint8Array, start: number, end: number): string | undefined {
    const found = formOf(this.kind).get(this.store, window, key, start, end);
    return found ? textOf(this.store.valueBytes, this.store.valueStart, this.store.valueEnd) : undefined;
  }

  /** Reads keys, and writes some of them, as they lie in a block that the store was told to expect; not all of them are
   *  asked for. */
  runBlock(keys: readonly Key[], text: string): void {
    const bytes = bytesOf(keys.map(({ key }) => key).join(''));
    const keyStart = new Int32Array(keys.length);
    const keyEnd = new Int32Array(keys.length);
    for (let row = 0, at = 0; row < keys.length; row++) {
      keyStart[row] = at;
      at += (keys[row] as Key).key.length;
      keyEnd[row] = at;
    }
    this.store.expect({ bytes, keyStart, keyEnd }, 0, keys.length, 0);
    const value = bytesOf(text);
    for (const [row, at] of keys.entries()) {
      const start = keyStart[row] as number;
      const end = keyEnd[row] as number;
      this.keys.set(nameOf(at), at);
      if (row % 5 === 3) continue;
      if (row % 5 !== 4) {
        expect(this.#get(at.window, bytes, start, end), `expected ${nameOf(at)}`).toBe(this.open.get(nameOf(at)));
      }
      if (row % 3 === 0) {
        this.delete(at);
      } else {
        formOf(this.kind).put(this.store, at.window, bytes, start, end, [value, 0, value.length]);
        if (at.window >= this.openFloor) this.open.set(nameOf(at), text);
      }
    }
  }

  put(at: Key, text: string): void {
    this.keys.set(nameOf(at), at);
    const key = bytesOf(`#${at.key}#`);
    const value = bytesOf(`#${text}#`);
    formOf(this.kind).put(this.store, at.window, key, 1, key.length - 1, [value, 1, value.length - 1]);
    if (at.window >= this.openFloor) this.open.set(nameOf(at), text);
  }

  /** Adds an entry of a time behind the others of the group that appended entries have. */
  append(time: number, text: string): void {
    if (time < this.openFloor || this.kind !== 'ordered by time') return;
    let sequence = 0;
    // Keys of four characters are sequences.
    for (const name of this.open.keys()) {
      const { window, key } = this.keys.get(name) as Key;
      if (window === time && key.length === 4) sequence = Math.max(sequence, key.charCodeAt(3) + 1);
    }
    const at = { window: time, key: sequenceKey(sequence) };
    // Behind it the last character would be a digit.
    if (sequence > 8) return;
    this.keys.set(nameOf(at), at);
    const group = bytesOf(groupOf(at.key));
    const value = bytesOf(text);
    const answer = orderedStore(this.store).append(group, 0, group.length, time, value, 0, value.length);
    expect(answer).toBe(sequence);
    this.open.set(nameOf(at), text);
  }

  /** Lets some time pass and appends an entry, of now or of before. */
  appendLater(ms: number, backMs: number, text: string): void {
    this.now += ms;
    this.append(this.now - backMs, text);
  }

  /** An entry that was appended; undefined: there is none. */
  appended(number: number): Key | undefined {
    const names = [...this.open.keys()].filter((name) => (this.keys.get(name) as Key).key.startsWith('\0'));
    return this.keys.get(names[names.length - 1 - (number % names.length)] ?? '');
  }

  /** Overwrites the first byte of a value where it lies. */
  update(at: Key, digit: string): void {
    this.keys.set(nameOf(at), at);
    const key = bytesOf(`#${at.key}#`);
    const { getForUpdate } = formOf(this.kind);
    if (getForUpdate === undefined) return;
    const found = getForUpdate(this.store, at.window, key, 1, key.length - 1);
    const before = this.open.get(nameOf(at));
    expect(found).toBe(before !== undefined);
    if (before === undefined || before === '') return;
    expect(textOf(this.store.valueBytes, this.store.valueStart, this.store.valueEnd)).toBe(before);
    if (!('valueView' in this.store)) throw new Error('values of the store cannot be overwritten');
    this.store.valueView.setUint8(this.store.valueStart, digit.charCodeAt(0));
    this.open.set(nameOf(at), digit + before.slice(1));
  }

  /** Overwrites the last entry of a group by one of another time, where that is possible, as a session is extended. */
  extend(group: string, ms: number, digit: string): void {
    if (this.kind !== 'ordered by time') return;
    const store = orderedStore(this.store);
    const key = bytesOf(`#${group}#`);
    const last = [...this.open.keys()]
      .map((name) => this.keys.get(name) as Key)
      .filter((at) => groupOf(at.key) === group)
      .sort((a, b) => compareOrders(this.kind, a, b))
      .at(-1);
    const order = last && textOf(orderOf(this.kind, last));
    const value = last && this.open.get(nameOf(last));
    if (store.comeToLast(key, 1, key.length - 1)) {
      const { valueBytes, valueView, orderStart, valueStart, valueEnd } = store;
      expect(textOf(valueBytes, orderStart, valueStart)).toBe(order);
      expect(valueView.getUint8(orderStart)).toBe(valueBytes[orderStart]);
      expect(textOf(valueBytes, valueStart, valueEnd)).toBe(value);
    } else {
      let found: string | undefined;
      const first = orderOf(this.kind, { window: Number.MIN_SAFE_INTEGER, key: '' });
      store.visitBackward(key, 1, key.length - 1, first, (bytes, orderStart, orderEnd) => {
        found = textOf(bytes, orderStart, orderEnd);
        return false;
      });
      expect(found).toBe(order);
    }
    if (last === undefined || value === undefined || value === '') return;
    const to = { window: last.window + ms, key: last.key };
    const text = digit + value.slice(1);
    if (!store.overwriteVisited(orderOf(this.kind, to), bytesOf(text), 0, text.length)) return;
    this.keys.set(nameOf(to), to);
    this.open.delete(nameOf(last));
    this.open.set(nameOf(to), text);
  }

  delete(at: Key): void {
    this.keys.set(nameOf(at), at);
    const key = bytesOf(`#${at.key}#`);
    formOf(this.kind).delete(this.store, at.window, key, 1, key.length - 1);
    this.open.delete(nameOf(at));
  }

  expireBelow(window: number): void {
    if ('expireBelow' in this.store) this.store.expireBelow(window);
    if (window <= this.openFloor) return;
    this.openFloor = window;
    for (const name of [...this.open.keys()]) {
      if ((this.keys.get(name) as Key).window < window) this.open.delete(name);
    }
  }

  /** From now on the calls of operators are timed, or are not. */
  timeCalls(on: boolean): void {
    let ms = 0;
    this.store.timeCalls(
      on
        ? {
            now: () => ms++,
            // Within a call no other one is timed.
            took: (name, took) => expect(took, name).toBe(1),
          }
        : undefined,
    );
  }

  setMeta(name: string, value: number): void {
    this.store.meta.set(name, value);
    this.openMeta.set(name, value);
  }

  /** What the store visits as changed is what differs from the last commit; what has expired is left out. */
  checkChanges(): void {
    const visited = new Set<string>();
    formOf(this.kind).visitChanges(this.store, (at, before, after) => {
      const name = nameOf(at);
      expect(visited.has(name), `${name} is visited twice`).toBe(false);
      visited.add(name);
      expect(before, `${name} before`).toBe(this.committed.get(name));
      expect(after, `${name} after`).toBe(this.open.get(name));
      // The visitor may read the store.
      expect(this.get(at)).toBe(after);
      for (const near of [...this.keys.values()].slice(0, 3)) this.get(near);
    });
    for (const name of new Set([...this.committed.keys(), ...this.open.keys()])) {
      if ((this.keys.get(name) as Key).window < this.openFloor || this.committed.get(name) === this.open.get(name))
        continue;
      expect(visited.has(name), `${name} has changed and is not visited`).toBe(true);
    }
  }

  commit(): void {
    this.checkChanges();
    const entries: Entry[] = [];
    this.store.writeChangelog((key, keyStart, keyEnd, value, valueStart, valueEnd) => {
      entries.push({
        key: key.slice(keyStart, keyEnd),
        value: valueStart < 0 ? undefined : value.slice(valueStart, valueEnd),
      });
    });
    expect(entries.length).toBeLessThanOrEqual(this.store.changed());
    expect(new Set(entries.map(({ key }) => textOf(key))).size).toBe(entries.length);
    this.changelog.push(...entries);
    // As a task does: a transaction that changes nothing is not committed.
    if (this.store.changed() > 0) this.#moving(() => this.store.commit(this.changelog.length));
    expect(this.broken || this.store.changed() === 0).toBe(true);
    this.committed = new Map(this.open);
    this.committedMeta = new Map(this.openMeta);
    this.committedFloor = this.openFloor;
    if (this.#aside !== undefined) {
      const { seen } = this.#aside;
      for (const name of new Set([...seen.keys(), ...this.committed.keys()])) {
        const values = seen.get(name) ?? new Set<string | undefined>([undefined]);
        seen.set(name, values.add(this.committed.get(name)));
      }
    }
  }

  /** Does what may move committed entries within the store. */
  #moving(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.broken = true;
    }
  }

  /** Some seconds pass in which nothing is committed. The open transaction, if there is one, stays as it is. */
  idle(): void {
    for (let i = 0; i < 2; i++) this.#moving(() => this.store.checkpointDue((this.#ms += 5_000)));
  }

  rollback(): void {
    this.store.rollback();
    expect(this.store.changed()).toBe(0);
    this.open = new Map(this.committed);
    this.openMeta = new Map(this.committedMeta);
    this.openFloor = this.committedFloor;
  }

  startCheckpoint(): void {
    if (this.checkpoint !== undefined) return;
    let chunks = 0;
    const pace: CheckpointPace = {
      urgent: () => ++chunks > 6,
      rest: () => new Promise((resolve) => this.#waiting.push(resolve)),
    };
    this.checkpoint = this.store
      .checkpoint(this.#checkpoints++ % 2 === 0 ? pace : undefined)
      .catch((error: unknown) => {
        if (!(error instanceof KvError)) throw error;
      })
      .finally(() => {
        this.checkpoint = undefined;
      });
  }

  failNextWrite(): void {
    this.#failing = true;
  }

  /** Lets some of the waiting writes go on. */
  async advance(steps: number): Promise<void> {
    for (; steps > 0; steps--) {
      await settle();
      this.#waiting.shift()?.();
    }
    await settle();
  }

  async finishCheckpoint(): Promise<void> {
    while (this.checkpoint !== undefined) await this.advance(1);
  }

  /** The process dies, and starts again from what the disk kept and the committed changelog. */
  async crash(survives: () => boolean, options: { checkpointWhileRestoring?: boolean } = {}): Promise<void> {
    await this.finishScan();
    // A write that waits for its turn has not reached the disk.
    this.#waiting = [];
    this.checkpoint = undefined;
    this.#failing = this.broken = false;
    this.failRead(undefined);
    if (this.kv !== undefined) {
      const slow = this.#slow;
      this.#slow = false;
      this.kv = this.#faulty(this.kv.crash(survives, { beforeWrite: () => this.#beforeWrite() }));
      await this.#start(options.checkpointWhileRestoring === true);
      this.#slow = slow;
    } else await this.#start(false);
    this.open = new Map(this.committed);
    this.openMeta = new Map(this.committedMeta);
    this.openFloor = this.committedFloor;
  }

  async #start(checkpoint: boolean): Promise<void> {
    this.store = this.#newStore();
    const { position } = await this.store.open();
    const verified = this.store.verify();
    expect(position ?? 0).toBeLessThanOrEqual(this.changelog.length);
    for (let offset = position ?? 0; offset < this.changelog.length; offset++) {
      const { key, value } = this.changelog[offset] as Entry;
      this.store.applyChangelog(key, 0, key.length, value ?? key, value === undefined ? -1 : 0, value?.length ?? -1);
      if (checkpoint && offset % 7 === 6) {
        this.store.commit(offset + 1);
        await this.store.checkpoint();
      }
    }
    this.store.commit(this.changelog.length);
    await verified;
    expect(this.store.verified).toBe(true);
  }

  async scan(range: ScanRange = {}): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    await this.store.scanCommitted(range, async (chunk) => {
      await settle();
      for (let i = 0; i < chunk.count; i++) {
        const name = nameOf(formOf(this.kind).keyOf(chunk, i));
        expect(found.has(name), `the scan visits ${name} twice`).toBe(false);
        found.set(name, textOf(chunk.bytes, chunk.valueStarts[i], chunk.valueEnds[i]));
      }
    });
    return found;
  }

  /** Begins a scan whose client is slow; it goes on while the world changes. One at a time. */
  async startScan(): Promise<void> {
    this.failRead(undefined);
    await this.finishScan();
    const seen = new Map([...this.committed].map(([name, value]) => [name, new Set<string | undefined>([value])]));
    const exactly = this.store.stats.complete ? undefined : new Map(this.committed);
    const done = this.scan();
    done.catch(() => {});
    this.#aside = { done, seen, exactly };
  }

  /** Awaits the scan that runs aside. A key that was there all the time is found once, with a value that it had
   *  meanwhile. */
  async finishScan(): Promise<void> {
    if (this.#aside === undefined) return;
    const { done, seen, exactly } = this.#aside;
    const found = await done;
    this.#aside = undefined;
    if (exactly !== undefined) expect(found).toEqual(exactly);
    for (const [name, value] of found) expect([...(seen.get(name) ?? [])], `scanned ${name}`).toContain(value);
    for (const [name, values] of seen) {
      if (!values.has(undefined)) expect(found.has(name), `the scan passes over ${name}`).toBe(true);
    }
  }

  readCommitted(at: Key): string | undefined {
    const key = bytesOf(`#${at.key}#`);
    const value = formOf(this.kind).readCommitted(this.store, at.window, key, 1, key.length - 1);
    return value === undefined ? undefined : textOf(value);
  }

  /** Everything that can be seen is as the model has it. */
  async check(): Promise<void> {
    this.failRead(undefined);
    for (const [name, key] of this.keys) {
      expect(this.readCommitted(key), `committed ${name}`).toBe(this.committed.get(name));
      expect(this.get(key), `open ${name}`).toBe(this.open.get(name));
    }
    for (const name of this.openMeta.keys()) expect(this.store.meta.get(name)).toBe(this.openMeta.get(name));
    expect(await this.scan()).toEqual(this.committed);
    if (formOf(this.kind).timed) await this.#checkScanOfTimes();
    if (this.store.kind === 'window') {
      const windows = windowStore(this.store).committedWindows();
      expect(windows).toEqual([...new Set(windows)].sort((a, b) => a - b));
      const held = new Set([...this.committed.keys()].map((name) => (this.keys.get(name) as Key).window));
      expect(windows).toEqual(expect.arrayContaining([...held]));
      if (windows.length > 0) expect(windows[0] as number).toBeGreaterThanOrEqual(this.committedFloor);
    }
    if (this.store.kind === 'ordered') this.#checkFetches();
    if (this.kv === undefined) expect(this.store.stats.complete).toBe(true);
  }

  /** Scans from the first time that there is, and from a later one, to that of the last entry. */
  async #checkScanOfTimes(): Promise<void> {
    const timeOf = (name: string): number => (this.keys.get(name) as Key).window;
    const times = [...this.committed.keys()].map(timeOf).sort((a, b) => a - b);
    for (const fromWindow of new Set([times[0], times[times.length >> 1]])) {
      if (fromWindow === undefined) continue;
      const toWindow = times.at(-1) as number;
      const within = [...this.committed].filter(([name]) => timeOf(name) >= fromWindow && timeOf(name) < toWindow);
      expect(await this.scan({ fromWindow, toWindow })).toEqual(new Map(within));
    }
  }

  /** The entries of a group in order. */
  #inOrder(group: string, entries: ReadonlyMap<string, string>): Key[] {
    return [...entries.keys()]
      .map((name) => this.keys.get(name) as Key)
      .filter(({ key }) => groupOf(key) === group)
      .sort((a, b) => compareOrders(this.kind, a, b));
  }

  /** A whole fetch of each group finds what was committed, and what the open transaction sees. */
  #checkFetches(): void {
    const store = orderedStore(this.store);
    for (const group of ['', '0', '1', '2', groupOf(sequenceKey(0))]) {
      const key = bytesOf(`#${group}#`);
      for (const [cursor, entries] of [
        [store.committedCursor(), this.committed],
        [store.cursor(), this.open],
      ] as const) {
        const expected = this.#inOrder(group, entries).map((at) => `${nameOf(at)}=${entries.get(nameOf(at))}`);
        const visit = (): string[] => {
          const found: string[] = [];
          while (cursor.next()) {
            const at = this.#keyUnder(cursor);
            found.push(`${nameOf(at)}=${textOf(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)}`);
          }
          expect(cursor.next()).toBe(false);
          return found;
        };
        cursor.fetch(key, 1, key.length - 1);
        expect(visit(), `group ${group}`).toEqual(expected);
        cursor.fetchBackward(key, 1, key.length - 1);
        expect(visit(), `group ${group}, backward`).toEqual(expected.reverse());
      }
    }
  }

  #keyUnder(cursor: OrderedCursor): Key {
    const { valueBytes: bytes, orderStart, orderEnd } = cursor;
    const orders = { orderStarts: Int32Array.of(orderStart), orderEnds: Int32Array.of(orderEnd) };
    return formOf(this.kind).keyOf({ ...noChunk, bytes, ...orders }, 0);
  }

  /** Fetches within bounds while entries come and go: each step goes to the entry that is the next one then. */
  fetch({ group, from, to, backward, changes }: Fetch): void {
    const cursor = orderedStore(this.store).cursor();
    const key = bytesOf(group);
    const bounds = [from, to].map((bound) => (bound === undefined ? undefined : orderOf(this.kind, bound))) as [
      Uint8Array | undefined,
      Uint8Array | undefined,
    ];
    if (backward) cursor.fetchBackward(key, 0, key.length, ...bounds);
    else cursor.fetch(key, 0, key.length, ...bounds);
    let at: Key | undefined;
    for (let step = 0; ; step++) {
      const next = this.#inOrder(group, this.open).filter(
        (each) =>
          (from === undefined || compareOrders(this.kind, each, from) >= 0) &&
          (to === undefined || compareOrders(this.kind, each, to) < 0) &&
          (at === undefined ||
            (backward ? compareOrders(this.kind, each, at) < 0 : compareOrders(this.kind, each, at) > 0)),
      );
      const expected = backward ? next.at(-1) : next[0];
      expect(cursor.next(), `step ${step} of a fetch`).toBe(expected !== undefined);
      if (expected === undefined) return;
      at = expected;
      const text = this.open.get(nameOf(expected));
      const seen = (): string =>
        `${nameOf(this.#keyUnder(cursor))}=${textOf(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)}`;
      expect(seen()).toBe(`${nameOf(expected)}=${text}`);
      const change = changes[step];
      if (change === undefined) continue;
      if (change.op === 'put') this.put(change.at ?? expected, change.text);
      else this.delete(change.at ?? expected);
      // What lies under the cursor stays as it was.
      expect(seen()).toBe(`${nameOf(expected)}=${text}`);
    }
  }
}

const noChunk = {
  count: 1,
  bytes: new Uint8Array(0),
  keyStarts: new Int32Array(1),
  keyEnds: new Int32Array(1),
  valueStarts: new Int32Array(1),
  valueEnds: new Int32Array(1),
  windowStarts: new Float64Array(1),
};
