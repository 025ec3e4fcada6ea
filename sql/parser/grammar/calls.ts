/** The grammar of column names and of calls of functions, whose arguments may be lambdas and units of time. */

import type { ParserMethod } from 'chevrotain';
import { UserError } from '../../../base/index.ts';
import type { Expression, Identifier } from '../ast.ts';
import {
  Comma,
  Dot,
  LambdaArrow,
  LeftParen,
  Name,
  nameOf,
  placeOf,
  RightParen,
  Star,
  Unit,
  unitOf,
} from '../tokens.ts';
import { isKind } from './base.ts';
import { TypeGrammar } from './types.ts';

export abstract class CallGrammar extends TypeGrammar {
  abstract readonly expression: ParserMethod<[], Expression>;

  protected readonly columnOrCall: ParserMethod<[], Expression> = this.RULE('columnOrCall', () => {
    const first = this.SUBRULE(this.identifier);
    return (
      this.OPTION(() =>
        this.OR([
          { ALT: (): Expression => this.SUBRULE(this.#callArguments, { ARGS: [first] }) },
          {
            ALT: (): Expression => {
              this.CONSUME(Dot);
              const second = this.SUBRULE1(this.identifier);
              return this.ACTION(() => ({
                kind: 'column',
                source: first.name,
                name: second.name,
                at: this.since(first.at),
              }));
            },
          },
        ]),
      ) ?? this.ACTION((): Expression => ({ kind: 'column', name: first.name, at: first.at }))
    );
  });

  readonly #callArguments: ParserMethod<[Identifier], Expression> = this.RULE('callArguments', (name: Identifier) => {
    const args: Expression[] = [];
    this.CONSUME(LeftParen);
    const star = this.OPTION(() =>
      this.OR([
        { ALT: () => this.CONSUME(Star) },
        {
          ALT: () => {
            this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => args.push(this.SUBRULE(this.#argument)) });
            return undefined;
          },
        },
      ]),
    );
    this.CONSUME(RightParen);
    return this.ACTION((): Expression => {
      const firstLambda = args.findIndex((arg) => arg.kind === 'lambda');
      if (firstLambda >= 0 && args.slice(firstLambda).some((arg) => arg.kind !== 'lambda')) {
        throw new UserError('SQL_SYNTAX', `in a call of ${name.name}, lambdas come behind all other arguments`, {
          at: args[firstLambda]?.at,
          hint: 'Move the lambda to the end of the list.',
        });
      }
      return { kind: 'call', name: name.name, args, star: star !== undefined, at: this.since(name.at) };
    });
  });

  readonly #argument: ParserMethod<[], Expression> = this.RULE('argument', () =>
    this.OR({
      DEF: [
        { GATE: () => this.#lambdaAhead(), ALT: (): Expression => this.SUBRULE(this.#lambda) },
        {
          GATE: () => !this.ahead(Name),
          ALT: (): Expression => {
            const token = this.CONSUME(Unit);
            return this.ACTION(() => ({
              kind: 'unit',
              unit: unitOf(token),
              at: placeOf(token),
            }));
          },
        },
        { ALT: (): Expression => this.SUBRULE(this.expression) },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'an expression',
    }),
  );

  #lambdaAhead(): boolean {
    if (this.ahead(Name, LambdaArrow)) return true;
    if (!this.ahead(LeftParen, Name)) return false;
    let next = 3;
    while (isKind(this.LA(next), Comma) && isKind(this.LA(next + 1), Name)) next += 2;
    return isKind(this.LA(next), RightParen) && isKind(this.LA(next + 1), LambdaArrow);
  }

  readonly #lambda: ParserMethod<[], Expression> = this.RULE('lambda', () => {
    const start = this.start();
    const parameters: string[] = [];
    this.OR([
      { ALT: () => parameters.push(nameOf(this.CONSUME(Name))) },
      {
        ALT: () => {
          this.CONSUME(LeftParen);
          this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => parameters.push(nameOf(this.CONSUME1(Name))) });
          this.CONSUME(RightParen);
        },
      },
    ]);
    this.CONSUME(LambdaArrow);
    const body = this.SUBRULE(this.expression);
    return this.ACTION((): Expression => ({ kind: 'lambda', parameters, body, at: this.since(start) }));
  });
}
