/**
 * What all levels of the grammar share: the setup of the parser, places and looking ahead, the limit of nesting, and
 * the smallest rules, names and literals.
 *
 * The grammar is one chevrotain parser, written as a chain of classes, each with the rules of one idea: `Grammar`,
 * `TypeGrammar`, `CallGrammar`, `PrimaryGrammar`, `ExpressionGrammar`, `QueryGrammar`, and one for each family of
 * statements (`../statements/`), up to `StatementGrammar`. A rule builds its part of the tree in place. A class that
 * needs a rule of a class further up the chain declares it abstract.
 *
 * Chevrotain runs every rule once without input, to learn the grammar ("recording"). Tokens are dummies then and
 * sub-rules return nothing, so code that reads either stands inside `ACTION`, which is skipped.
 */

import { EmbeddedActionsParser, type IToken, type ParserMethod, type TokenType } from 'chevrotain';
import type { Position } from '../../../base/index.ts';
import type { Duration, Identifier, Literal } from '../ast.ts';
import { decimalLiteral, numberLiteral, smallNumber, spanning, tooDeep } from '../build.ts';
import { isBound } from '../parameters.ts';
import type { Expectations } from '../syntax-error.ts';
import {
  IntegerText,
  keyword,
  Minus,
  Name,
  NumberText,
  nameOf,
  placeOf,
  QuotedName,
  StringText,
  Unit,
  unitOf,
  unquote,
  vocabulary,
} from '../tokens.ts';
import { limits } from '../words.ts';

export const isKind = (token: IToken, type: TokenType): boolean =>
  token.tokenType === type || (token.tokenType.CATEGORIES?.includes(type) ?? false);

export class Grammar extends EmbeddedActionsParser {
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

  readonly identifier: ParserMethod<[], Identifier> = this.RULE('identifier', () => {
    const token = this.CONSUME(Name);
    return { name: nameOf(token), at: placeOf(token) };
  });

  /** The name of a topic or of a subject: in single quotes, or a name, which counts as it is written. */
  protected readonly resource: ParserMethod<[], Identifier> = this.RULE('resource', () =>
    this.OR({
      DEF: [
        {
          ALT: (): Identifier => {
            const token = this.CONSUME(StringText);
            return { name: unquote(token.image), at: placeOf(token) };
          },
        },
        {
          ALT: (): Identifier => {
            const token = this.CONSUME(Name);
            const name = token.tokenType === QuotedName ? unquote(token.image) : token.image;
            return { name, at: placeOf(token) };
          },
        },
      ],
      ERR_MSG: 'a name, or a text in single quotes',
    }),
  );

  readonly duration: ParserMethod<[], Duration> = this.RULE('duration', () => {
    const amount = this.CONSUME(IntegerText);
    const unit = this.CONSUME(Unit);
    return this.ACTION(() => ({
      amount: smallNumber(amount),
      unit: unitOf(unit),
      at: this.since(placeOf(amount)),
    }));
  });

  /** A literal where only a literal may stand, such as the value of a property. */
  readonly literal: ParserMethod<[], Literal> = this.RULE('literal', () => {
    const start = this.start();
    return this.OR({
      DEF: [
        {
          ALT: () => {
            const negative = this.OPTION(() => this.CONSUME(Minus)) !== undefined;
            return this.number(this.CONSUME(NumberText), negative, start);
          },
        },
        { ALT: () => this.SUBRULE(this.wordLiteral) },
      ],
      ERR_MSG: 'a literal (a number, a string in single quotes, TRUE, FALSE or NULL)',
    });
  });

  protected readonly wordLiteral: ParserMethod<[], Literal> = this.RULE('wordLiteral', () => {
    const start = this.start();
    return this.OR([
      {
        ALT: (): Literal => {
          const token = this.CONSUME(StringText);
          return { kind: 'string', value: unquote(token.image), ...(isBound(token) && { bound: true }), at: start };
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

  /** The literal of a number; a sign before it is part of it. */
  protected number(token: IToken, negative: boolean, start: Position): Literal {
    return this.ACTION(() => numberLiteral(token, negative, this.since(start)));
  }
}
