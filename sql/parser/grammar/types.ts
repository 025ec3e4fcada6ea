/** The grammar of types: `BIGINT`, `DECIMAL(4, 2)`, `ARRAY<type>`, `MAP<type, type>`, `STRUCT<name type, …>`, and names
 *  of custom types. */

import type { ParserMethod } from 'chevrotain';
import type { StructTypeField, TypeNode } from '../ast.ts';
import { smallNumber } from '../build.ts';
import {
  Comma,
  Greater,
  IntegerText,
  keyword,
  LeftParen,
  Less,
  Name,
  NotEqual,
  nameOf,
  RightParen,
} from '../tokens.ts';
import { baseTypes } from '../words.ts';
import { Grammar } from './base.ts';

export class TypeGrammar extends Grammar {
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

  /** A type that is one word. A built-in one may have a length, as in VARCHAR(20), which has no effect. */
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
