/**
 * The memory of all stores of the process: one limit, shared by use.
 *
 * Counted are entries, hash slots, lists of changes and of due entries, and window indexes: also what cannot leave
 * memory (entries that no checkpoint holds yet, stores without a key-value store). Over the limit a clock's hand goes
 * round the entries of all stores of the thread: one that was not used since the hand last came by, and that the
 * checkpoint holds, leaves memory. So a store that is used keeps its entries, and one that is not gives its share away.
 *
 * Threads meet in an array that all of them see: what each uses, and what each had to evict, in KiB. A thread evicts
 * from its own stores only; what others had to evict it gives away, half of it at each look (`giveWay`), so that an
 * idle thread's memory goes to a busy one.
 *
 * Not counted: what a slab reserves beyond its entries (at most half of them, and 2 MiB for each store), LevelDB's own
 * caches (up to 24 MiB for each open shard), and the blocks in which entries leave memory (200 KiB for each thread).
 */

/** A store, as far as memory goes. */
export interface MemoryUser {
  /** How many places the hand passes in it. */
  readonly slots: number;
  /** Passes so many while memory is short, on average; answers whether that has made, or will make, any room. */
  evict(slots: number): boolean;
}

const unit = 1024;
/** There may be a hundred threads; to ask what each of them uses at every entry cost a sixteenth of all time. */
const looksBetween = 32;

/** What threads share: two numbers for each. */
export const newSharedUse = (threads: number): Int32Array =>
  new Int32Array(threads === 1 ? new ArrayBuffer(8) : new SharedArrayBuffer(8 * threads));

export class MemoryBudget {
  readonly limitBytes: number;
  readonly #shared: Int32Array;
  readonly #threads: number;
  readonly #thread: number;
  #usedBytes = 0;
  /** What other threads used at the last look, and how often that counts still. */
  #othersBytes = 0;
  #looksLeft = 0;
  #evictedBytes = 0;
  /** What this thread is about to give to others. */
  #owedBytes = 0;
  /** What each thread had evicted at the last look. */
  readonly #seen: Int32Array;
  readonly #users: MemoryUser[] = [];
  #hand = 0;
  /** Slots that the hand has passed in the store where it is. */
  #passed = 0;

  constructor(limitBytes: number, shared: Int32Array = newSharedUse(1), thread = 0) {
    this.limitBytes = limitBytes;
    this.#shared = shared;
    this.#threads = shared.length / 2;
    this.#thread = thread;
    this.#seen = new Int32Array(this.#threads);
    Atomics.store(shared, thread, 0);
  }

  join(user: MemoryUser): void {
    this.#users.push(user);
  }

  leave(user: MemoryUser): void {
    const at = this.#users.indexOf(user);
    if (at < 0) return;
    this.#users.splice(at, 1);
    if (at < this.#hand) this.#hand--;
    else if (at === this.#hand) this.#passed = 0;
  }

  /** A store uses so many bytes more, or less. */
  add(bytes: number): void {
    if (bytes === 0) return;
    this.#usedBytes += bytes;
    Atomics.store(this.#shared, this.#thread, Math.ceil(this.#usedBytes / unit));
  }

  /** A store has evicted so many. */
  evicted(bytes: number): void {
    if (this.#owedBytes > 0) {
      this.#owedBytes -= bytes;
      return;
    }
    this.#evictedBytes += bytes;
    Atomics.store(this.#shared, this.#threads + this.#thread, Math.floor(this.#evictedBytes / unit) | 0);
  }

  /** Bytes over the limit, all threads together; not above 0: there is room. */
  get excess(): number {
    if (--this.#looksLeft < 0) this.#look();
    return this.#usedBytes - this.limitBytes + this.#othersBytes;
  }

  #look(): void {
    this.#looksLeft = this.#threads <= 2 ? 0 : looksBetween;
    this.#othersBytes = bytesUsed(this.#shared) - Atomics.load(this.#shared, this.#thread) * unit;
  }

  get isShort(): boolean {
    return this.#owedBytes > 0 || this.excess > 0;
  }

  /** While memory is short, passes up to so many slots; answers whether that has made, or will make, any room. */
  reclaim(slots: number): boolean {
    let progress = false;
    for (let left = slots; left > 0 && this.isShort && this.#users.length > 0; ) {
      if (this.#hand >= this.#users.length) this.#hand = 0;
      const user = this.#users[this.#hand] as MemoryUser;
      const some = Math.min(left, user.slots - this.#passed);
      if (some > 0 && user.evict(some)) progress = true;
      this.#passed += some;
      left -= Math.max(1, some);
      if (this.#passed < user.slots) continue;
      this.#hand++;
      this.#passed = 0;
    }
    return progress;
  }

  /** Gives half of what other threads had to evict since the last look, and what is over the limit; passes up to so
   *  many slots. */
  giveWay(slots: number): void {
    let wanted = 0;
    for (let thread = 0; thread < this.#threads; thread++) {
      const evicted = Atomics.load(this.#shared, this.#threads + thread);
      if (thread !== this.#thread) wanted += (evicted - (this.#seen[thread] as number)) | 0;
      this.#seen[thread] = evicted;
    }
    this.#owedBytes = Math.max(0, Math.min((wanted * unit) / 2, this.#usedBytes / 2));
    this.reclaim(slots);
    this.#owedBytes = 0;
  }
}

/** What all threads use, in bytes. */
export const bytesUsed = (shared: Int32Array): number => {
  let bytes = 0;
  for (let thread = 0; thread < shared.length / 2; thread++) bytes += Atomics.load(shared, thread) * unit;
  return bytes;
};

/** A thread has ended, and its memory with it. */
export const forgetUse = (shared: Int32Array, thread: number): void => void Atomics.store(shared, thread, 0);
