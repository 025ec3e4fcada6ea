/** The loop: random texts, each checked, each kind of problem reported once. */

import type { Random } from '../../base/index.ts';
import { corpus } from '../sql/support/corpus.ts';
import { check, freshSession } from './check.ts';
import { mutated } from './mutate.ts';
import { Generator } from './statements.ts';

export interface Found {
  readonly problem: string;
  readonly text: string;
}

export interface FuzzOptions {
  readonly random: Random;
  readonly generated: number;
  readonly mutated: number;
  readonly report: (found: Found) => void;
}

export const fuzz = ({
  random,
  generated,
  mutated: mutations,
  report,
}: FuzzOptions): { accepted: number; refused: number } => {
  const counts = { accepted: 0, refused: 0 };
  const seen = new Set<string>();
  const one = (text: string): void => {
    const outcome = check(text);
    if (typeof outcome === 'string') counts[outcome]++;
    else {
      const kind = outcome.problem
        .replaceAll(/"[^"]*"|`[^`]*`|\d+/g, '…')
        .split('\n')
        .slice(0, 3)
        .join();
      if (!seen.has(kind)) report({ problem: outcome.problem, text });
      seen.add(kind);
    }
  };
  const generator = new Generator(random, freshSession());
  for (let i = 0; i < generated; i++) one(generator.statement());
  for (let i = 0; i < mutations; i++) {
    one(mutated(random.chance(0.2) ? generator.statement() : random.pick(corpus), random));
  }
  return counts;
};
