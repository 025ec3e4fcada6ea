/**
 * Topics that Millrace keeps for itself: the statement log, the processing log, the schemas of the registry, what
 * queries have between their steps.
 *
 * They may be read, by a stream over them; only Millrace makes, writes or deletes them, or a statement could take
 * away what every other statement stands on.
 */

import { type Position, UserError } from '../../base/index.ts';
import { schemaTopic } from '../registry/topic-store.ts';

export const isInternalTopic = (name: string): boolean => name === schemaTopic || /^_?millrace[-_]/.test(name);

/** `does`: what the statement, or the program, would do to the topic, as "written". */
export const checkNotInternal = (
  topic: string,
  does: 'written' | 'created' | 'deleted',
  at: Position | undefined,
): void => {
  if (!isInternalTopic(topic)) return;
  throw new UserError('SQL_READ_ONLY', `the topic "${topic}" is one of Millrace's own and cannot be ${does}`, {
    at,
    hint: does === 'deleted' ? 'Leave DELETE TOPIC out.' : 'Choose another topic.',
  });
};
