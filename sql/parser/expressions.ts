/**
 * The grammar of expressions and types; each rule builds its part of the tree in place.
 *
 * From loose to tight: OR, AND, NOT, one predicate (comparison, BETWEEN, IN, LIKE, IS …, which do not chain), `||`, `+
 * -`, `* / %`, signs, AT TIME ZONE, and last what is written right behind a value: `[i]`, `->field`.
 *
 * A rule costs several frames of the stack at each level of nesting, so there are few of them: operators of all levels
 * are read as one flat list and then put together by precedence. The depth is counted on the way in, and a
 * text that nests deeper than the limit gets its error before the stack is in danger.
 *
 * Chevrotain runs every rule once without input, to learn the grammar ("recording"). Tokens are dummies then and
 * what sub-rules return is nothing, so whatever looks into either stands inside `ACTION`, which is skipped.
 */

import { EmbeddedActionsParser, type IToken, type ParserMethod, type TokenType } from 'chevrotain';
import { type Position, UserError } from '../../base/index.ts';
import type {
  CaseBranch,
  ComparisonOperator as ComparisonSign,
  Duration,
  Expression,
  Identifier,
  Literal,
  MapEntry,
  StructEntry,
  StructTypeField,
  TypeNode,
} from './ast.ts';
import {
  combineArithmetic,
  combineLogical,
  decimalLiteral,
  escapeCharacter,
  numberLiteral,
  smallNumber,
  spanning,
  tooDeep,
} from './build.ts';
import type { Expectations } from './syntax-error.ts';
import {
  ArithmeticOperator,
  Arrow,
  Assign,
  Comma,
  ComparisonOperator,
  Dot,
  Greater,
  IntegerText,
  keyword,
  LambdaArrow,
  LeftBracket,
  LeftParen,
  Less,
  LogicalOperator,
  Minus,
  Name,
  NotEqual,
  NumberText,
  nameOf,
  placeOf,
  RightBracket,
  RightParen,
  SignOperator,
  Star,
  StringText,
  Unit,
  unitOf,
  unquote,
  vocabulary,
} from './tokens.ts';
import { baseTypes, limits } from './words.ts';

const isKind = (token: IToken, type: TokenType): boolean =>
  token.tokenType === type || (token.tokenType.CATEGORIES?.includes(type) ?? false);

export class ExpressionParser extends EmbeddedActionsParser {
  #depth = 0;

  constructor(expectations: Expectations) {
    super(vocabulary, {
      maxLookahead: 1,
      recoveryEnabled: false,
      errorMessageProvider: expectations,
      skipValidations: !expectations.checkGrammar,
    });
  }

  /** To be called when new input is set. */
  protected restart(): void {
    this.#depth = 0;
  }

  // ------------------------------------------------------------------------------------------------- small helpers

  /** The place of the token that comes next. */
  protected start(): Position {
    return placeOf(this.LA(1));
  }

  /** From a place to the end of the token read last. */
  protected since(start: Position): Position {
    return spanning(start, placeOf(this.LA(0)));
  }

  /** Whether the next tokens are of these types, in this order. */
  protected ahead(...types: readonly TokenType[]): boolean {
    return types.every((type, index) => isKind(this.LA(index + 1), type));
  }

  /** Runs a rule's body one level deeper. */
  protected deeper<T>(body: () => T): T {
    if (++this.#depth > limits.maxNesting) throw tooDeep(this.start(), limits.maxNesting);
    const result = body();
    this.#depth--;
    return result;
  }

  // -------------------------------------------------------------------------------------------------------- names

  readonly identifier: ParserMethod<[], Identifier> = this.RULE('identifier', () => {
    const token = this.CONSUME(Name);
    return { name: nameOf(token), at: placeOf(token) };
  });

  readonly duration: ParserMethod<[], Duration> = this.RULE('duration', () => {
    const amount = this.CONSUME(IntegerText);
    const unit = this.CONSUME(Unit);
    return this.ACTION(() => ({
      amount: smallNumber(amount),
      unit: unitOf(unit),
      at: this.since(placeOf(amount)),
    }));
  });

  // ----------------------------------------------------------------------------------------------------- literals

  /** A literal where only a literal may stand, such as the value of a property. */
  readonly literal: ParserMethod<[], Literal> = this.RULE('literal', () => {
    const start = this.start();
    return this.OR({
      DEF: [
        {
          ALT: () => {
            const negative = this.OPTION(() => this.CONSUME(Minus)) !== undefined;
            return this.#number(this.CONSUME(NumberText), negative, start);
          },
        },
        { ALT: () => this.SUBRULE(this.#wordLiteral) },
      ],
      ERR_MSG: 'a literal (a number, a string in single quotes, TRUE, FALSE or NULL)',
    });
  });

  readonly #wordLiteral: ParserMethod<[], Literal> = this.RULE('wordLiteral', () => {
    const start = this.start();
    return this.OR([
      {
        ALT: (): Literal => {
          const token = this.CONSUME(StringText);
          return { kind: 'string', value: unquote(token.image), at: start };
        },
      },
      {
        ALT: (): Literal => {
          this.CONSUME(keyword.TRUE);
          return { kind: 'boolean', value: true, at: start };
        },
      },
      {
        ALT: (): Literal => {
          this.CONSUME(keyword.FALSE);
          return { kind: 'boolean', value: false, at: start };
        },
      },
      {
        ALT: (): Literal => {
          this.CONSUME(keyword.NULL);
          return { kind: 'null', at: start };
        },
      },
      {
        ALT: (): Literal => {
          this.CONSUME(keyword.DECIMAL);
          const text = this.CONSUME1(StringText);
          return this.ACTION(() => decimalLiteral(text, this.since(start)));
        },
      },
    ]);
  });

  #number(token: IToken, negative: boolean, start: Position): Literal {
    return this.ACTION(() => numberLiteral(token, negative, this.since(start)));
  }

