/** CREATE STREAM and CREATE TABLE, over a topic or by a query, CREATE TYPE and CREATE CONNECTOR: the trees, the
 *  grammar, and the way back to text. */

import type { IToken, ParserMethod } from 'chevrotain';
import { UserError } from '../../../base/index.ts';
import type { Identifier, Literal, Position, Property, Query, SourceKind, TypeNode } from '../ast.ts';
import { QueryGrammar } from '../grammar/queries.ts';
import { printName, printProperties, printQuery, printString, printType, words } from '../print.ts';
import { Comma, Equal, keyword, LeftParen, Name, nameOf, placeOf, RightParen, StringText, unquote } from '../tokens.ts';
import type { UnsupportedForms } from './unsupported.ts';

/** What stands behind a column's type in CREATE. A plain column has the constraint `none`. */
export type ColumnConstraint =
  | { readonly kind: 'none' }
  | { readonly kind: 'key' }
  | { readonly kind: 'primary-key' }
  | { readonly kind: 'headers' }
  | { readonly kind: 'header'; readonly key: string };

export interface ColumnElement {
  readonly name: string;
  readonly type: TypeNode;
  readonly constraint: ColumnConstraint;
  readonly at: Position;
}

/** `CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name [(elements)] [WITH (…)]`. */
export interface CreateSource {
  readonly kind: 'create-source';
  readonly sourceKind: SourceKind;
  readonly orReplace: boolean;
  /** The word SOURCE: read only. */
  readonly readOnly: boolean;
  readonly ifNotExists: boolean;
  readonly name: Identifier;
  /** Empty where the parentheses are left out. */
  readonly elements: readonly ColumnElement[];
  readonly properties: readonly Property[];
  readonly at: Position;
}

/** `CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name [WITH (…)] AS query`. */
export interface CreateAs {
  readonly kind: 'create-as';
  readonly sourceKind: SourceKind;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly name: Identifier;
  readonly properties: readonly Property[];
  readonly query: Query;
  readonly at: Position;
}

/** `CREATE TYPE [IF NOT EXISTS] name AS type`. */
export interface CreateType {
  readonly kind: 'create-type';
  readonly ifNotExists: boolean;
  readonly name: Identifier;
  readonly type: TypeNode;
  readonly at: Position;
}

/** `CREATE SOURCE|SINK CONNECTOR [IF NOT EXISTS] name WITH (…)`. */
export interface CreateConnector {
  readonly kind: 'create-connector';
  readonly direction: 'source' | 'sink';
  readonly ifNotExists: boolean;
  readonly name: Identifier;
  readonly properties: readonly Property[];
  readonly at: Position;
}

export type CreateStatement = CreateSource | CreateAs | CreateType | CreateConnector;

/** What these statements begin with, for the error where no statement is found. */
export const createWords = ['CREATE'] as const;

/** Forms of this family that are not supported. */
export const createUnsupported: UnsupportedForms = [
  ['CREATE VIEW', 'CREATE TABLE … AS SELECT keeps the result of a query up to date.'],
  ['CREATE MATERIALIZED VIEW', 'CREATE TABLE … AS SELECT keeps the result of a query up to date.'],
  ['CREATE INDEX'],
  ['CREATE DATABASE'],
  ['CREATE SCHEMA'],
  ['CREATE FUNCTION'],
];

