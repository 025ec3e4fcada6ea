/** What a topic holds and who has yet to read it, for SHOW TOPICS EXTENDED and DESCRIBE EXTENDED. */

import type { TopicFigures } from '../facade.ts';
import type { TopicInfo, TopicUse } from './statement.ts';

export const topicFigures = (
  { configs }: Pick<TopicInfo, 'configs'>,
  { partitions, groups }: TopicUse,
): TopicFigures => {
  const ends = new Map(partitions.map(({ partition, end }) => [partition, end]));
  const retention = configs['retention.ms'];
  return {
    offsets: partitions.reduce((sum, { start, end }) => sum + end - start, 0),
    bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    retentionMs: retention === undefined ? null : Number(retention),
    cleanupPolicy: configs['cleanup.policy'] ?? 'delete',
    groups: groups.map(({ group, offsets }) => ({
      group,
      lag: offsets.reduce((sum, { partition, offset }) => sum + Math.max(0, (ends.get(partition) ?? 0) - offset), 0),
    })),
  };
};
