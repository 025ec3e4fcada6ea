import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ByteWriter,
  compareBytes,
  crc32c,
  equalBytes,
  fromHex,
  hashBytes,
  murmur2,
  newCursor,
  partitionOfKey,
  plainCrc32c,
  readBigI64,
  readF64,
  readI16,
  readI32,
  readI64,
  readU32,
  readUnsignedVarint,
  readVarint,
  readVarlong,
  toHex,
  utf8Bytes,
  writeBigI64,
  writeF64,
  writeI16,
  writeI32,
  writeI64,
} from '../../base/index.ts';
import { nodeCrc32c } from '../../base/node/index.ts';

const i32 = fc.integer();
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const safe = fc.maxSafeInteger();

test.each([
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [-2, '03'],
  [63, '7e'],
  [-64, '7f'],
  [64, '8001'],
  [-65, '8101'],
  [300, 'd804'],
])('the varint of %i is %s', (value, hex) => {
  const out = new ByteWriter(1);
  out.varint(value);
  out.varlong(value);
  expect(toHex(out.slice())).toBe(hex + hex);
});

test('fixed-width numbers are read as they were written, at any position', () => {
  fc.assert(
    fc.property(fc.nat(20), i32, safe, i64, fc.double(), (padding, small, large, big, double) => {
      const out = new ByteWriter(1);
      out.bytes(new Uint8Array(padding));
      out.i8(small);
      out.i16(small);
      out.i32(small);
      out.u32(small);
      out.i64(large);
      out.i64(big);
      out.f64(double);
      const bytes = out.slice();
      const at = padding + 1;
      expect(readI16(bytes, at)).toBe((small << 16) >> 16);
      expect(readI32(bytes, at + 2)).toBe(small);
      expect(readU32(bytes, at + 6)).toBe(small >>> 0);
      expect(readI64(bytes, at + 10)).toBe(large);
      expect(readBigI64(bytes, at + 18)).toBe(big);
      expect(readF64(bytes, at + 26)).toBe(double);
      const again = new Uint8Array(bytes.length);
      again[padding] = small;
      writeI16(again, at, small);
      writeI32(again, at + 2, small);
      writeI32(again, at + 6, small);
      writeI64(again, at + 10, large);
      writeBigI64(again, at + 18, big);
      writeF64(again, at + 26, double);
      expect(again).toEqual(bytes);
    }),
  );
});

test('varints are read as they were written', () => {
  fc.assert(
    fc.property(i32, fc.nat(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }), (signed, unsigned, long) => {
      const out = new ByteWriter(1);
      out.varint(signed);
      out.unsignedVarint(unsigned);
      out.varlong(long);
      out.varlong(BigInt(long));
      const bytes = out.slice();
      const cursor = newCursor();
      expect(readVarint(bytes, bytes.length, cursor)).toBe(signed);
      expect(readUnsignedVarint(bytes, bytes.length, cursor)).toBe(unsigned);
      expect(readVarlong(bytes, bytes.length, cursor)).toBe(long);
      expect(readVarlong(bytes, bytes.length, cursor)).toBe(long);
      expect(cursor.at).toBe(bytes.length);
    }),
  );
});

test('a varint that is cut off, or too long, reads as no number and moves nothing', () => {
  for (const hex of ['', '80', '8080808080', 'ffffffffff01']) {
    const bytes = fromHex(hex);
    const cursor = newCursor();
    expect(readVarint(bytes, bytes.length, cursor)).toBeNaN();
    expect(cursor.at).toBe(0);
  }
  const long = fromHex('ff'.repeat(11));
  expect(readVarlong(long, long.length, newCursor())).toBeNaN();
});

test('the writer grows, starts again, and hands out copies', () => {
  const out = new ByteWriter(1);
  for (let i = 0; i < 1000; i++) out.i32(i);
  const first = out.slice();
  expect(first.length).toBe(4000);
  out.reset();
  out.latin1('é');
  expect(toHex(out.bytesView())).toBe('e9');
  expect(readI32(first, 3996)).toBe(999);
});

test('every form of the checksum gives the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(50), (bytes, start) => {
      const from = Math.min(start, bytes.length);
      const plain = plainCrc32c(bytes, from, bytes.length);
      expect(nodeCrc32c(bytes.subarray(from))).toBe(plain);
      expect(crc32c(bytes, from, bytes.length)).toBe(plain);
      // The checksum of the first bytes, gone on with.
      const half = from + Math.floor((bytes.length - from) / 2);
      expect(crc32c(bytes, half, bytes.length, crc32c(bytes, from, half))).toBe(plain);
      expect(nodeCrc32c(bytes.subarray(half), plainCrc32c(bytes, from, half))).toBe(plain);
    }),
  );
});

test('murmur2 gives what the clients of Kafka give', () => {
  const hashes = ['21', 'foobar', 'a-little-bit-long-string', 'a-little-bit-longer-string', 'abc'].map((text) =>
    murmur2(utf8Bytes(text)),
  );
  expect(hashes).toEqual([-973932308, -790332482, -985981536, -1486304829, 479470107]);
  expect(partitionOfKey(utf8Bytes('21'), 0, 2, 4)).toBe((-973932308 & 0x7fffffff) % 4);
});

test('comparison is the order of unsigned bytes, and equality and hash agree with it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }), (a, b) => {
      const order = compareBytes(a, 0, a.length, b, 0, b.length);
      const byHex = toHex(a) < toHex(b) ? -1 : toHex(a) > toHex(b) ? 1 : 0;
      expect(Math.sign(order)).toBe(byHex);
      expect(equalBytes(a, 0, a.length, b, 0, b.length)).toBe(order === 0);
      const padded = new Uint8Array([9, ...a, 9]);
      expect(hashBytes(padded, 1, a.length + 1)).toBe(hashBytes(a, 0, a.length));
    }),
  );
});

test('the hash spreads numbered keys evenly over a table', () => {
  const counts = new Uint32Array(64);
  for (let i = 0; i < 64_000; i++) {
    const key = utf8Bytes(`user-${i}`);
    const slot = hashBytes(key, 0, key.length) & 63;
    counts[slot] = (counts[slot] as number) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1200);
});

test('every NaN is written as the same bytes', () => {
  const patterns = [0x7ff8_0000_0000_0000n, 0x7ff4_0000_0000_0000n, 0xfff8_0000_0000_0001n];
  for (const pattern of patterns) {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, pattern);
    const out = new ByteWriter(8);
    out.f64(view.getFloat64(0));
    expect(toHex(out.slice())).toBe('7ff8000000000000');
    const bytes = new Uint8Array(8);
    writeF64(bytes, 0, view.getFloat64(0));
    expect(toHex(bytes)).toBe('7ff8000000000000');
  }
});
