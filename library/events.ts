/** What happens to queries and threads, as sentences for a program's own log. */

import { describeNote, describeShardDamage, type RuntimeEvent } from '../engine/index.ts';

export interface MillraceEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly queryId?: string;
}

export const describeEvent = (event: RuntimeEvent): MillraceEvent => {
  switch (event.kind) {
    case 'state': {
      const { queryId, state, why, hint } = event;
      const advice = hint === undefined || state === 'retrying' ? '' : `. ${hint}`;
      const level = state === 'failed' || state === 'fenced' ? 'error' : state === 'retrying' ? 'warn' : 'info';
      return { level, queryId, message: why === undefined ? `query ${state}` : `query ${state}: ${why}${advice}` };
    }
    case 'aborted':
      return {
        level: 'warn',
        queryId: event.queryId,
        message: `transaction aborted: ${event.why}; next try in ${event.retryInMs} ms`,
      };
    case 'note':
      return {
        level: event.note.about === 'restored' ? 'info' : 'warn',
        queryId: event.queryId,
        message: describeNote(event.note),
      };
    case 'shard damaged':
      return { level: 'error', message: describeShardDamage(event) };
    case 'thread died':
      return { level: 'error', message: `worker ${event.thread} ended: ${event.why}` };
    case 'isolated': {
      const { queryId, deaths, why } = event;
      return {
        level: 'warn',
        queryId,
        message: `worked in ${deaths} workers when they ended; it runs alone now (${why})`,
      };
    }
  }
};
