/**
 * COUNT_DISTINCT by HyperLogLog: 2^14 registers, about 1 % off, and nearly exact for small counts.
 *
 * A value is hashed to 32 bits. The first 14 choose a register; the register keeps the longest run of zeros at the
 * beginning of the rest, plus one. Hashes and estimate are those of the library stream-lib, so that counts are the same
 * as in ksqlDB. They are in stored state: they must not change.
 *
 * While few registers are in use, the state is a list of them, three bytes each: the number in two, what it keeps in
 * one. From `mostListed` on it is a byte for every register. Beside it stand how many are empty, and the sum that the
 * estimate needs, so that a result is made without looking at the registers. (The sum is exact: it is made of powers of
 * two that a double holds.)
 */

import { assert, utf8Bytes, writeViewF64 } from '../../../base/index.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Slots } from '../../types/slots.ts';
import { textOf } from '../../types/text.ts';
import { doubleType, integerType, isScalar, type SqlType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';
import { type AggregateDefinition, defineAggregate } from '../define.ts';
import { jsonOf } from '../json.ts';

const bits = 14;
const registers = 1 << bits;
const mostListed = 1000;
const factor = 0.7213 / (1 + 1.079 / registers);

const bytesOf = (value: Value): Uint8Array => {
  assert(value instanceof Uint8Array, 'bytes are a Uint8Array');
  return value;
};

const multiplier = 0x5bd1e995;

const mix = (word: number): number => {
  const product = Math.imul(word, multiplier);
  return Math.imul(product ^ (product >>> 24), multiplier);
};

const finish = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 13), multiplier);
  return mixed ^ (mixed >>> 15);
};

/** MurmurHash of a 64-bit number, in two words. */
const hashWords = (low: number, high: number): number => finish(Math.imul(mix(low), multiplier) ^ mix(high));

const hashBytes = (data: Uint8Array): number => {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.length & ~3;
  let hash = -1 ^ data.length;
  for (let at = 0; at < whole; at += 4) hash = Math.imul(hash, multiplier) ^ mix(view.getInt32(at, true));
  const left = data.length - whole;
  if (left >= 3) hash ^= view.getInt8(data.length - 3) << 16;
  if (left >= 2) hash ^= view.getInt8(data.length - 2) << 8;
  if (left >= 1) hash = Math.imul(hash ^ view.getInt8(data.length - 1), multiplier);
  return finish(hash);
};

const scratch = new DataView(new ArrayBuffer(8));

const hashDouble = (value: number): number => {
  writeViewF64(scratch, 0, value);
  return hashWords(scratch.getInt32(4), scratch.getInt32(0));
};

const hashLong = (value: number | bigint): number => {
  scratch.setBigInt64(0, BigInt(value));
  return hashWords(scratch.getInt32(4), scratch.getInt32(0));
};

/** The hash of values of a type that are not NULL. Types that stream-lib does not have are hashed as text. */
const hashOf = (type: SqlType): ((value: Value) => number) => {
  if (!isScalar(type)) {
    const print = jsonOf(type);
    return (value) => hashBytes(utf8Bytes(print(value)));
  }
  const { carrier, logical } = definitionOf(type);
  if (!logical) {
    if (carrier === 'int32' || carrier === 'int64') return (value) => hashLong(value as number | bigint);
    if (carrier === 'double') return (value) => hashDouble(value as number);
    if (carrier === 'bytes') return (value) => hashBytes(bytesOf(value));
  }
  const print = textOf(type);
  return (value) => hashBytes(utf8Bytes(print(value)));
};

/** Where a register stands in the list; -1 when it is empty. */
const listedAt = (list: Uint8Array, register: number): number => {
  for (let at = 0; at < list.length; at += 3) {
    if (((list[at] as number) << 8) + (list[at + 1] as number) === register) return at;
  }
  return -1;
};

/** What a register keeps. */
const kept = (state: Uint8Array, register: number): number => {
  if (state.length === registers) return state[register] as number;
  const at = listedAt(state, register);
  return at < 0 ? 0 : (state[at + 2] as number);
};

/** The state with one register changed. */
const withRegister = (state: Uint8Array, register: number, value: number): Uint8Array => {
  if (state.length === registers) {
    const next = state.slice();
    next[register] = value;
    return next;
  }
  const at = listedAt(state, register);
  if (at >= 0) {
    const next = state.slice();
    next[at + 2] = value;
    return next;
  }
  if (state.length < mostListed * 3) {
    const next = new Uint8Array(state.length + 3);
    next.set(state);
    next.set([register >> 8, register & 255, value], state.length);
    return next;
  }
  const next = new Uint8Array(registers);
  eachRegister(state, (one, own) => {
    next[one] = own;
  });
  next[register] = value;
  return next;
};

const eachRegister = (state: Uint8Array, visit: (register: number, value: number) => void): void => {
  if (state.length === registers) {
    state.forEach((value, register) => {
      if (value > 0) visit(register, value);
    });
    return;
  }
  for (let at = 0; at < state.length; at += 3) {
    visit(((state[at] as number) << 8) + (state[at + 1] as number), state[at + 2] as number);
  }
};

const raise = (slots: Slots, at: number, register: number, value: number): void => {
  const state = bytesOf(slots.get(at));
  const before = kept(state, register);
  if (value <= before) return;
  slots.set(at, withRegister(state, register, value));
  slots.set(at + 1, (slots.get(at + 1) as number) + 2 ** -value - 2 ** -before);
  if (before === 0) slots.set(at + 2, (slots.get(at + 2) as number) - 1);
};

export const countDistinct: AggregateDefinition = defineAggregate({
  signature: 'COUNT_DISTINCT(T) -> BIGINT',
  doc:
    'About how many different values there are, NULL left out: by HyperLogLog, which needs at most 16 kB for a ' +
    'group, and is about 1 % off for large counts.',
  elsewhere: ['APPROX_COUNT_DISTINCT', 'APPROX_DISTINCT'],
  examples: [
    { call: 'COUNT_DISTINCT(A)', rows: [['1'], ['2'], ['NULL'], ['1']], result: '2' },
    { call: 'COUNT_DISTINCT(A)', rows: [], result: '0' },
  ],
  undo: false,
  overNothing: 0,
  bind: ({ args: [type] }) => {
    const hash = type === undefined ? () => 0 : hashOf(type);
    return {
      slots: [{ kind: 'BYTES' }, doubleType, integerType],
      initialize(slots, at) {
        slots.set(at, new Uint8Array(0));
        slots.set(at + 1, registers);
        slots.set(at + 2, registers);
      },
      add(slots, at, args) {
        const value = args[0] as Value;
        if (value === null) return;
        const hashed = hash(value);
        raise(slots, at, hashed >>> (32 - bits), Math.clz32((hashed << bits) | ((1 << (bits - 1)) + 1)) + 1);
      },
      merge(slots, at, other, otherAt) {
        eachRegister(bytesOf(other.get(otherAt)), (register, value) => raise(slots, at, register, value));
      },
      result(slots, at) {
        const estimate = (factor * registers * registers) / (slots.get(at + 1) as number);
        const empty = slots.get(at + 2) as number;
        return Math.round(estimate <= 2.5 * registers ? registers * Math.log(registers / empty) : estimate);
      },
    };
  },
});