export abstract class CreateGrammar extends QueryGrammar {
  protected readonly createStatement: ParserMethod<[], CreateStatement> = this.RULE('createStatement', () =>
    this.OR({
      DEF: [
        {
          GATE: () => this.ahead(keyword.CREATE, keyword.TYPE),
          ALT: (): CreateStatement => this.SUBRULE(this.#createType),
        },
        {
          GATE: () =>
            this.ahead(keyword.CREATE, keyword.SINK) || this.ahead(keyword.CREATE, keyword.SOURCE, keyword.CONNECTOR),
          ALT: (): CreateStatement => this.SUBRULE(this.#createConnector),
        },
        { ALT: (): CreateStatement => this.SUBRULE(this.#createSource) },
      ],
      IGNORE_AMBIGUITIES: true,
    }),
  );

  readonly #createType: ParserMethod<[], CreateType> = this.RULE('createType', (): CreateType => {
    const start = this.start();
    this.CONSUME(keyword.CREATE);
    this.CONSUME(keyword.TYPE);
    const ifNotExists = this.SUBRULE(this.#ifNotExists);
    const name = this.SUBRULE(this.identifier);
    this.CONSUME(keyword.AS);
    const type = this.SUBRULE(this.type);
    return { kind: 'create-type', ifNotExists, name, type, at: this.since(start) };
  });

  readonly #createConnector: ParserMethod<[], CreateConnector> = this.RULE('createConnector', (): CreateConnector => {
    const start = this.start();
    this.CONSUME(keyword.CREATE);
    const direction = this.SUBRULE(this.connectorDirection);
    this.CONSUME(keyword.CONNECTOR);
    const ifNotExists = this.SUBRULE(this.#ifNotExists);
    const name = this.SUBRULE(this.identifier);
    const properties = this.SUBRULE(this.properties);
    return { kind: 'create-connector', direction, ifNotExists, name, properties, at: this.since(start) };
  });

  protected readonly connectorDirection: ParserMethod<[], 'source' | 'sink'> = this.RULE('connectorDirection', () =>
    this.OR([
      {
        ALT: (): 'source' | 'sink' => {
          this.CONSUME(keyword.SOURCE);
          return 'source';
        },
      },
      {
        ALT: (): 'source' | 'sink' => {
          this.CONSUME(keyword.SINK);
          return 'sink';
        },
      },
    ]),
  );

  /** A stream or table may be called IF. */
  readonly #ifNotExists: ParserMethod<[], boolean> = this.RULE(
    'ifNotExists',
    () =>
      this.OPTION({
        GATE: () => this.ahead(keyword.IF, keyword.NOT),
        DEF: () => {
          this.CONSUME(keyword.IF);
          this.CONSUME(keyword.NOT);
          this.CONSUME(keyword.EXISTS);
          return true;
        },
      }) ?? false,
  );

  readonly #createSource: ParserMethod<[], CreateSource | CreateAs> = this.RULE(
    'createSource',
    (): CreateSource | CreateAs => {
      const start = this.start();
      this.CONSUME(keyword.CREATE);
      const orReplace = this.OPTION(() => {
        this.CONSUME(keyword.OR);
        this.CONSUME(keyword.REPLACE);
        return true;
      });
      const source = this.OPTION1(() => this.CONSUME(keyword.SOURCE));
      const sourceKind = this.SUBRULE(this.sourceKind);
      const ifNotExists = this.SUBRULE(this.#ifNotExists);
      const name = this.SUBRULE(this.identifier);
      const elements = this.OPTION2(() => this.SUBRULE(this.#elements));
      const properties = this.OPTION3(() => this.SUBRULE(this.properties));
      const query = this.OPTION4(() => {
        this.CONSUME(keyword.AS);
        return this.SUBRULE(this.query);
      });
      return this.ACTION((): CreateSource | CreateAs => {
        const common = {
          sourceKind,
          orReplace: orReplace ?? false,
          ifNotExists,
          name,
          properties: properties ?? [],
          at: this.since(start),
        };
        if (query === undefined) {
          return { kind: 'create-source', ...common, readOnly: source !== undefined, elements: elements ?? [] };
        }
        refuseWithQuery(sourceKind, source, elements);
        return { kind: 'create-as', ...common, query };
      });
    },
  );

  protected readonly sourceKind: ParserMethod<[], SourceKind> = this.RULE('sourceKind', () =>
    this.OR([
      {
        ALT: (): SourceKind => {
          this.CONSUME(keyword.STREAM);
          return 'stream';
        },
      },
      {
        ALT: (): SourceKind => {
          this.CONSUME(keyword.TABLE);
          return 'table';
        },
      },
    ]),
  );

  readonly #elements: ParserMethod<[], readonly ColumnElement[]> = this.RULE('elements', () => {
    const elements: ColumnElement[] = [];
    this.CONSUME(LeftParen);
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => elements.push(this.SUBRULE(this.#element)),
      ERR_MSG: 'a column (a name and a type)',
    });
    this.CONSUME(RightParen);
    return elements;
  });

  readonly #element: ParserMethod<[], ColumnElement> = this.RULE('element', () => {
    const name = this.SUBRULE(this.identifier);
    const type = this.SUBRULE(this.type);
    const constraint = this.OPTION(() =>
      this.OR([
        {
          ALT: (): ColumnConstraint => {
            this.CONSUME(keyword.KEY);
            return { kind: 'key' };
          },
        },
        {
          ALT: (): ColumnConstraint => {
            this.CONSUME(keyword.PRIMARY);
            this.CONSUME1(keyword.KEY);
            return { kind: 'primary-key' };
          },
        },
        {
          ALT: (): ColumnConstraint => {
            this.CONSUME(keyword.HEADERS);
            return { kind: 'headers' };
          },
        },
        {
          ALT: (): ColumnConstraint => {
            this.CONSUME(keyword.HEADER);
            this.CONSUME(LeftParen);
            const key = this.CONSUME(StringText);
            this.CONSUME(RightParen);
            return { kind: 'header', key: unquote(key.image) };
          },
        },
      ]),
    );
    return this.ACTION(
      (): ColumnElement => ({
        name: name.name,
        type,
        constraint: constraint ?? { kind: 'none' },
        at: this.since(name.at),
      }),
    );
  });

  protected readonly properties: ParserMethod<[], readonly Property[]> = this.RULE('properties', () => {
    const properties: Property[] = [];
    this.CONSUME(keyword.WITH);
    this.CONSUME(LeftParen);
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => properties.push(this.SUBRULE(this.#property)),
      ERR_MSG: "a property (NAME = 'value')",
    });
    this.CONSUME(RightParen);
    return properties;
  });

  readonly #property: ParserMethod<[], Property> = this.RULE('property', () => {
    const name = this.OR([{ ALT: (): IToken => this.CONSUME(Name) }, { ALT: (): IToken => this.CONSUME(StringText) }]);
    this.CONSUME(Equal);
    const value: Literal = this.SUBRULE(this.literal);
    return this.ACTION((): Property => {
      const text = name.tokenType === StringText ? unquote(name.image) : nameOf(name);
      return { name: text.toUpperCase(), value, at: placeOf(name) };
    });
  });
}

