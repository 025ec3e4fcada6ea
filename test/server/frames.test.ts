/** How lines are put into frames, for the windows that clients have. */

import type { ServerHttp2Stream } from 'node:http2';
import { expect, test } from 'vitest';
import { FrameWriter } from '../../server/frames.ts';

/** The frames that are written for lines, when the window of each stream of the client begins with so many bytes. */
const framesOf = async (windowBytes: number, lines: readonly string[]): Promise<readonly string[]> => {
  const frames: string[] = [];
  const session = {
    remoteSettings: { initialWindowSize: windowBytes },
    state: { remoteWindowSize: 65_535 },
    ping: (answered: () => void) => setImmediate(answered),
  };
  const write = (text: string, written: () => void): void => {
    frames.push(text);
    setImmediate(written);
  };
  const out = { session, write, end: () => undefined, destroyed: false } as unknown as ServerHttp2Stream;
  const writer = new FrameWriter(out, false);
  await writer.lines(lines);
  await writer.end();
  return frames;
};

const linesOf = (frames: readonly string[]): readonly string[] =>
  frames
    .join('')
    .replaceAll(/ *\n/g, '\n')
    .split(/(?<=\n)/);

test('a line longer than a frame goes by itself, and those behind it follow', async () => {
  const long = `${'x'.repeat(20_000)}\n`;
  const lines = ['a\n', long, long, 'b\n', 'c\n'];
  const frames = await framesOf(65_535, lines);
  expect(linesOf(frames)).toEqual(lines);
  expect(linesOf(frames.slice(1, 3))).toEqual([long, long]);
  // Filled up to whole parts of the window, so that the frames behind it are not cut.
  expect(frames.slice(0, -1).map((frame) => frame.length % (65_535 / 5))).toEqual([0, 0, 0]);
  expect(frames.at(-1)).toBe('b\nc\n');
});

test.each([0, 1, 100, 65_535, 2 ** 31 - 1])(
  'a client with a window of %i bytes gets all lines in small frames',
  async (window) => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `${i} ${'x'.repeat(100)}\n`);
    const frames = await framesOf(window, lines);
    expect(linesOf(frames)).toEqual(lines);
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(16_384);
  },
);
