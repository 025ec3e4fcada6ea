/** Joins of two streams recomputed from all records: a few lines that look at all pairs. */

import type { JoinWindows } from '../../engine/public.ts';

export const kinds = ['inner', 'left', 'outer'] as const;
export type Kind = (typeof kinds)[number];

export interface Event {
  readonly side: 'L' | 'R';
  readonly key: string;
  readonly time: number;
  /** Unique. */
  readonly id: string;
}

/**
 * What comes out, in order. A record is kept by its side while it may meet one that is in time; it meets an earlier
 * one that is kept, unless that one has met none before its window closed. The others of an outer side come out alone
 * as soon as their window is closed.
 */
export const joinResults = (
  kind: Kind,
  { beforeMs, afterMs, graceMs }: JoinWindows,
  events: readonly Event[],
): string[] => {
  const out: string[] = [];
  const isOuter = ({ side }: Event): boolean => kind === 'outer' || (kind === 'left' && side === 'L');
  const ahead = ({ side }: Event): number => (side === 'L' ? afterMs : beforeMs);
  const behind = ({ side }: Event): number => (side === 'L' ? beforeMs : afterMs);
  const closes = (event: Event): number => event.time + ahead(event) + graceMs;
  const met = new Set<Event>();
  const done = new Set<Event>();
  const show = (event: Event): string => `${event.side === 'L' ? `${event.id}+-` : `-+${event.id}`}@${event.time}`;
  const closed = (before: readonly Event[], time: number): void => {
    const all = before.filter((one) => isOuter(one) && !met.has(one) && !done.has(one) && closes(one) < time);
    const bySide = ({ side }: Event): number => (side === 'R' ? 0 : 1);
    all.sort((a, b) => closes(a) - closes(b) || bySide(a) - bySide(b) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    for (const one of all) {
      done.add(one);
      out.push(show(one));
    }
  };
  let time = Number.NEGATIVE_INFINITY;
  events.forEach((event, at) => {
    time = Math.max(time, event.time);
    const earlier = events.slice(0, at);
    closed(earlier, time);
    const partners = earlier
      .filter((other) => {
        const [l, r] = event.side === 'L' ? [event, other] : [other, event];
        return (
          other.side !== event.side &&
          other.key === event.key &&
          r.time - l.time >= -beforeMs &&
          r.time - l.time <= afterMs
        );
      })
      .filter((other) => other.time >= time - (ahead(other) + graceMs + Math.max(0, behind(other))))
      .filter((other) => !done.has(other))
      .sort((a, b) => a.time - b.time);
    for (const other of partners) {
      met.add(other);
      met.add(event);
      const [l, r] = event.side === 'L' ? [event, other] : [other, event];
      out.push(`${l.id}+${r.id}@${Math.max(event.time, other.time)}`);
    }
    closed([event], time);
  });
  return out;
};
