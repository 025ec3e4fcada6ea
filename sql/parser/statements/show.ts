/** SHOW and DESCRIBE: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position, SourceKind } from '../ast.ts';
import { printName, words } from '../print.ts';
import { keyword } from '../tokens.ts';
import { ControlGrammar } from './control.ts';
import type { UnsupportedForms } from './unsupported.ts';

/** `SHOW STREAMS|TABLES [EXTENDED]`; LIST means the same as SHOW in all of these. */
export interface ShowSources {
  readonly kind: 'show-sources';
  readonly sourceKind: SourceKind;
  readonly extended: boolean;
  readonly at: Position;
}

/** `SHOW [ALL] TOPICS [EXTENDED]`. */
export interface ShowTopics {
  readonly kind: 'show-topics';
  readonly all: boolean;
  readonly extended: boolean;
  readonly at: Position;
}

/** `SHOW QUERIES [EXTENDED]`. */
export interface ShowQueries {
  readonly kind: 'show-queries';
  readonly extended: boolean;
  readonly at: Position;
}

/** `SHOW FUNCTIONS`. */
export interface ShowFunctions {
  readonly kind: 'show-functions';
  readonly at: Position;
}

/** `DESCRIBE name [EXTENDED]`. */
export interface Describe {
  readonly kind: 'describe';
  readonly name: Identifier;
  readonly extended: boolean;
  readonly at: Position;
}

type Show = ShowSources | ShowTopics | ShowQueries | ShowFunctions;

export type ShowStatement = Show | Describe;

/** What these statements begin with, for the error where no statement is found. */
export const showWords = ['SHOW', 'DESCRIBE'] as const;

/** Forms of this family that are not supported. */
export const showUnsupported: UnsupportedForms = [
  ['SHOW|LIST PROPERTIES'],
  ['SHOW|LIST CONNECTORS'],
  ['SHOW|LIST SOURCE|SINK CONNECTORS'],
  ['SHOW|LIST CONNECTOR PLUGINS'],
  ['SHOW|LIST TYPES'],
  ['SHOW|LIST VARIABLES'],
  ['DESCRIBE STREAMS', 'Use SHOW STREAMS, or DESCRIBE with the name of one.'],
  ['DESCRIBE TABLES', 'Use SHOW TABLES, or DESCRIBE with the name of one.'],
  ['DESCRIBE FUNCTION *', 'SHOW FUNCTIONS lists all functions.'],
  ['DESCRIBE CONNECTOR'],
];

export abstract class ShowGrammar extends ControlGrammar {
  protected readonly showStatement: ParserMethod<[], ShowStatement> = this.RULE('showStatement', () =>
    this.OR([
      { ALT: (): ShowStatement => this.SUBRULE(this.#show) },
      { ALT: (): ShowStatement => this.SUBRULE(this.#describe) },
    ]),
  );

  readonly #show: ParserMethod<[], Show> = this.RULE('show', (): Show => {
    const start = this.start();
    this.OR([{ ALT: () => this.CONSUME(keyword.SHOW) }, { ALT: () => this.CONSUME(keyword.LIST) }]);
    return this.OR1([
      {
        ALT: (): Show => {
          this.CONSUME(keyword.STREAMS);
          const extended = this.SUBRULE(this.#extended);
          return { kind: 'show-sources', sourceKind: 'stream', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.TABLES);
          const extended = this.SUBRULE1(this.#extended);
          return { kind: 'show-sources', sourceKind: 'table', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          const all = this.OPTION(() => this.CONSUME(keyword.ALL)) !== undefined;
          this.CONSUME(keyword.TOPICS);
          const extended = this.SUBRULE2(this.#extended);
          return { kind: 'show-topics', all, extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.QUERIES);
          const extended = this.SUBRULE3(this.#extended);
          return { kind: 'show-queries', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.FUNCTIONS);
          return { kind: 'show-functions', at: this.since(start) };
        },
      },
    ]);
  });

  readonly #extended: ParserMethod<[], boolean> = this.RULE(
    'extended',
    () => this.OPTION(() => this.CONSUME(keyword.EXTENDED)) !== undefined,
  );

  readonly #describe: ParserMethod<[], Describe> = this.RULE('describe', (): Describe => {
    const start = this.start();
    this.CONSUME(keyword.DESCRIBE);
    const name = this.SUBRULE(this.identifier);
    const extended = this.SUBRULE(this.#extended);
    return { kind: 'describe', name, extended, at: this.since(start) };
  });
}

export const showPrinters = {
  'show-sources': ({ sourceKind, extended }: ShowSources): string =>
    words(`SHOW ${sourceKind.toUpperCase()}S`, extended && 'EXTENDED'),
  'show-topics': ({ all, extended }: ShowTopics): string =>
    words('SHOW', all && 'ALL', 'TOPICS', extended && 'EXTENDED'),
  'show-queries': ({ extended }: ShowQueries): string => words('SHOW QUERIES', extended && 'EXTENDED'),
  'show-functions': (): string => 'SHOW FUNCTIONS',
  describe: ({ name, extended }: Describe): string => words(`DESCRIBE ${printName(name.name)}`, extended && 'EXTENDED'),
};
