/** Statements that control running queries: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position } from '../ast.ts';
import { printName } from '../print.ts';
import { keyword } from '../tokens.ts';
import { DropGrammar } from './drop.ts';
import type { UnsupportedForms } from './unsupported.ts';

/** `TERMINATE id` or `TERMINATE ALL`, which has no id. Ids are compared without regard to case. */
export interface Terminate {
  readonly kind: 'terminate';
  readonly queryId?: Identifier | undefined;
  readonly at: Position;
}

export type ControlStatement = Terminate;

/** What these statements begin with, for the error where no statement is found. */
export const controlWords = ['TERMINATE'] as const;

/** Forms of this family that are not supported. */
export const controlUnsupported: UnsupportedForms = [['PAUSE', 'TERMINATE stops a query for good.'], ['RESUME']];

export abstract class ControlGrammar extends DropGrammar {
  protected readonly controlStatement: ParserMethod<[], ControlStatement> = this.RULE('controlStatement', () =>
    this.OR([{ ALT: (): ControlStatement => this.SUBRULE(this.#terminate) }]),
  );

  readonly #terminate: ParserMethod<[], Terminate> = this.RULE('terminate', (): Terminate => {
    const start = this.start();
    this.CONSUME(keyword.TERMINATE);
    const queryId = this.OR({
      DEF: [
        {
          ALT: (): Identifier | undefined => {
            this.CONSUME(keyword.ALL);
            return undefined;
          },
        },
        { ALT: (): Identifier | undefined => this.SUBRULE(this.identifier) },
      ],
      ERR_MSG: 'the id of a query, or ALL',
    });
    return { kind: 'terminate', queryId, at: this.since(start) };
  });
}

export const controlPrinters = {
  terminate: ({ queryId }: Terminate): string => `TERMINATE ${queryId === undefined ? 'ALL' : printName(queryId.name)}`,
};
