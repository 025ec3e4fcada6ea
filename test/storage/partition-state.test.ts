import { expect, test } from 'vitest';
import { encodeControlBatch } from '../../storage/control-batch.ts';
import { PartitionState } from '../../storage/partition-state.ts';
import { stampBatch } from '../../storage/record-batch.ts';
import { batchOf } from './conformance/log-suite.ts';

/** A partition that producers of any sequence write to; answers what became of each batch. */
class Writer {
  readonly state = new PartitionState();

  send(producerId: number, epoch: number, sequence: number, count = 1, transactional = false): string {
    const verdict = this.state.checkSequence(producerId, epoch, sequence, count);
    if (verdict.kind === 'duplicate') return `duplicate of ${verdict.baseOffset}`;
    if (verdict.kind === 'out-of-order') return `expected ${verdict.expected}`;
    if (verdict.kind === 'fenced') return 'fenced';
    const batch = batchOf(...Array.from({ length: count }, (_, i) => `v${i}`));
    const baseOffset = this.state.end;
    stampBatch(batch, { baseOffset, producerId, epoch, baseSequence: sequence, transactional });
    this.state.apply(batch, 0, 0);
    return `at ${baseOffset}`;
  }

  end(type: 'abort' | 'commit', producerId: number, epoch: number): void {
    this.state.apply(encodeControlBatch({ type, baseOffset: this.state.end, producerId, epoch, timestamp: 0 }), 0, 0);
  }
}

test('a batch sent again is answered with its first offset, within the last five', () => {
  const writer = new Writer();
  for (let i = 0; i < 6; i++) expect(writer.send(1, 0, i * 2, 2)).toBe(`at ${i * 2}`);
  expect(writer.send(1, 0, 10, 2)).toBe('duplicate of 10');
  expect(writer.send(1, 0, 2, 2)).toBe('duplicate of 2');
  expect(writer.send(1, 0, 0, 2)).toBe('expected 12');
  expect(writer.state.end).toBe(12);
});

test('a gap in sequence numbers is refused, and so is a new epoch that does not begin at 0', () => {
  const writer = new Writer();
  writer.send(1, 0, 0);
  expect(writer.send(1, 0, 2)).toBe('expected 1');
  expect(writer.send(1, 1, 1)).toBe('expected 0');
  expect(writer.send(1, 1, 0)).toBe('at 1');
  expect(writer.send(1, 0, 1)).toBe('fenced');
});

test('a producer never seen may begin with any number', () => {
  expect(new Writer().send(7, 3, 41)).toBe('at 0');
});

test('sequence numbers cross 2^31 (a producer that lives long must not stop there)', () => {
  const writer = new Writer();
  const last = 2 ** 31 - 1;
  expect(writer.send(1, 0, last - 2)).toBe('at 0');
  expect(writer.send(1, 0, last - 1, 4)).toBe('at 1');
  expect(writer.send(1, 0, 2)).toBe('at 5');
  expect(writer.send(1, 0, last - 1, 4)).toBe('duplicate of 1');
  expect(writer.send(1, 0, 0)).toBe('expected 3');
});

test('the last stable offset is where the earliest open transaction begins', () => {
  const writer = new Writer();
  writer.send(1, 0, 0);
  writer.send(2, 0, 0, 2, true);
  writer.send(3, 0, 0, 1, true);
  expect(writer.state.offsets()).toEqual({ start: 0, stable: 1, end: 4 });
  expect(writer.state.limit({ kind: 'own', producerId: 2 })).toBe(3);
  writer.end('commit', 2, 0);
  expect(writer.state.stable()).toBe(3);
  writer.end('abort', 3, 0);
  expect(writer.state.stable()).toBe(6);
  expect([...writer.state.openTransactions()]).toEqual([]);
});

test('what was aborted is known by producer and range, and forgotten with its records', () => {
  const writer = new Writer();
  writer.send(2, 0, 0, 1, true);
  writer.send(3, 0, 0, 1, true);
  writer.end('abort', 2, 0);
  writer.send(2, 0, 1, 1, true);
  writer.end('commit', 2, 0);
  writer.end('abort', 3, 0);
  const aborted = (producerId: number) =>
    [0, 1, 2, 3, 4, 5].filter((offset) => writer.state.isAborted(producerId, offset));
  expect(aborted(2)).toEqual([0, 1, 2]);
  expect(aborted(3)).toEqual([1, 2, 3, 4, 5]);
  writer.state.raiseStart(3);
  expect(writer.state.aborted.map((range) => range.producerId)).toEqual([3]);
});

test('a marker that comes twice changes nothing the second time', () => {
  const writer = new Writer();
  writer.send(2, 0, 0, 1, true);
  writer.end('commit', 2, 0);
  writer.end('abort', 2, 0);
  expect(writer.state.aborted).toEqual([]);
});
