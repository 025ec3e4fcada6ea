/** PRINT: the tree, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, LimitClause, Position } from '../ast.ts';
import { smallNumber } from '../build.ts';
import { printResource, words } from '../print.ts';
import { IntegerText, keyword, placeOf } from '../tokens.ts';
import { ShowGrammar } from './show.ts';

/** `PRINT topic [FROM BEGINNING] [INTERVAL n|SAMPLE n] [LIMIT n]`. */
export interface PrintTopic {
  readonly kind: 'print';
  readonly topic: Identifier;
  readonly fromBeginning: boolean;
  /** Every n-th record is shown. */
  readonly interval?: LimitClause | undefined;
  readonly limit?: LimitClause | undefined;
  readonly at: Position;
}

/** What these statements begin with, for the error where no statement is found. */
export const printWords = ['PRINT'] as const;

export abstract class PrintGrammar extends ShowGrammar {
  protected readonly printTopic: ParserMethod<[], PrintTopic> = this.RULE('printTopic', (): PrintTopic => {
    const start = this.start();
    this.CONSUME(keyword.PRINT);
    const topic = this.SUBRULE(this.resource);
    const fromBeginning = this.OPTION(() => {
      this.CONSUME(keyword.FROM);
      this.CONSUME(keyword.BEGINNING);
      return true;
    });
    const interval = this.OPTION1(() => {
      this.OR([{ ALT: () => this.CONSUME(keyword.INTERVAL) }, { ALT: () => this.CONSUME(keyword.SAMPLE) }]);
      return this.SUBRULE(this.#count);
    });
    const limit = this.OPTION2(() => {
      this.CONSUME(keyword.LIMIT);
      return this.SUBRULE1(this.#count);
    });
    return {
      kind: 'print',
      topic,
      fromBeginning: fromBeginning ?? false,
      interval,
      limit,
      at: this.since(start),
    };
  });

  readonly #count: ParserMethod<[], LimitClause> = this.RULE('count', () => {
    const token = this.CONSUME(IntegerText);
    return this.ACTION(() => ({ count: smallNumber(token), at: placeOf(token) }));
  });
}

export const printPrinters = {
  print: ({ topic, fromBeginning, interval, limit }: PrintTopic): string =>
    words(
      `PRINT ${printResource(topic.name)}`,
      fromBeginning && 'FROM BEGINNING',
      interval && `INTERVAL ${interval.count}`,
      limit && `LIMIT ${limit.count}`,
    ),
};
