/** Statements that control running queries: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position } from '../ast.ts';
import { printName } from '../print.ts';
import { keyword } from '../tokens.ts';
import { DropGrammar } from './drop.ts';

/** `TERMINATE id` or `TERMINATE ALL`, which has no id. Ids are compared without regard to case. */
export interface Terminate {
  readonly kind: 'terminate';
  readonly queryId?: Identifier | undefined;
  readonly at: Position;
}

/** `PAUSE id` or `PAUSE ALL`: the query is held, and goes on with RESUME. */
export interface PauseOrResume {
  readonly kind: 'pause' | 'resume';
  readonly queryId?: Identifier | undefined;
  readonly at: Position;
}

export type ControlStatement = Terminate | PauseOrResume;

/** What these statements begin with, for the error where no statement is found. */
export const controlWords = ['TERMINATE', 'PAUSE', 'RESUME'] as const;

export abstract class ControlGrammar extends DropGrammar {
  protected readonly controlStatement: ParserMethod<[], ControlStatement> = this.RULE('controlStatement', () =>
    this.OR([
      { ALT: (): ControlStatement => this.SUBRULE(this.#terminate) },
      { ALT: (): ControlStatement => this.SUBRULE(this.#pauseOrResume) },
    ]),
  );

  readonly #pauseOrResume: ParserMethod<[], PauseOrResume> = this.RULE('pauseOrResume', (): PauseOrResume => {
    const start = this.start();
    const kind = this.OR([
      {
        ALT: (): PauseOrResume['kind'] => {
          this.CONSUME(keyword.PAUSE);
          return 'pause';
        },
      },
      {
        ALT: (): PauseOrResume['kind'] => {
          this.CONSUME(keyword.RESUME);
          return 'resume';
        },
      },
    ]);
    const queryId = this.SUBRULE(this.#queryOrAll);
    return { kind, queryId, at: this.since(start) };
  });

  readonly #queryOrAll: ParserMethod<[], Identifier | undefined> = this.RULE('queryOrAll', () =>
    this.OR({
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
    }),
  );

  readonly #terminate: ParserMethod<[], Terminate> = this.RULE('terminate', (): Terminate => {
    const start = this.start();
    this.CONSUME(keyword.TERMINATE);
    const queryId = this.SUBRULE(this.#queryOrAll);
    return { kind: 'terminate', queryId, at: this.since(start) };
  });
}

const printTarget = (queryId: Identifier | undefined): string =>
  queryId === undefined ? 'ALL' : printName(queryId.name);

export const controlPrinters = {
  terminate: ({ queryId }: Terminate): string => `TERMINATE ${printTarget(queryId)}`,
  pause: ({ queryId }: PauseOrResume): string => `PAUSE ${printTarget(queryId)}`,
  resume: ({ queryId }: PauseOrResume): string => `RESUME ${printTarget(queryId)}`,
};
