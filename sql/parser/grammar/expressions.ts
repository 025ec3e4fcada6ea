/**
 * The grammar of expressions.
 *
 * From loose to tight: OR, AND, NOT, one predicate (comparison, BETWEEN, IN, LIKE, IS …, which do not chain), `||`, `+
 * -`, `* / %`, signs, AT TIME ZONE, and last what is written right behind a value: `[i]`, `->field`.
 *
 * A rule costs several frames of the stack at each level of nesting, so there are few of them: operators of all levels
 * are read as one flat list and then put together by precedence. The depth is counted on the way in, and a
 * text that nests deeper than the limit gets its error before the stack is in danger.
 */

import type { IToken, ParserMethod } from 'chevrotain';
import type { Position } from '../../../base/index.ts';
import type { ComparisonOperator as ComparisonSign, Expression } from '../ast.ts';
import { combineArithmetic, combineLogical, escapeCharacter, spanning } from '../build.ts';
import {
  ArithmeticOperator,
  Arrow,
  Comma,
  ComparisonOperator,
  keyword,
  LeftBracket,
  LeftParen,
  LogicalOperator,
  Minus,
  NumberText,
  placeOf,
  RightBracket,
  RightParen,
  SignOperator,
  Star,
  StringText,
  unquote,
} from '../tokens.ts';
import { isKind } from './base.ts';
import { PrimaryGrammar } from './primaries.ts';

