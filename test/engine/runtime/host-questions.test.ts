/** Questions to hosts: what the asker is told when the run, or the thread that holds its state, has ended. */

import { expect, test } from 'vitest';
import { HostQuestions } from '../../../engine/runtime/host-questions.ts';
import type { FromHost, ToHost } from '../../../engine/runtime/protocol.ts';
import { StoreAnswers } from '../../../engine/runtime/store-answers.ts';

const entry = { key: new Uint8Array([1]), value: new Uint8Array([2]) };
const notRunning = { code: 'QUERY_NOT_RUNNING' };

test('a scan fails when its thread ends while the reader is busy with a page', async () => {
  const posted: ToHost[] = [];
  const questions = new HostQuestions((_, message) => posted.push(message));
  const scan = questions.scan({ run: 1, threads: () => [1], store: 's', moves: () => 0 }, {});
  const first = scan.next();
  const [asked] = posted;
  if (asked?.kind !== 'scan') throw new Error('no scan was asked for');
  questions.answered({ kind: 'page', request: asked.request, entries: [entry], done: false });
  expect(await first).toEqual({ value: [entry], done: false });
  questions.refuseAll(1, new Error('out of memory'));
  await expect(scan.next()).rejects.toMatchObject(notRunning);
  // The thread would be started again by a message to it.
  expect(posted).toHaveLength(1);
});

test('a key is read again when its task has moved to another thread before the answer', async () => {
  // Where the task was, the answer had to wait for the check of its checkpoint, and the task was gone by then.
  const asked: { readonly thread: number; readonly request: number }[] = [];
  const questions = new HostQuestions((thread, message) => {
    if (message.kind === 'read') asked.push({ thread, request: message.request });
  });
  let moves = 0;
  const threads = (): number[] => (moves === 0 ? [1] : [1, 2]);
  const read = questions.read({ run: 1, threads, store: 's', moves: () => moves }, entry.key, {});
  moves++;
  questions.answered({ kind: 'page', request: asked[0]?.request ?? 0, entries: [], done: true });
  await expect.poll(() => asked.map(({ thread }) => thread)).toEqual([1, 1, 2]);
  questions.answered({ kind: 'page', request: asked[1]?.request ?? 0, entries: [], done: true });
  questions.answered({ kind: 'page', request: asked[2]?.request ?? 0, entries: [entry], done: true });
  expect(await read).toEqual([entry]);
});

test('a run that has ended is not answered as if its stores were empty', async () => {
  const posted: FromHost[] = [];
  const answers = new StoreAnswers({ runOf: () => undefined, fail: () => {}, post: (message) => posted.push(message) });
  await expect(answers.read(1, 's', entry.key, {})).rejects.toMatchObject(notRunning);
  await answers.scan(7, 1, 's', {});
  expect(posted).toMatchObject([{ kind: 'refused', request: 7, error: notRunning }]);
});
