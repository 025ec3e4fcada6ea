/** INSERT INTO, of one row or of what a query finds: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Expression, Identifier, Position, Property, Query } from '../ast.ts';
import { printExpressions, printName, printNames, printProperties, printQuery, words } from '../print.ts';
import { Comma, keyword, LeftParen, RightParen } from '../tokens.ts';
import { CreateGrammar } from './create.ts';

/** `INSERT INTO name [(columns)] VALUES (values)`: one row. */
export interface InsertValues {
  readonly kind: 'insert-values';
  readonly target: Identifier;
  /** Empty where the list is left out. */
  readonly columns: readonly Identifier[];
  readonly values: readonly Expression[];
  readonly at: Position;
}

/** `INSERT INTO name [WITH (…)] query`. */
export interface InsertAs {
  readonly kind: 'insert-as';
  readonly target: Identifier;
  readonly properties: readonly Property[];
  readonly query: Query;
  readonly at: Position;
}

export type InsertStatement = InsertValues | InsertAs;

/** What these statements begin with, for the error where no statement is found. */
export const insertWords = ['INSERT'] as const;

export abstract class InsertGrammar extends CreateGrammar {
  protected readonly insertStatement: ParserMethod<[], InsertStatement> = this.RULE(
    'insertStatement',
    (): InsertStatement => {
      const start = this.start();
      this.CONSUME(keyword.INSERT);
      this.CONSUME(keyword.INTO);
      const target = this.SUBRULE(this.identifier);
      return this.OR([
        {
          ALT: (): InsertStatement => {
            const columns = this.OPTION(() => this.SUBRULE(this.#columnNames)) ?? [];
            this.CONSUME(keyword.VALUES);
            this.CONSUME(LeftParen);
            const values: Expression[] = [];
            this.AT_LEAST_ONE_SEP({
              SEP: Comma,
              DEF: () => values.push(this.SUBRULE(this.expression)),
              ERR_MSG: 'an expression',
            });
            this.CONSUME(RightParen);
            return this.ACTION(() => ({ kind: 'insert-values', target, columns, values, at: this.since(start) }));
          },
        },
        {
          ALT: (): InsertStatement => {
            const properties = this.OPTION1(() => this.SUBRULE(this.properties)) ?? [];
            const query: Query = this.SUBRULE(this.query);
            return this.ACTION(() => ({ kind: 'insert-as', target, properties, query, at: this.since(start) }));
          },
        },
      ]);
    },
  );

  readonly #columnNames: ParserMethod<[], readonly Identifier[]> = this.RULE('columnNames', () => {
    const names: Identifier[] = [];
    this.CONSUME(LeftParen);
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => names.push(this.SUBRULE(this.identifier)),
      ERR_MSG: 'the name of a column',
    });
    this.CONSUME(RightParen);
    return names;
  });
}

export const insertPrinters = {
  'insert-values': ({ target, columns, values }: InsertValues): string =>
    words(
      `INSERT INTO ${printName(target.name)}`,
      columns.length > 0 && `(${printNames(columns.map(({ name }) => name))})`,
      `VALUES (${printExpressions(values)})`,
    ),
  'insert-as': ({ target, properties, query }: InsertAs): string =>
    words(`INSERT INTO ${printName(target.name)}`, printProperties(properties), printQuery(query)),
};
