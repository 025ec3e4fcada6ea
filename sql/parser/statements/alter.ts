/** ALTER STREAM and ALTER TABLE: the tree, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position, SourceKind, TypeNode } from '../ast.ts';
import { printName, printType } from '../print.ts';
import { Comma, keyword } from '../tokens.ts';
import { SettingsGrammar } from './settings.ts';

export interface AddedColumn {
  readonly name: Identifier;
  readonly type: TypeNode;
}

/** `ALTER STREAM|TABLE name ADD [COLUMN] column type [, ADD …]`. */
export interface AlterSource {
  readonly kind: 'alter-source';
  readonly sourceKind: SourceKind;
  readonly name: Identifier;
  /** At least one. */
  readonly columns: readonly AddedColumn[];
  readonly at: Position;
}

/** What these statements begin with, for the error where no statement is found. */
export const alterWords = ['ALTER'] as const;

export abstract class AlterGrammar extends SettingsGrammar {
  protected readonly alterStatement = this.RULE('alterStatement', () =>
    this.OR({
      DEF: [
        {
          GATE: () => this.ahead(keyword.ALTER, keyword.SYSTEM),
          ALT: () => this.SUBRULE(this.alterSystem),
        },
        { ALT: () => this.SUBRULE(this.#alterSource) },
      ],
      IGNORE_AMBIGUITIES: true,
    }),
  );

  readonly #alterSource: ParserMethod<[], AlterSource> = this.RULE('alterSource', (): AlterSource => {
    const start = this.start();
    this.CONSUME(keyword.ALTER);
    const sourceKind = this.SUBRULE(this.sourceKind);
    const name = this.SUBRULE(this.identifier);
    const columns: AddedColumn[] = [];
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => columns.push(this.SUBRULE(this.#addedColumn)),
      ERR_MSG: 'ADD COLUMN, a name and a type',
    });
    return { kind: 'alter-source', sourceKind, name, columns, at: this.since(start) };
  });

  /** A column may be called COLUMN. */
  readonly #addedColumn: ParserMethod<[], AddedColumn> = this.RULE('addedColumn', () => {
    this.CONSUME(keyword.ADD);
    this.OPTION({
      GATE: () => this.ahead(keyword.COLUMN),
      DEF: () => this.CONSUME(keyword.COLUMN),
    });
    const name = this.SUBRULE1(this.identifier);
    return { name, type: this.SUBRULE(this.type) };
  });
}

export const alterPrinters = {
  'alter-source': ({ sourceKind, name, columns }: AlterSource): string =>
    `ALTER ${sourceKind.toUpperCase()} ${printName(name.name)} ${columns
      .map((column) => `ADD COLUMN ${printName(column.name.name)} ${printType(column.type)}`)
      .join(', ')}`,
};
