/**
 * What a task commits together with its positions: the largest timestamp that each of its outputs has written.
 *
 * It is text in the metadata of the first input's committed offset (Kafka Streams keeps its partition time there
 * as well), so that an output continues from there after a restart or on another thread:
 *
 *   times <milliseconds, or - where there is none> …          one for each output of the task, in their order
 */

import type { PartitionedWriter } from './partitioned-writer.ts';

const prefix = 'times ';

/** Undefined when no output has written anything. */
export const writeOutputTimes = (outputs: readonly PartitionedWriter[]): string | undefined => {
  if (outputs.every(({ latest }) => latest === Number.NEGATIVE_INFINITY)) return undefined;
  return prefix + outputs.map(({ latest }) => (latest > Number.NEGATIVE_INFINITY ? latest : '-')).join(' ');
};

export const restoreOutputTimes = (outputs: readonly PartitionedWriter[], metadata: string): void => {
  if (!metadata.startsWith(prefix)) return;
  const times = metadata.slice(prefix.length).split(' ');
  for (const [index, output] of outputs.entries()) {
    const time = Number.parseInt(times[index] ?? '', 10);
    if (!Number.isNaN(time)) output.start(time);
  }
};
