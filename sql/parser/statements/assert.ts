/** ASSERT TOPIC and ASSERT SCHEMA: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Duration, Identifier, Literal, Position, Property } from '../ast.ts';
import { printDuration, printLiteral, printProperties, printResource, words } from '../print.ts';
import { keyword } from '../tokens.ts';
import { PrintGrammar } from './print.ts';

/** `ASSERT [NOT EXISTS] TOPIC name [WITH (…)] [TIMEOUT n unit]`. */
export interface AssertTopic {
  readonly kind: 'assert-topic';
  /** False: NOT EXISTS. */
  readonly exists: boolean;
  readonly topic: Identifier;
  readonly properties: readonly Property[];
  readonly timeout?: Duration | undefined;
  readonly at: Position;
}

/** `ASSERT [NOT EXISTS] SCHEMA [SUBJECT name] [ID n] [TIMEOUT n unit]`. */
export interface AssertSchema {
  readonly kind: 'assert-schema';
  /** False: NOT EXISTS. */
  readonly exists: boolean;
  readonly subject?: Identifier | undefined;
  readonly id?: Literal | undefined;
  readonly timeout?: Duration | undefined;
  readonly at: Position;
}

export type AssertStatement = AssertTopic | AssertSchema;

/** What these statements begin with, for the error where no statement is found. */
export const assertWords = ['ASSERT'] as const;

export abstract class AssertGrammar extends PrintGrammar {
  protected readonly assertStatement: ParserMethod<[], AssertStatement> = this.RULE(
    'assertStatement',
    (): AssertStatement => {
      const start = this.start();
      this.CONSUME(keyword.ASSERT);
      const exists =
        this.OPTION(() => {
          this.CONSUME(keyword.NOT);
          this.CONSUME(keyword.EXISTS);
          return false;
        }) ?? true;
      return this.OR([
        {
          ALT: (): AssertStatement => {
            this.CONSUME(keyword.TOPIC);
            const topic = this.SUBRULE(this.resource);
            const properties = this.OPTION1(() => this.SUBRULE(this.properties)) ?? [];
            const timeout = this.SUBRULE(this.#timeout);
            return { kind: 'assert-topic', exists, topic, properties, timeout, at: this.since(start) };
          },
        },
        {
          ALT: (): AssertStatement => {
            this.CONSUME(keyword.SCHEMA);
            const subject = this.OPTION2(() => {
              this.CONSUME(keyword.SUBJECT);
              return this.SUBRULE1(this.resource);
            });
            const id = this.OPTION3(() => {
              this.CONSUME(keyword.ID);
              return this.SUBRULE(this.literal);
            });
            const timeout = this.SUBRULE1(this.#timeout);
            return { kind: 'assert-schema', exists, subject, id, timeout, at: this.since(start) };
          },
        },
      ]);
    },
  );

  readonly #timeout: ParserMethod<[], Duration | undefined> = this.RULE('timeout', () =>
    this.OPTION(() => {
      this.CONSUME(keyword.TIMEOUT);
      return this.SUBRULE(this.duration);
    }),
  );
}

const printTimeout = (timeout: Duration | undefined): string | undefined =>
  timeout && `TIMEOUT ${printDuration(timeout)}`;

export const assertPrinters = {
  'assert-topic': ({ exists, topic, properties, timeout }: AssertTopic): string =>
    words(
      'ASSERT',
      !exists && 'NOT EXISTS',
      `TOPIC ${printResource(topic.name)}`,
      printProperties(properties),
      printTimeout(timeout),
    ),
  'assert-schema': ({ exists, subject, id, timeout }: AssertSchema): string =>
    words(
      'ASSERT',
      !exists && 'NOT EXISTS',
      'SCHEMA',
      subject && `SUBJECT ${printResource(subject.name)}`,
      id && `ID ${printLiteral(id)}`,
      printTimeout(timeout),
    ),
};
