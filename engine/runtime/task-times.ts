/**
 * What a task commits together with its positions: how far it is in time.
 *
 * It is text in the metadata of the first input's committed offset (Kafka Streams keeps its partition time there as
 * well), so that the task continues from there after a restart or on another thread:
 *
 *   times <milliseconds, or - where there is none> …    the largest timestamp that each of its outputs has written, in their order
 *   … stream <milliseconds>                             its stream time, where punctuators go by that
 *   … read <milliseconds, or -> …                       the partition time of each of its sources that work out the times
 *                                                       of their records, in their order
 */

import type { PartitionedWriter } from './partitioned-writer.ts';

const prefix = 'times';
const streamWord = 'stream';
const readWord = 'read';

export interface TaskTimes {
  /** −Infinity where there is none, or it does not count. */
  readonly streamTime: number;
  /** −1 where there is none. */
  readonly partitionTimes: readonly number[];
}

/** `outputs`: those whose times count. Undefined when there is nothing to keep. */
export const writeTaskTimes = ({
  outputs,
  streamTime,
  partitionTimes,
}: TaskTimes & { readonly outputs: readonly PartitionedWriter[] }): string | undefined => {
  const words: (string | number)[] = outputs.map(({ latest }) => (latest > Number.NEGATIVE_INFINITY ? latest : '-'));
  const stream = streamTime > Number.NEGATIVE_INFINITY ? [streamWord, streamTime] : [];
  const read = partitionTimes.some((time) => time >= 0)
    ? [readWord, ...partitionTimes.map((time) => (time >= 0 ? time : '-'))]
    : [];
  if (stream.length + read.length === 0 && words.every((word) => word === '-')) return undefined;
  return [prefix, ...words, ...stream, ...read].join(' ');
};

/** Sets the times of the outputs; answers the others. */
export const restoreTaskTimes = (outputs: readonly PartitionedWriter[], metadata: string | undefined): TaskTimes => {
  const parts = new Map<string, number[]>();
  let part: number[] | undefined;
  const words = metadata?.split(' ') ?? [];
  if (words[0] === prefix) {
    for (const word of words) {
      if (word === prefix || word === streamWord || word === readWord) parts.set(word, (part = []));
      else part?.push(Number.parseInt(word, 10));
    }
  }
  for (const [index, output] of outputs.entries()) {
    const time = parts.get(prefix)?.[index] ?? Number.NaN;
    if (!Number.isNaN(time)) output.start(time);
  }
  return {
    streamTime: parts.get(streamWord)?.[0] ?? Number.NEGATIVE_INFINITY,
    partitionTimes: (parts.get(readWord) ?? []).map((time) => (Number.isNaN(time) ? -1 : time)),
  };
};
