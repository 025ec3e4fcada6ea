/**
 * What a task commits together with its positions: how far it is in time.
 *
 * It is text in the metadata of the first input's committed offset (Kafka Streams keeps its partition time there as
 * well), so that the task continues from there after a restart or on another thread:
 *
 *   times <milliseconds, or - where there is none> …    the largest timestamp that each of its outputs has written, in their order
 *   … stream <milliseconds>                             its stream time, where punctuators go by that
 */

import type { PartitionedWriter } from './partitioned-writer.ts';

const prefix = 'times';
const streamWord = 'stream';

/** `outputs`: those whose times count; `streamTime`: −Infinity where there is none, or it does not count. Undefined when
 *  there is nothing to keep. */
export const writeTaskTimes = (outputs: readonly PartitionedWriter[], streamTime: number): string | undefined => {
  const known = streamTime > Number.NEGATIVE_INFINITY;
  if (!known && outputs.every(({ latest }) => latest === Number.NEGATIVE_INFINITY)) return undefined;
  const times = outputs.map(({ latest }) => (latest > Number.NEGATIVE_INFINITY ? latest : '-'));
  return [prefix, ...times, ...(known ? [streamWord, streamTime] : [])].join(' ');
};

/** Sets the times of the outputs; answers the stream time, or −Infinity. */
export const restoreTaskTimes = (outputs: readonly PartitionedWriter[], metadata: string): number => {
  const words = metadata.split(' ');
  if (words[0] !== prefix) return Number.NEGATIVE_INFINITY;
  const at = words.indexOf(streamWord);
  const times = at < 0 ? words.slice(1) : words.slice(1, at);
  for (const [index, output] of outputs.entries()) {
    const time = Number.parseInt(times[index] ?? '', 10);
    if (!Number.isNaN(time)) output.start(time);
  }
  return at < 0 ? Number.NEGATIVE_INFINITY : Number.parseInt(words[at + 1] ?? '', 10);
};
