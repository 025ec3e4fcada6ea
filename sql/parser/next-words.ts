/**
 * What can come next: every word, and every place of a name, that the grammar has behind the beginning of a statement.
 *
 * The rules of the grammar are walked as they were recorded when the parser was built, so nothing about statements is
 * listed here a second time. All readings of the words so far are followed side by side. A word that fits none of them
 * is passed over: what is being written need not be right everywhere.
 */

import {
  Alternation,
  Alternative,
  type IToken,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  type Rule,
  Terminal,
  type TokenType,
} from 'chevrotain';
import { isKind } from './grammar/base.ts';

/** A word that can come next, and where in the grammar: the rules around it, the innermost first. A rule that is called
 *  from several places of another has the number of the call behind a slash: `identifier/1`. */
export interface NextWord {
  readonly type: TokenType;
  readonly rules: readonly string[];
  /** Which of several words of its type in the rule it is, as the rule numbers them. */
  readonly nth: number;
}

type Item = Rule['definition'][number];

/** A reading: what comes next in a rule, and where to go on behind its end. */
interface Reading {
  readonly items: readonly Item[];
  readonly next: number;
  /** The rule that is entered; undefined within the parts of one. */
  readonly rule: string | undefined;
  readonly behind: Reading | undefined;
  /** How many readings are behind it. */
  readonly open: number;
}

/** How many rules may be open in one reading, some ten for each level of nesting: visiting is recursive. */
const maxOpen = 2_000;

/** Readings that are followed at most: a few ambiguities, each of which doubles them. */
const maxReadings = 64;

export const nextWords = (
  rules: Readonly<Record<string, Rule>>,
  start: string,
  tokens: readonly IToken[],
): NextWord[] => {
  const root = rules[start];
  if (root === undefined) return [];
  let readings: readonly Reading[] = [{ items: root.definition, next: 0, rule: start, behind: undefined, open: 0 }];
  for (const token of tokens) {
    const further: { readonly reading: Reading; readonly asWord: boolean }[] = [];
    for (const reading of readings) {
      follow(reading, ({ terminalType }, behind) => {
        if (!isKind(token, terminalType) || further.length >= maxReadings || behind.open > maxOpen) return;
        further.push({ reading: behind, asWord: token.tokenType === terminalType });
      });
    }
    // A word of the language is a name only where it can be nothing else.
    const words = further.filter(({ asWord }) => asWord);
    if (further.length > 0) readings = (words.length > 0 ? words : further).map(({ reading }) => reading);
  }
  const found: NextWord[] = [];
  for (const reading of readings) {
    follow(reading, ({ terminalType, idx }, behind) =>
      found.push({ type: terminalType, rules: rulesAround(behind), nth: idx }),
    );
  }
  return found;
};

/** Visits every word that can be next, with the reading behind it. */
const follow = (reading: Reading, visit: (word: Terminal, behind: Reading) => void): void => {
  const item = reading.items[reading.next];
  if (item === undefined) {
    if (reading.behind !== undefined) follow(reading.behind, visit);
    return;
  }
  const next: Reading = { ...reading, next: reading.next + 1 };
  const within = (items: readonly Item[], behind: Reading): void =>
    follow({ items, next: 0, rule: undefined, behind, open: behind.open + 1 }, visit);
  const again = (items: readonly Item[]): Reading => ({
    items: [new Repetition({ definition: [...items] })],
    next: 0,
    rule: undefined,
    behind: next,
    open: next.open + 1,
  });
  if (item instanceof Terminal) visit(item, next);
  else if (item instanceof NonTerminal) {
    const rule = `${item.nonTerminalName}${item.idx === 0 ? '' : `/${item.idx}`}`;
    follow({ items: item.definition, next: 0, rule, behind: next, open: next.open + 1 }, visit);
  } else if (item instanceof Alternation) {
    for (const alternative of item.definition) within([alternative], next);
  } else if (item instanceof Alternative) {
    within(item.definition, next);
  } else if (item instanceof Option || item instanceof Repetition || item instanceof RepetitionMandatory) {
    const { definition } = item;
    const atLeastOnce = item instanceof RepetitionMandatory;
    within(definition, atLeastOnce ? again(definition) : item instanceof Repetition ? reading : next);
    if (!atLeastOnce) follow(next, visit);
  } else if (item instanceof RepetitionMandatoryWithSeparator || item instanceof RepetitionWithSeparator) {
    within(item.definition, again([new Terminal({ terminalType: item.separator }), ...item.definition]));
    if (item instanceof RepetitionWithSeparator) follow(next, visit);
  }
};

const rulesAround = (reading: Reading): string[] => {
  const rules: string[] = [];
  for (let one: Reading | undefined = reading; one !== undefined; one = one.behind) {
    if (one.rule !== undefined) rules.push(one.rule);
  }
  return rules;
};
