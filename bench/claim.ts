/**
 * What a benchmark is: one claim per file, with the figure it must reach.
 *
 * A claim runs in a process of its own, pinned to one core where its `cores` ask for it, and answers rounds of
 * measurement; the runner takes the median and prints it beside what is asked. A ratio is always against something
 * measured in the same process, next to it in time: these machines drift by a factor of two within an hour.
 */

export interface Round {
  readonly value: number;
  /** The rate of the baseline measured around this round, in the unit of `value`; absent where the figure is
   *  absolute. */
  readonly base?: number;
}

export interface Claim {
  readonly name: string;
  readonly about: string;
  /** Unit of `value`, e.g. `records/s`, `ms`, `MB`. */
  readonly unit: string;
  /** What is asked of the ratio, or of the value where there is no baseline. */
  readonly asked: { readonly atLeast: number } | { readonly atMost: number };
  /** Cores that the process may use; 1 is pinned. */
  readonly cores: 1 | 2;
  /** The same claim with code generation off and on the wide schema is printed beside it. */
  readonly variants: boolean;
  run(variant: Variant): Promise<readonly Round[]>;
  /** Measured in a process of its own, alternating with `run`, where baseline and claim need other cores or threads. */
  readonly baseline?: { readonly cores: 1 | 2; run(variant: Variant): Promise<readonly Round[]> };
}

export interface Variant {
  readonly schema: 'narrow' | 'wide';
  /** Fewer records for a quick look; figures of such a run mean little. */
  readonly records: number;
  readonly rounds: number;
}

/** One line of the JSON report. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly base?: number;
  readonly ratio?: number;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
};

/** The median round: value, baseline and ratio each by their own median, as the ratio is taken round by round. */
export const figureOf = (name: string, unit: string, rounds: readonly Round[]): Figure => {
  const value = median(rounds.map((round) => round.value));
  if (rounds.some((round) => round.base === undefined)) return { name, value, unit };
  const base = median(rounds.map((round) => round.base ?? Number.NaN));
  return { name, value, unit, base, ratio: median(rounds.map((round) => round.value / (round.base ?? Number.NaN))) };
};
