/** DROP STREAM and DROP TABLE: the tree, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position, SourceKind } from '../ast.ts';
import { printName, words } from '../print.ts';
import { keyword, PlainName } from '../tokens.ts';
import { InsertGrammar } from './insert.ts';
import type { UnsupportedForms } from './unsupported.ts';

/** `DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC]`. */
export interface DropSource {
  readonly kind: 'drop-source';
  readonly sourceKind: SourceKind;
  readonly ifExists: boolean;
  readonly name: Identifier;
  readonly deleteTopic: boolean;
  readonly at: Position;
}

export type DropStatement = DropSource;

/** What these statements begin with, for the error where no statement is found. */
export const dropWords = ['DROP'] as const;

/** Forms of this family that are not supported. */
export const dropUnsupported: UnsupportedForms = [['DROP CONNECTOR'], ['DROP TYPE']];

export abstract class DropGrammar extends InsertGrammar {
  protected readonly dropStatement: ParserMethod<[], DropStatement> = this.RULE('dropStatement', (): DropStatement => {
    const start = this.start();
    this.CONSUME(keyword.DROP);
    const sourceKind = this.SUBRULE(this.sourceKind);
    const ifExists = this.OPTION({
      GATE: () => this.ahead(keyword.IF, keyword.EXISTS) || this.ahead(keyword.IF, PlainName),
      DEF: () => {
        this.CONSUME(keyword.IF);
        this.CONSUME(keyword.EXISTS);
        return true;
      },
    });
    const name = this.SUBRULE(this.identifier);
    const deleteTopic = this.OPTION1(() => {
      this.CONSUME(keyword.DELETE);
      this.CONSUME(keyword.TOPIC);
      return true;
    });
    return {
      kind: 'drop-source',
      sourceKind,
      ifExists: ifExists ?? false,
      name,
      deleteTopic: deleteTopic ?? false,
      at: this.since(start),
    };
  });
}

export const dropPrinters = {
  'drop-source': ({ sourceKind, ifExists, name, deleteTopic }: DropSource): string =>
    words(
      `DROP ${sourceKind.toUpperCase()}`,
      ifExists && 'IF EXISTS',
      printName(name.name),
      deleteTopic && 'DELETE TOPIC',
    ),
};
