/** What a run has written, and the first difference between two runs. */

import type { TestRecord } from '../../../engine/test-driver.ts';
import type { WindowedKey } from '../../../sql/types/schema.ts';
import { shownRecord } from '../../sql/support/running.ts';

export interface Line {
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

/** A record as a line; `windowed`: what its key ends with. */
export const lineOf = (
  { key, value, timestamp }: Pick<TestRecord<Uint8Array, Uint8Array>, 'key' | 'value' | 'timestamp'>,
  windowed: WindowedKey | undefined,
): Line => ({
  key: shownRecord({ key, value: null }, windowed).slice(0, -' null'.length),
  value: shownRecord({ key: null, value }, undefined).slice('null '.length),
  timestamp,
});

export interface Result {
  /** By topic. */
  readonly lines: ReadonlyMap<string, readonly Line[]>;
  readonly drops: readonly string[];
  /** Why the run ended before its end. */
  readonly error?: string;
}

const show = ({ key, value, timestamp }: Line): string => `${key} ${value} @${timestamp}`;

/** The first difference between two lists of lines. */
export const firstDifference = (what: string, one: readonly string[], other: readonly string[]): string | undefined => {
  const at = one.findIndex((line, i) => line !== other[i]);
  if (at < 0 && one.length === other.length) return undefined;
  const place = at < 0 ? one.length : at;
  return `${what}, line ${place + 1}:\n  ${shownLine(one[place])}\n  ${shownLine(other[place])}`;
};

const mostShown = 1_000;

const shownLine = (line = '(no more)'): string =>
  line.length <= mostShown ? line : `${line.slice(0, mostShown)}… (${line.length} characters)`;

/** The lines of a topic as they are compared; undefined: they are not. */
export type Arrangement = (lines: readonly Line[], topic: string) => readonly string[] | undefined;

export const difference = (one: Result, other: Result, arranged: Arrangement): string | undefined => {
  if (one.error !== other.error) return `one ends with ${one.error}, the other with ${other.error}`;
  for (const [topic, lines] of one.lines) {
    const wanted = arranged(lines, topic);
    const given = arranged(other.lines.get(topic) ?? [], topic);
    const found = wanted && given && firstDifference(topic, wanted, given);
    if (found !== undefined) return found;
  }
  return undefined;
};

export const inOrder = (lines: readonly Line[]): readonly string[] => lines.map(show);

/** In order for each key, the keys in an order of their own. Records without a key have none: they go to any
 *  partition. */
export const byKey = (lines: readonly Line[]): readonly string[] => [
  ...lines
    .filter(({ key }) => key !== 'null')
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(show),
  ...lines
    .filter(({ key }) => key === 'null')
    .map(show)
    .toSorted(),
];

export const inAnyOrder = (lines: readonly Line[]): readonly string[] => lines.map(show).toSorted();

/** What a table holds at the end. */
export const atTheEnd = (lines: readonly Line[]): readonly string[] =>
  [...new Map(lines.map(({ key, value }) => [key, `${key} ${value}`])).values()]
    .filter((line) => !line.endsWith(' null'))
    .toSorted();
