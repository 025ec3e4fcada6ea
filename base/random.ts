/**
 * Randomness is injected: a `Random` is made from a seed, and the same seed gives the same numbers on every machine.
 * The generator is sfc32 (128 bits of state, passes PractRand); for tests, ids and delays, not for secrets.
 */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** One seed, or up to three words of it. */
  constructor(seed: number, second = 0, third = 0) {
    this.#a = seed | 0;
    this.#b = second | 0;
    this.#c = third | 0;
    this.#counter = 1;
    for (let i = 0; i < 16; i++) this.u32();
  }

  /** 32 random bits, unsigned. */
  u32(): number {
    const out = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + out;
    return out >>> 0;
  }

  /** In [0, 1), 53 bits. */
  float(): number {
    return ((this.u32() >>> 5) * 0x400_0000 + (this.u32() >>> 6)) / 0x20_0000_0000_0000;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  /** A whole number in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  fill(bytes: Uint8Array): Uint8Array {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.u32() & 0xff;
    return bytes;
  }

  /** The 16 bytes of a version 4 UUID. */
  uuidBytes(): Uint8Array {
    const bytes = this.fill(new Uint8Array(16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return bytes;
  }

  /** A version 4 UUID in the usual 36 characters. */
  uuid(): string {
    const hex = Array.from(this.uuidBytes(), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** A version 4 UUID as 22 characters of base64url, that do not begin with a dash. */
  shortId(): string {
    const text = base64url(this.uuidBytes());
    return text.startsWith('-') ? this.shortId() : text;
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const base64url = (bytes: Uint8Array): string => {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let part = 0; part <= Math.min(left, 3); part++) text += alphabet[(word >> (18 - 6 * part)) & 63] as string;
  }
  return text;
};
