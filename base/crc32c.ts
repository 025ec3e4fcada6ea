/**
 * CRC-32C (Castagnoli; reflected polynomial 0x82F63B78), the checksum of record batches. "123456789" gives 0xE3069283.
 *
 * The plain form processes eight bytes a step through eight tables (1.8 GB/s); a host installs its own
 * (`useNativeCrc32c`; 7 GB/s by `@node-rs/crc32`), which is then used for ranges long enough to pay for the call.
 */

const tables: readonly Int32Array[] = makeTables();

function makeTables(): Int32Array[] {
  const made = Array.from({ length: 8 }, () => new Int32Array(256));
  const first = made[0] as Int32Array;
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[i] = crc;
  }
  for (let t = 1; t < 8; t++) {
    const before = made[t - 1] as Int32Array;
    const table = made[t] as Int32Array;
    for (let i = 0; i < 256; i++) {
      const crc = before[i] as number;
      table[i] = (first[crc & 0xff] as number) ^ (crc >>> 8);
    }
  }
  return made;
}

const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

export const plainCrc32c = (bytes: Uint8Array, start: number, end: number, before = 0): number => {
  let crc = ~before;
  let at = start;
  for (const whole = end - 7; at < whole; at += 8) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t7[crc & 0xff] as number) ^
      (t6[(crc >>> 8) & 0xff] as number) ^
      (t5[(crc >>> 16) & 0xff] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[bytes[at + 4] as number] as number) ^
      (t2[bytes[at + 5] as number] as number) ^
      (t1[bytes[at + 6] as number] as number) ^
      (t0[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (t0[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
};

let native: ((bytes: Uint8Array, before: number) => number) | undefined;

/** Installs the host's form, for this thread. */
export const useNativeCrc32c = (crc: (bytes: Uint8Array, before: number) => number): void => {
  native = crc;
};

/** The checksum of `bytes[start, end)`, unsigned. `before` is the checksum of the bytes before them. */
export const crc32c = (bytes: Uint8Array, start: number, end: number, before = 0): number =>
  native === undefined || end - start < 256
    ? plainCrc32c(bytes, start, end, before)
    : native(bytes.subarray(start, end), before);
