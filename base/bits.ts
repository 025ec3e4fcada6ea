/** Bits by index, in an array that grows: `reserve` before the first access to new ones. */
export class Bits {
  #words = new Uint32Array(1024);

  reserve(count: number): void {
    let words = this.#words.length;
    while (count > words * 32) words *= 2;
    if (words === this.#words.length) return;
    const wider = new Uint32Array(words);
    wider.set(this.#words);
    this.#words = wider;
  }

  set(at: number): void {
    this.#words[at >>> 5] = (this.#words[at >>> 5] as number) | (1 << (at & 31));
  }

  clear(at: number): void {
    this.#words[at >>> 5] = (this.#words[at >>> 5] as number) & ~(1 << (at & 31));
  }

  get(at: number): boolean {
    return ((this.#words[at >>> 5] as number) & (1 << (at & 31))) !== 0;
  }

  /** Whether one of `count` bits from `at` on is set. */
  any(at: number, count: number): boolean {
    const end = at + count;
    let bit = at;
    while (bit < end) {
      if ((bit & 31) === 0 && end - bit >= 32) {
        if (this.#words[bit >>> 5] !== 0) return true;
        bit += 32;
      } else if (this.get(bit++)) return true;
    }
    return false;
  }
}
