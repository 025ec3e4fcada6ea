/**
 * A long run is cut into blocks. Each has a seed of its own, taken from that of the run: a block gives the same
 * whichever thread runs it, and after whatever other block.
 */

import { Random } from '../../base/index.ts';
import { checks } from './checks/index.ts';
import { differential } from './differential.ts';
import { texts } from './texts.ts';

export type BlockKind = 'generated' | 'mutated' | 'differential';

export interface Block {
  readonly kind: BlockKind;
  readonly seed: number;
  /** Texts, or cases. */
  readonly count: number;
}

/** What a block has found: a text that breaks a rule, or a case whose two runs differ. */
export interface Found {
  readonly problem: string;
  /** The statements, and the records where there are some. */
  readonly text: string;
}

/** How often each thing has come up: `accepted` texts, `queries` … */
export type Tally = Readonly<Record<string, number>>;

const sizes: Readonly<Record<BlockKind, number>> = { generated: 1_000, mutated: 10_000, differential: 25 };

export const blocksOf = (seed: number, counts: Readonly<Record<BlockKind, number>>): Block[] => {
  const random = new Random(seed);
  return (['generated', 'mutated', 'differential'] as const).flatMap((kind) =>
    Array.from({ length: Math.ceil(counts[kind] / sizes[kind]) }, (_, i) => ({
      kind,
      seed: random.u32(),
      count: Math.min(sizes[kind], counts[kind] - i * sizes[kind]),
    })),
  );
};

export interface BlockEvents {
  /** Is called before each text or case, with what it is. */
  next(text: string): void;
  /** Is called before each smaller one that is tried when there is a problem, and before each check of a case. */
  trying(text: string): void;
  found(one: Found): void;
}

/** `names`: the differential checks that are made. The formats have to be loaded. */
export const runBlock = async (
  { kind, seed, count }: Block,
  names: readonly string[],
  events: BlockEvents,
): Promise<Tally> => {
  const random = new Random(seed);
  if (kind !== 'differential') {
    const { accepted, refused } = await texts({
      random,
      generated: kind === 'generated' ? count : 0,
      mutated: kind === 'mutated' ? count : 0,
      ...events,
      report: (found) => events.found(found),
    });
    return { texts: count, accepted, refused };
  }
  const counts = await differential({
    random,
    cases: count,
    shrinkMs: 60_000,
    now: () => performance.now(),
    checks: Object.fromEntries(Object.entries(checks).filter(([name]) => names.includes(name))),
    ...events,
    report: (found) => events.found({ problem: `${found.check}: ${found.problem}`, text: found.text }),
  });
  return { ...counts };
};