  // -------------------------------------------------------------------------------------------------- expressions

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
      let result = this.SUBRULE(this.#primary, { ARGS: [minus] });
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

  readonly #primary: ParserMethod<[IToken | undefined], Expression> = this.RULE(
    'primary',
    (minus: IToken | undefined) =>
      this.OR({
        DEF: [
          {
            ALT: (): Expression => {
              const token = this.CONSUME(NumberText);
              return this.#number(token, minus !== undefined, placeOf(minus ?? token));
            },
          },
          { ALT: (): Expression => this.SUBRULE(this.#wordLiteral) },
          { ALT: (): Expression => this.SUBRULE(this.#caseExpression) },
          { ALT: (): Expression => this.SUBRULE(this.#cast) },
          { GATE: () => this.ahead(keyword.ARRAY, LeftBracket), ALT: (): Expression => this.SUBRULE(this.#array) },
          { GATE: () => this.ahead(keyword.MAP, LeftParen), ALT: (): Expression => this.SUBRULE(this.#map) },
          { GATE: () => this.ahead(keyword.STRUCT, LeftParen), ALT: (): Expression => this.SUBRULE(this.#struct) },
          { ALT: (): Expression => this.SUBRULE(this.#columnOrCall) },
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

  readonly #columnOrCall: ParserMethod<[], Expression> = this.RULE('columnOrCall', () => {
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

  // -------------------------------------------------------------------------------------------------------- types

  readonly type: ParserMethod<[], TypeNode> = this.RULE('type', () =>
    this.deeper(() => {
      let result = this.SUBRULE(this.#elementType);
      this.MANY(() => {
        const element = result;
        this.CONSUME(keyword.ARRAY);
        result = this.ACTION(() => ({ kind: 'array-type', element, at: this.since(element.at) }));
      });
      return result;
    }),
  );

  readonly #elementType: ParserMethod<[], TypeNode> = this.RULE('elementType', () => {
    const start = this.start();
    return this.OR({
      DEF: [
        {
          ALT: (): TypeNode => {
            this.CONSUME(keyword.DECIMAL);
            this.CONSUME(LeftParen);
            const precision = this.CONSUME(IntegerText);
            this.CONSUME(Comma);
            const scale = this.CONSUME1(IntegerText);
            this.CONSUME(RightParen);
            return this.ACTION(() => ({
              kind: 'decimal-type',
              precision: smallNumber(precision),
              scale: smallNumber(scale),
              at: this.since(start),
            }));
          },
        },
        {
          GATE: () => this.ahead(keyword.ARRAY, Less),
          ALT: (): TypeNode => {
            this.CONSUME(keyword.ARRAY);
            this.CONSUME(Less);
            const element = this.SUBRULE(this.type);
            this.CONSUME(Greater);
            return this.ACTION(() => ({ kind: 'array-type', element, at: this.since(start) }));
          },
        },
        {
          GATE: () => this.ahead(keyword.MAP, Less),
          ALT: (): TypeNode => {
            this.CONSUME(keyword.MAP);
            this.CONSUME1(Less);
            const key = this.SUBRULE1(this.type);
            this.CONSUME1(Comma);
            const value = this.SUBRULE2(this.type);
            this.CONSUME1(Greater);
            return this.ACTION(() => ({ kind: 'map-type', key, value, at: this.since(start) }));
          },
        },
        {
          GATE: () => this.ahead(keyword.STRUCT, Less) || this.ahead(keyword.STRUCT, NotEqual),
          ALT: (): TypeNode => this.SUBRULE(this.#structType),
        },
        { ALT: (): TypeNode => this.SUBRULE(this.#namedType) },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'a type',
    });
  });

  readonly #structType: ParserMethod<[], TypeNode> = this.RULE('structType', () => {
    const start = this.start();
    const fields: StructTypeField[] = [];
    this.CONSUME(keyword.STRUCT);
    this.OR([
      // STRUCT<> without fields: the two brackets are one token.
      { ALT: () => this.CONSUME(NotEqual) },
      {
        ALT: () => {
          this.CONSUME(Less);
          this.MANY_SEP({
            SEP: Comma,
            DEF: () => {
              const name = this.SUBRULE(this.identifier);
              const type = this.SUBRULE(this.type);
              this.ACTION(() => fields.push({ name: name.name, type, at: name.at }));
            },
          });
          return this.CONSUME(Greater);
        },
      },
    ]);
    return this.ACTION((): TypeNode => ({ kind: 'struct-type', fields, at: this.since(start) }));
  });

  /** A type that is one word. A built-in one may have a length, as in VARCHAR(20), which means nothing. */
  readonly #namedType: ParserMethod<[], TypeNode> = this.RULE('namedType', () => {
    const start = this.start();
    const token = this.CONSUME(Name);
    this.OPTION({
      GATE: () => baseTypes.has(token.image.toUpperCase()),
      DEF: () => {
        this.CONSUME(LeftParen);
        this.OR([{ ALT: () => this.CONSUME(IntegerText) }, { ALT: () => this.CONSUME(keyword.STRING) }]);
        this.CONSUME(RightParen);
      },
    });
    return this.ACTION((): TypeNode => {
      const name = baseTypes.get(token.image.toUpperCase());
      const at = this.since(start);
      return name === undefined ? { kind: 'named-type', name: nameOf(token), at } : { kind: 'base-type', name, at };
    });
  });
}