/** A source made by a query takes its columns from there, and is written to. */
function refuseWithQuery(
  sourceKind: SourceKind,
  source: IToken | undefined,
  elements: readonly ColumnElement[] | undefined,
): void {
  const what = `CREATE ${sourceKind.toUpperCase()} … AS SELECT`;
  if (source !== undefined) {
    throw new UserError('SQL_SYNTAX', `SOURCE cannot stand in ${what}: what a query writes is not read only`, {
      at: placeOf(source),
      hint: 'Leave the word SOURCE out.',
    });
  }
  if (elements?.[0] !== undefined) {
    throw new UserError('SQL_SYNTAX', `${what} takes its columns from the query and has no list of its own`, {
      at: elements[0].at,
      hint: 'Leave the list out, and name columns by aliases in SELECT.',
    });
  }
}

function printElement({ name, type, constraint }: ColumnElement): string {
  const column = `${printName(name)} ${printType(type)}`;
  switch (constraint.kind) {
    case 'none':
      return column;
    case 'key':
      return `${column} KEY`;
    case 'primary-key':
      return `${column} PRIMARY KEY`;
    case 'headers':
      return `${column} HEADERS`;
    case 'header':
      return `${column} HEADER(${printString(constraint.key)})`;
  }
}

export const createPrinters = {
  'create-source': ({
    orReplace,
    readOnly,
    sourceKind,
    ifNotExists,
    name,
    elements,
    properties,
  }: CreateSource): string =>
    words(
      'CREATE',
      orReplace && 'OR REPLACE',
      readOnly && 'SOURCE',
      sourceKind.toUpperCase(),
      ifNotExists && 'IF NOT EXISTS',
      printName(name.name),
      elements.length > 0 && `(${elements.map(printElement).join(', ')})`,
      printProperties(properties),
    ),
  'create-as': ({ orReplace, sourceKind, ifNotExists, name, properties, query }: CreateAs): string =>
    words(
      'CREATE',
      orReplace && 'OR REPLACE',
      sourceKind.toUpperCase(),
      ifNotExists && 'IF NOT EXISTS',
      printName(name.name),
      printProperties(properties),
      `AS ${printQuery(query)}`,
    ),
  'create-type': ({ ifNotExists, name, type }: CreateType): string =>
    words('CREATE TYPE', ifNotExists && 'IF NOT EXISTS', printName(name.name), 'AS', printType(type)),
  'create-connector': ({ direction, ifNotExists, name, properties }: CreateConnector): string =>
    words(
      `CREATE ${direction.toUpperCase()} CONNECTOR`,
      ifNotExists && 'IF NOT EXISTS',
      printName(name.name),
      printProperties(properties),
    ),
};
