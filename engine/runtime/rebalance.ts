/**
 * Rebalancing: which task moves to which thread, so that all threads of an application have equally many.
 *
 * A pure function: one move at a time, until no thread has two tasks more than another. Of the thread with the most
 * tasks, one goes of the sub-topology that it has most of in comparison: tasks of one sub-topology have equal work. A
 * thread that is to go gives all of its tasks away.
 */

import type { Assignment } from './assignor.ts';

export interface Move {
  readonly task: string;
  readonly from: number;
  readonly to: number;
}

export const nextMove = (
  assignment: Assignment,
  threads: readonly number[],
  leaving: ReadonlySet<number> = new Set(),
): Move | undefined => {
  const tasks = new Map<number, string[]>(threads.map((thread) => [thread, []]));
  for (const [task, { thread }] of assignment) {
    const held = tasks.get(thread);
    if (held === undefined) tasks.set(thread, [task]);
    else held.push(task);
  }
  const held = (thread: number): readonly string[] => tasks.get(thread) ?? [];
  const staying = threads.filter((thread) => !leaving.has(thread));
  const to = least(staying, (thread) => held(thread).length);
  if (to === undefined) return undefined;
  const gone = [...tasks.keys()].find((thread) => !staying.includes(thread) && held(thread).length > 0);
  const from = gone ?? least(staying, (thread) => -held(thread).length);
  if (from === undefined || (gone === undefined && held(from).length < held(to).length + 2)) return undefined;
  const task = least(held(from), (one) => ofSameKind(held(to), one) - ofSameKind(held(from), one));
  return task === undefined ? undefined : { task, from, to };
};

const ofSameKind = (tasks: readonly string[], task: string): number => {
  const kind = task.slice(0, task.indexOf('_') + 1);
  return tasks.filter((other) => other.startsWith(kind)).length;
};

/** The first of those with the smallest number. */
const least = <T>(all: readonly T[], numberOf: (one: T) => number): T | undefined => {
  let found: { readonly one: T; readonly number: number } | undefined;
  for (const one of all) {
    const number = numberOf(one);
    if (found === undefined || number < found.number) found = { one, number };
  }
  return found?.one;
};
