/**
 * Random texts, each checked. Generated ones are statements over the sources of the tests; mutated ones are statements
 * of the tests' scripts, or generated ones, with some words or characters changed. Each kind of problem is reported
 * once, by a text that is as small as it could be made.
 */

import type { Random } from '../../base/index.ts';
import { corpus } from '../sql/support/corpus.ts';
import { check, freshSession, kindOf } from './check.ts';
import { mutated } from './mutate.ts';
import { shrunk, smallerTexts } from './shrink.ts';
import { Generator } from './statements.ts';

export interface FoundText {
  readonly problem: string;
  readonly text: string;
}

export interface TextsOptions {
  readonly random: Random;
  readonly generated: number;
  readonly mutated: number;
  /** Is called with each text before it is checked. */
  readonly next?: (text: string) => void;
  /** As `next`, for the smaller texts that are tried when there is a problem. */
  readonly trying?: (text: string) => void;
  readonly report: (found: FoundText) => void;
  /** How long a text with a problem is made smaller, at most; default 20 s. */
  readonly shrinkMs?: number;
}

export interface TextCounts {
  accepted: number;
  refused: number;
}

/** How many generated statements are at hand to be mutated; one of them is replaced as often as each was taken once. */
const originals = 100;

export const texts = async (options: TextsOptions): Promise<TextCounts> => {
  const { random, next = () => {}, trying = () => {}, report, shrinkMs = 20_000 } = options;
  const counts: TextCounts = { accepted: 0, refused: 0 };
  const seen = new Set<string>();
  const problemOf = (text: string): string | undefined => {
    trying(text);
    const outcome = check(text);
    return typeof outcome === 'string' ? undefined : outcome.problem;
  };
  const one = async (text: string): Promise<void> => {
    next(text);
    const outcome = check(text);
    if (typeof outcome === 'string') {
      counts[outcome]++;
      return;
    }
    const kind = kindOf(outcome.problem);
    if (seen.has(kind)) return;
    seen.add(kind);
    const deadline = performance.now() + shrinkMs;
    const isSame = (smaller: string): boolean => {
      const problem = problemOf(smaller);
      return problem !== undefined && kindOf(problem) === kind;
    };
    const smallest = await shrunk(text, smallerTexts, isSame, () => performance.now() > deadline);
    report({ problem: problemOf(smallest) ?? outcome.problem, text: smallest });
  };
  const generator = new Generator(random, freshSession());
  for (let i = 0; i < options.generated; i++) await one(generator.statement());
  const taken: string[] = [];
  for (let i = 0; i < options.mutated; i++) {
    if (i % originals === 0)
      taken[taken.length < originals ? taken.length : random.below(originals)] = generator.statement();
    await one(mutated(random.pick(random.chance(0.5) ? taken : corpus), random));
  }
  return counts;
};
