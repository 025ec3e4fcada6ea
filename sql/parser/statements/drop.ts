/** DROP STREAM, TABLE, TYPE and CONNECTOR: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position, SourceKind } from '../ast.ts';
import { printName, words } from '../print.ts';
import { keyword, PlainName } from '../tokens.ts';
import { InsertGrammar } from './insert.ts';

/** `DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]`. */
export interface DropSource {
  readonly kind: 'drop-source';
  readonly sourceKind: SourceKind;
  readonly ifExists: boolean;
  readonly name: Identifier;
  readonly deleteTopic: boolean;
  readonly at: Position;
}

/** `DROP TYPE|CONNECTOR [IF EXISTS] name`. */
export interface DropNamed {
  readonly kind: 'drop-type' | 'drop-connector';
  readonly ifExists: boolean;
  readonly name: Identifier;
  readonly at: Position;
}

export type DropStatement = DropSource | DropNamed;

/** What these statements begin with, for the error where no statement is found. */
export const dropWords = ['DROP'] as const;

export abstract class DropGrammar extends InsertGrammar {
  protected readonly dropStatement: ParserMethod<[], DropStatement> = this.RULE('dropStatement', () =>
    this.OR({
      DEF: [
        {
          GATE: () => this.ahead(keyword.DROP, keyword.TYPE) || this.ahead(keyword.DROP, keyword.CONNECTOR),
          ALT: (): DropStatement => this.SUBRULE(this.#dropNamed),
        },
        { ALT: (): DropStatement => this.SUBRULE(this.#dropSource) },
      ],
      IGNORE_AMBIGUITIES: true,
    }),
  );

  readonly #dropNamed: ParserMethod<[], DropNamed> = this.RULE('dropNamed', (): DropNamed => {
    const start = this.start();
    this.CONSUME(keyword.DROP);
    const kind = this.OR([
      {
        ALT: (): DropNamed['kind'] => {
          this.CONSUME(keyword.TYPE);
          return 'drop-type';
        },
      },
      {
        ALT: (): DropNamed['kind'] => {
          this.CONSUME(keyword.CONNECTOR);
          return 'drop-connector';
        },
      },
    ]);
    const ifExists = this.SUBRULE(this.#ifExists);
    const name = this.SUBRULE(this.identifier);
    return { kind, ifExists, name, at: this.since(start) };
  });

  readonly #dropSource: ParserMethod<[], DropSource> = this.RULE('dropSource', (): DropSource => {
    const start = this.start();
    this.CONSUME(keyword.DROP);
    const sourceKind = this.SUBRULE(this.sourceKind);
    const ifExists = this.SUBRULE(this.#ifExists);
    const name = this.SUBRULE(this.identifier);
    const deleteTopic = this.OPTION(() => {
      this.CONSUME(keyword.DELETE);
      this.CONSUME(keyword.TOPIC);
      return true;
    });
    return {
      kind: 'drop-source',
      sourceKind,
      ifExists,
      name,
      deleteTopic: deleteTopic ?? false,
      at: this.since(start),
    };
  });

  /** What is dropped may be called IF. */
  readonly #ifExists: ParserMethod<[], boolean> = this.RULE(
    'ifExists',
    () =>
      this.OPTION({
        GATE: () => this.ahead(keyword.IF, keyword.EXISTS) || this.ahead(keyword.IF, PlainName),
        DEF: () => {
          this.CONSUME(keyword.IF);
          this.CONSUME(keyword.EXISTS);
          return true;
        },
      }) ?? false,
  );
}

export const dropPrinters = {
  'drop-source': ({ sourceKind, ifExists, name, deleteTopic }: DropSource): string =>
    words(
      `DROP ${sourceKind.toUpperCase()}`,
      ifExists && 'IF EXISTS',
      printName(name.name),
      deleteTopic && 'DELETE TOPIC',
    ),
  'drop-type': ({ ifExists, name }: DropNamed): string =>
    words('DROP TYPE', ifExists && 'IF EXISTS', printName(name.name)),
  'drop-connector': ({ ifExists, name }: DropNamed): string =>
    words('DROP CONNECTOR', ifExists && 'IF EXISTS', printName(name.name)),
};
