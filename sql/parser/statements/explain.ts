/** EXPLAIN, of a statement or of a running query: the tree, the grammar, and the way back to text. `S` is the union of
 *  all statements, which only `index.ts` can name. */

import { EOF, type ParserMethod } from 'chevrotain';
import type { Identifier, Position } from '../ast.ts';
import { printName } from '../print.ts';
import { keyword, Name } from '../tokens.ts';
import { AlterGrammar } from './alter.ts';

export type ExplainTarget<S> =
  | { readonly kind: 'statement'; readonly statement: S }
  | { readonly kind: 'query-id'; readonly id: Identifier };

/** `EXPLAIN statement` or `EXPLAIN query-id`. */
export interface Explain<S> {
  readonly kind: 'explain';
  readonly target: ExplainTarget<S>;
  readonly at: Position;
}

/** What these statements begin with, for the error where no statement is found. */
export const explainWords = ['EXPLAIN'] as const;

export abstract class ExplainGrammar<S> extends AlterGrammar {
  abstract readonly statement: ParserMethod<[], S>;

  /** A single name is the id of a query; anything else is a statement. */
  protected readonly explain: ParserMethod<[], Explain<S>> = this.RULE('explain', (): Explain<S> => {
    const start = this.start();
    this.CONSUME(keyword.EXPLAIN);
    const target = this.OR({
      DEF: [
        {
          GATE: () => this.ahead(Name, EOF),
          ALT: (): ExplainTarget<S> => {
            const id = this.SUBRULE(this.identifier);
            return { kind: 'query-id', id };
          },
        },
        {
          ALT: (): ExplainTarget<S> => {
            const statement = this.deeper(() => this.SUBRULE(this.statement));
            return { kind: 'statement', statement };
          },
        },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'a statement or the id of a query',
    });
    return { kind: 'explain', target, at: this.since(start) };
  });
}

export const printExplain = <S>({ target }: Explain<S>, printStatement: (statement: S) => string): string =>
  `EXPLAIN ${target.kind === 'statement' ? printStatement(target.statement) : printName(target.id.name)}`;