export class ExpressionGrammar extends PrimaryGrammar {
  readonly expression: ParserMethod<[], Expression> = this.RULE('expression', () =>
    this.deeper(() => {
      const terms: Expression[] = [this.SUBRULE(this.#negation)];
      const operators: IToken[] = [];
      this.MANY(() => {
        operators.push(this.CONSUME(LogicalOperator));
        terms.push(this.SUBRULE1(this.#negation));
      });
      return this.ACTION(() => combineLogical(terms, operators));
    }),
  );

  readonly #negation: ParserMethod<[], Expression> = this.RULE('negation', () => {
    const negations: Position[] = [];
    this.MANY(() => {
      negations.push(placeOf(this.CONSUME(keyword.NOT)));
    });
    let result = this.SUBRULE(this.#predicate);
    this.ACTION(() => {
      for (const at of negations.reverse()) result = { kind: 'not', operand: result, at: spanning(at, result.at) };
    });
    return result;
  });

  readonly #predicate: ParserMethod<[], Expression> = this.RULE('predicate', () => {
    const operand = this.SUBRULE(this.value);
    return (
      this.OPTION(() =>
        this.OR([
          {
            ALT: () => {
              const operator = this.CONSUME(ComparisonOperator);
              const right = this.SUBRULE1(this.value);
              return this.ACTION(
                (): Expression => ({
                  kind: 'comparison',
                  operator: (operator.image === '!=' ? '<>' : operator.image) as ComparisonSign,
                  left: operand,
                  right,
                  at: this.since(operand.at),
                }),
              );
            },
          },
          { ALT: () => this.SUBRULE(this.#isPredicate, { ARGS: [operand] }) },
          { ALT: () => this.SUBRULE(this.#wordPredicate, { ARGS: [operand] }) },
        ]),
      ) ?? operand
    );
  });

  readonly #isPredicate: ParserMethod<[Expression], Expression> = this.RULE('isPredicate', (operand: Expression) => {
    this.CONSUME(keyword.IS);
    const negated = this.OPTION(() => this.CONSUME(keyword.NOT)) !== undefined;
    return this.OR([
      {
        ALT: (): Expression => {
          this.CONSUME(keyword.NULL);
          return this.ACTION(() => ({ kind: 'is-null', negated, operand, at: this.since(operand.at) }));
        },
      },
      {
        ALT: (): Expression => {
          this.CONSUME(keyword.DISTINCT);
          this.CONSUME(keyword.FROM);
          const right = this.SUBRULE(this.value);
          return this.ACTION(() => ({
            kind: 'distinct-from',
            negated,
            left: operand,
            right,
            at: this.since(operand.at),
          }));
        },
      },
    ]);
  });

  /** BETWEEN, IN and LIKE, each with or without NOT. */
  readonly #wordPredicate: ParserMethod<[Expression], Expression> = this.RULE(
    'wordPredicate',
    (operand: Expression) => {
      const negated = this.OPTION(() => this.CONSUME(keyword.NOT)) !== undefined;
      return this.OR([
        {
          ALT: (): Expression => {
            this.CONSUME(keyword.BETWEEN);
            const low = this.SUBRULE(this.value);
            this.CONSUME(keyword.AND);
            const high = this.SUBRULE1(this.value);
            return this.ACTION(() => ({ kind: 'between', negated, operand, low, high, at: this.since(operand.at) }));
          },
        },
        {
          ALT: (): Expression => {
            this.CONSUME(keyword.IN);
            this.CONSUME(LeftParen);
            const values: Expression[] = [];
            this.AT_LEAST_ONE_SEP({
              SEP: Comma,
              DEF: () => values.push(this.SUBRULE(this.expression)),
              ERR_MSG: 'an expression',
            });
            this.CONSUME(RightParen);
            return this.ACTION(() => ({ kind: 'in', negated, operand, values, at: this.since(operand.at) }));
          },
        },
        {
          ALT: (): Expression => {
            this.CONSUME(keyword.LIKE);
            const pattern = this.SUBRULE2(this.value);
            const escape = this.OPTION1({
              GATE: () => this.ahead(keyword.ESCAPE, StringText),
              DEF: () => {
                this.CONSUME(keyword.ESCAPE);
                return this.CONSUME(StringText);
              },
            });
            return this.ACTION(() => ({
              kind: 'like',
              negated,
              operand,
              pattern,
              escape: escape && escapeCharacter(escape),
              at: this.since(operand.at),
            }));
          },
        },
      ]);
    },
  );

  /** Operands with signs, and the operators between them. */
  readonly value: ParserMethod<[], Expression> = this.RULE('value', () => {
    const operands: Expression[] = [this.SUBRULE(this.#signed)];
    const operators: IToken[] = [];
    this.MANY(() => {
      operators.push(this.CONSUME(ArithmeticOperator));
      operands.push(this.SUBRULE1(this.#signed));
    });
    return this.ACTION(() => combineArithmetic(operands, operators));
  });

  /** A minus straight before the digits of a number belongs to the number. */
  readonly #signed: ParserMethod<[], Expression> = this.RULE('signed', () => {
    const signs: IToken[] = [];
    this.MANY(() => {
      signs.push(this.CONSUME(SignOperator));
    });
    const negative = this.ACTION(() => signs.at(-1)?.tokenType === Minus && isKind(this.LA(1), NumberText));
    const sign = this.ACTION(() => (negative ? signs.pop() : undefined));
    let result = this.SUBRULE(this.#postfixed, { ARGS: [sign] });
    this.ACTION(() => {
      for (const token of signs.reverse()) {
        const at = spanning(placeOf(token), result.at);
        result = { kind: 'sign', operator: token.tokenType === Minus ? '-' : '+', operand: result, at };
      }
    });
    return result;
  });

  /** A value and what is written right behind it. */
  readonly #postfixed: ParserMethod<[IToken | undefined], Expression> = this.RULE(
    'postfixed',
    (minus: IToken | undefined) => {
      let result = this.SUBRULE(this.primary, { ARGS: [minus] });
      this.MANY({
        GATE: () => !this.ahead(Arrow, Star),
        DEF: () => {
          result = this.OR([
            {
              ALT: (): Expression => {
                const base = result;
                this.CONSUME(LeftBracket);
                const index = this.SUBRULE(this.expression);
                this.CONSUME(RightBracket);
                return this.ACTION(() => ({ kind: 'subscript', base, index, at: this.since(base.at) }));
              },
            },
            {
              ALT: (): Expression => {
                const base = result;
                this.CONSUME(Arrow);
                const field = this.SUBRULE(this.identifier);
                return this.ACTION(() => ({ kind: 'field', base, name: field.name, at: this.since(base.at) }));
              },
            },
            {
              ALT: (): Expression => {
                const operand = result;
                this.CONSUME(keyword.AT);
                this.CONSUME(keyword.TIME);
                this.CONSUME(keyword.ZONE);
                const zone = this.CONSUME(StringText);
                return this.ACTION(() => ({
                  kind: 'at-time-zone',
                  operand,
                  zone: unquote(zone.image),
                  at: this.since(operand.at),
                }));
              },
            },
          ]);
        },
      });
      return result;
    },
  );
}
