/**
 * The grammar of primary expressions, what operators stand between: literals, columns and calls, CASE, CAST, the
 * constructors of arrays, maps and structs, and any expression in brackets.
 */

import type { IToken, ParserMethod } from 'chevrotain';
import type { CaseBranch, Expression, MapEntry, StructEntry } from '../ast.ts';
import {
  Assign,
  Comma,
  keyword,
  LeftBracket,
  LeftParen,
  NumberText,
  placeOf,
  RightBracket,
  RightParen,
} from '../tokens.ts';
import { CallGrammar } from './calls.ts';

export abstract class PrimaryGrammar extends CallGrammar {
  /** `minus` is a sign that belongs to a number that follows. */
  protected readonly primary: ParserMethod<[IToken | undefined], Expression> = this.RULE(
    'primary',
    (minus: IToken | undefined) =>
      this.OR({
        DEF: [
          {
            ALT: (): Expression => {
              const token = this.CONSUME(NumberText);
              return this.number(token, minus !== undefined, placeOf(minus ?? token));
            },
          },
          { ALT: (): Expression => this.SUBRULE(this.wordLiteral) },
          { ALT: (): Expression => this.SUBRULE(this.#caseExpression) },
          { ALT: (): Expression => this.SUBRULE(this.#cast) },
          { GATE: () => this.ahead(keyword.ARRAY, LeftBracket), ALT: (): Expression => this.SUBRULE(this.#array) },
          { GATE: () => this.ahead(keyword.MAP, LeftParen), ALT: (): Expression => this.SUBRULE(this.#map) },
          { GATE: () => this.ahead(keyword.STRUCT, LeftParen), ALT: (): Expression => this.SUBRULE(this.#struct) },
          { ALT: (): Expression => this.SUBRULE(this.columnOrCall) },
          {
            ALT: (): Expression => {
              this.CONSUME(LeftParen);
              const inner = this.SUBRULE(this.expression);
              this.CONSUME(RightParen);
              return inner;
            },
          },
        ],
        IGNORE_AMBIGUITIES: true,
        ERR_MSG: 'an expression',
      }),
  );

  readonly #caseExpression: ParserMethod<[], Expression> = this.RULE('caseExpression', () => {
    const start = this.start();
    this.CONSUME(keyword.CASE);
    const operand = this.OPTION(() => this.SUBRULE(this.expression));
    const branches: CaseBranch[] = [];
    this.AT_LEAST_ONE({
      DEF: () => {
        this.CONSUME(keyword.WHEN);
        const when = this.SUBRULE1(this.expression);
        this.CONSUME(keyword.THEN);
        branches.push({ when, then: this.SUBRULE2(this.expression) });
      },
      ERR_MSG: 'WHEN',
    });
    const otherwise = this.OPTION1(() => {
      this.CONSUME(keyword.ELSE);
      return this.SUBRULE3(this.expression);
    });
    this.CONSUME(keyword.END);
    return this.ACTION((): Expression => {
      const at = this.since(start);
      return operand === undefined
        ? { kind: 'case', branches, otherwise, at }
        : { kind: 'simple-case', operand, branches, otherwise, at };
    });
  });

  readonly #cast: ParserMethod<[], Expression> = this.RULE('cast', () => {
    const start = this.start();
    this.CONSUME(keyword.CAST);
    this.CONSUME(LeftParen);
    const operand = this.SUBRULE(this.expression);
    this.CONSUME(keyword.AS);
    const type = this.SUBRULE(this.type);
    this.CONSUME(RightParen);
    return this.ACTION((): Expression => ({ kind: 'cast', operand, type, at: this.since(start) }));
  });

  readonly #array: ParserMethod<[], Expression> = this.RULE('array', () => {
    const start = this.start();
    const elements: Expression[] = [];
    this.CONSUME(keyword.ARRAY);
    this.CONSUME(LeftBracket);
    this.MANY_SEP({ SEP: Comma, DEF: () => elements.push(this.SUBRULE(this.expression)) });
    this.CONSUME(RightBracket);
    return this.ACTION((): Expression => ({ kind: 'array', elements, at: this.since(start) }));
  });

  readonly #map: ParserMethod<[], Expression> = this.RULE('map', () => {
    const start = this.start();
    const entries: MapEntry[] = [];
    this.CONSUME(keyword.MAP);
    this.CONSUME(LeftParen);
    this.MANY_SEP({
      SEP: Comma,
      DEF: () => {
        const key = this.SUBRULE(this.expression);
        this.CONSUME(Assign);
        entries.push({ key, value: this.SUBRULE1(this.expression) });
      },
    });
    this.CONSUME(RightParen);
    return this.ACTION((): Expression => ({ kind: 'map', entries, at: this.since(start) }));
  });

  readonly #struct: ParserMethod<[], Expression> = this.RULE('struct', () => {
    const start = this.start();
    const fields: StructEntry[] = [];
    this.CONSUME(keyword.STRUCT);
    this.CONSUME(LeftParen);
    this.MANY_SEP({
      SEP: Comma,
      DEF: () => {
        const name = this.SUBRULE(this.identifier);
        this.CONSUME(Assign);
        const value = this.SUBRULE(this.expression);
        this.ACTION(() => fields.push({ name: name.name, value, at: name.at }));
      },
    });
    this.CONSUME(RightParen);
    return this.ACTION((): Expression => ({ kind: 'struct', fields, at: this.since(start) }));
  });
}
