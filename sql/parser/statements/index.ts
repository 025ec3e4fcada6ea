/**
 * All statements: the union of their trees, the rule that tells them apart by their first word, and their text. Each
 * family has a file with its trees, its grammar and its printers; a kind of statement without a printer does not
 * compile.
 */

import type { ParserMethod } from 'chevrotain';
import type { UserError } from '../../../base/index.ts';
import type { Position, Query } from '../ast.ts';
import type { Mentions } from '../faults.ts';
import { printQuery } from '../print.ts';
import { type AlterSource, alterPrinters, alterWords } from './alter.ts';
import { type AssertStatement, assertPrinters, assertWords } from './assert.ts';
import { type ControlStatement, controlPrinters, controlWords } from './control.ts';
import { type CreateStatement, createPrinters, createUnsupported, createWords } from './create.ts';
import { type DropStatement, dropPrinters, dropWords } from './drop.ts';
import { ExplainGrammar, type Explain as ExplainOf, explainWords, printExplain } from './explain.ts';
import { type InsertStatement, insertPrinters, insertWords } from './insert.ts';
import { type PrintTopic, printPrinters, printWords } from './print.ts';
import { type SettingsStatement, settingsPrinters, settingsWords } from './settings.ts';
import { type ShowStatement, showPrinters, showUnsupported, showWords } from './show.ts';
import { otherForms, type UnsupportedForms } from './unsupported.ts';

/** A query at the top level: pull without EMIT, push with it. */
export interface QueryStatement {
  readonly kind: 'query';
  readonly query: Query;
  readonly at: Position;
}

export type Explain = ExplainOf<Statement>;

export type Statement =
  | QueryStatement
  | CreateStatement
  | InsertStatement
  | DropStatement
  | ControlStatement
  | ShowStatement
  | PrintTopic
  | AssertStatement
  | AlterSource
  | SettingsStatement
  | ExplainOf<Statement>;

/** One kind of statement: `StatementOf<'create-as'>`. */
export type StatementOf<K extends Statement['kind']> = OfKind<Statement, K>;
type OfKind<S, K> = S extends { readonly kind: infer Kinds } ? (K extends Kinds ? S : never) : never;

/** A statement together with the text it came from, without the closing semicolon and the blanks around it, and with
 *  the values of variables in their places. Places inside the statement count from the start of the whole text that was
 *  parsed, `at.offset` is where the slice begins. */
export interface ParsedStatement extends Mentions {
  readonly statement: Statement;
  readonly text: string;
  readonly at: Position;
  /** What `${name}` stands for behind it. */
  readonly variables: ReadonlyMap<string, string>;
  /** The statement in its canonical form; for EXPLAIN, that of the statement which it explains. */
  canonical(): string;
}

/** A statement that cannot be read, and why. */
export interface RefusedStatement extends Mentions {
  readonly text: string;
  readonly faults: readonly UserError[];
}

/** Forms that are known and not supported, for an error that tells so. */
export const unsupportedForms: UnsupportedForms = [...createUnsupported, ...showUnsupported, ...otherForms];

const firstWords = [
  'SELECT',
  ...createWords,
  ...insertWords,
  ...dropWords,
  ...controlWords,
  ...showWords,
  ...explainWords,
  ...printWords,
  ...assertWords,
  ...alterWords,
  ...settingsWords,
];

const listed = (words: readonly string[]): string => `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

export class StatementGrammar extends ExplainGrammar<Statement> {
  readonly statement: ParserMethod<[], Statement> = this.RULE('statement', () =>
    this.OR({
      DEF: [
        { ALT: (): Statement => this.SUBRULE(this.#queryStatement) },
        { ALT: (): Statement => this.SUBRULE(this.createStatement) },
        { ALT: (): Statement => this.SUBRULE(this.insertStatement) },
        { ALT: (): Statement => this.SUBRULE(this.dropStatement) },
        { ALT: (): Statement => this.SUBRULE(this.controlStatement) },
        { ALT: (): Statement => this.SUBRULE(this.showStatement) },
        { ALT: (): Statement => this.SUBRULE(this.explain) },
        { ALT: (): Statement => this.SUBRULE(this.printTopic) },
        { ALT: (): Statement => this.SUBRULE(this.assertStatement) },
        { ALT: (): Statement => this.SUBRULE(this.alterStatement) },
        { ALT: (): Statement => this.SUBRULE(this.settingsStatement) },
      ],
      ERR_MSG: `a statement (${listed(firstWords)})`,
    }),
  );

  readonly #queryStatement: ParserMethod<[], Statement> = this.RULE('queryStatement', (): Statement => {
    const query = this.SUBRULE(this.query);
    return this.ACTION((): Statement => ({ kind: 'query', query, at: query.at }));
  });
}

const printers: { readonly [K in Statement['kind']]: (statement: StatementOf<K>) => string } = {
  query: ({ query }) => printQuery(query),
  ...createPrinters,
  ...insertPrinters,
  ...dropPrinters,
  ...controlPrinters,
  ...showPrinters,
  ...printPrinters,
  ...assertPrinters,
  ...alterPrinters,
  ...settingsPrinters,
  explain: (statement) => printExplain(statement, printStatement),
};

/** Every kind of statement. */
export const statementKinds: readonly string[] = Object.keys(printers);

/** A statement without its semicolon. */
export const printStatement = (statement: Statement): string =>
  (printers[statement.kind] as (statement: Statement) => string)(statement);
