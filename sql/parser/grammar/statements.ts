/**
 * The grammar of statements, above that of queries.
 *
 * Forms of the dialect that are not there yet are known by their first words, so that their error says so instead of
 * pointing at a word that "was not expected".
 */

import { EOF, type IToken, type ParserMethod } from 'chevrotain';
import { type Position, UserError } from '../../../base/index.ts';
import type {
  ColumnConstraint,
  ColumnElement,
  ExplainTarget,
  Expression,
  Identifier,
  Literal,
  Property,
  Query,
  SourceKind,
  Statement,
} from '../ast.ts';
import {
  Comma,
  Equal,
  keyword,
  LeftParen,
  Name,
  nameOf,
  PlainName,
  placeOf,
  RightParen,
  StringText,
  unquote,
} from '../tokens.ts';
import { QueryGrammar } from './queries.ts';

export class StatementGrammar extends QueryGrammar {
  readonly statement: ParserMethod<[], Statement> = this.RULE('statement', () =>
    this.OR({
      DEF: [
        { ALT: (): Statement => this.SUBRULE(this.#queryStatement) },
        { ALT: (): Statement => this.SUBRULE(this.#create) },
        { ALT: (): Statement => this.SUBRULE(this.#insert) },
        { ALT: (): Statement => this.SUBRULE(this.#drop) },
        { ALT: (): Statement => this.SUBRULE(this.#terminate) },
        { ALT: (): Statement => this.SUBRULE(this.#show) },
        { ALT: (): Statement => this.SUBRULE(this.#describe) },
        { ALT: (): Statement => this.SUBRULE(this.#explain) },
        { ALT: (): Statement => this.SUBRULE(this.#set) },
        { ALT: (): Statement => this.SUBRULE(this.#unset) },
      ],
      ERR_MSG: 'a statement (SELECT, CREATE, INSERT, DROP, TERMINATE, SHOW, DESCRIBE, EXPLAIN, SET or UNSET)',
    }),
  );

  readonly #queryStatement: ParserMethod<[], Statement> = this.RULE('queryStatement', (): Statement => {
    const query = this.SUBRULE(this.query);
    return this.ACTION((): Statement => ({ kind: 'query', query, at: query.at }));
  });

  // ------------------------------------------------------------------------------------------------------ CREATE

  readonly #create: ParserMethod<[], Statement> = this.RULE('create', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.CREATE);
    const orReplace = this.OPTION(() => {
      this.CONSUME(keyword.OR);
      this.CONSUME(keyword.REPLACE);
      return true;
    });
    const source = this.OPTION1(() => this.CONSUME(keyword.SOURCE));
    const sourceKind = this.SUBRULE(this.#sourceKind);
    const ifNotExists = this.OPTION2({
      GATE: () => this.ahead(keyword.IF, keyword.NOT),
      DEF: () => {
        this.CONSUME(keyword.IF);
        this.CONSUME(keyword.NOT);
        this.CONSUME(keyword.EXISTS);
        return true;
      },
    });
    const name = this.SUBRULE(this.identifier);
    const elements = this.OPTION3(() => this.SUBRULE(this.#elements));
    const properties = this.OPTION4(() => this.SUBRULE(this.#properties));
    const query = this.OPTION5(() => {
      this.CONSUME(keyword.AS);
      return this.SUBRULE(this.query);
    });
    return this.ACTION((): Statement => {
      const common = {
        sourceKind,
        orReplace: orReplace ?? false,
        ifNotExists: ifNotExists ?? false,
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
  });

  readonly #sourceKind: ParserMethod<[], SourceKind> = this.RULE('sourceKind', () =>
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

  readonly #properties: ParserMethod<[], readonly Property[]> = this.RULE('properties', () => {
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

  // ------------------------------------------------------------------------------------------------------ INSERT

  readonly #insert: ParserMethod<[], Statement> = this.RULE('insert', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.INSERT);
    this.CONSUME(keyword.INTO);
    const target = this.SUBRULE(this.identifier);
    return this.OR([
      {
        ALT: (): Statement => {
          const columns = this.OPTION(() => this.SUBRULE(this.#columnNames)) ?? [];
          this.CONSUME(keyword.VALUES);
          this.CONSUME(LeftParen);
          const values: Expression[] = [];
          this.AT_LEAST_ONE_SEP({
            SEP: Comma,
            DEF: () => values.push(this.SUBRULE(this.expression)),
            ERR_MSG: 'an expression',
          });
          this.CONSUME(RightParen);
          return this.ACTION(() => ({ kind: 'insert-values', target, columns, values, at: this.since(start) }));
        },
      },
      {
        ALT: (): Statement => {
          const properties = this.OPTION1(() => this.SUBRULE(this.#properties)) ?? [];
          const query: Query = this.SUBRULE(this.query);
          return this.ACTION(() => ({ kind: 'insert-as', target, properties, query, at: this.since(start) }));
        },
      },
    ]);
  });

  readonly #columnNames: ParserMethod<[], readonly Identifier[]> = this.RULE('columnNames', () => {
    const names: Identifier[] = [];
    this.CONSUME(LeftParen);
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => names.push(this.SUBRULE(this.identifier)),
      ERR_MSG: 'the name of a column',
    });
    this.CONSUME(RightParen);
    return names;
  });

  // ---------------------------------------------------------------------------------------------- DROP, TERMINATE

  readonly #drop: ParserMethod<[], Statement> = this.RULE('drop', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.DROP);
    const sourceKind = this.SUBRULE(this.#sourceKind);
    const ifExists = this.OPTION({
      GATE: () => this.ahead(keyword.IF, keyword.EXISTS) || this.ahead(keyword.IF, PlainName),
      DEF: () => {
        this.CONSUME(keyword.IF);
        this.CONSUME(keyword.EXISTS);
        return true;
      },
    });
    const name = this.SUBRULE(this.identifier);
    const deleteTopic = this.OPTION1(() => {
      this.CONSUME(keyword.DELETE);
      this.CONSUME(keyword.TOPIC);
      return true;
    });
    return {
      kind: 'drop-source',
      sourceKind,
      ifExists: ifExists ?? false,
      name,
      deleteTopic: deleteTopic ?? false,
      at: this.since(start),
    };
  });

  readonly #terminate: ParserMethod<[], Statement> = this.RULE('terminate', (): Statement => {
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

  // ---------------------------------------------------------------------------------------- SHOW, DESCRIBE, EXPLAIN

  readonly #show: ParserMethod<[], Statement> = this.RULE('show', (): Statement => {
    const start = this.start();
    this.OR([{ ALT: () => this.CONSUME(keyword.SHOW) }, { ALT: () => this.CONSUME(keyword.LIST) }]);
    return this.OR1([
      {
        ALT: (): Statement => {
          this.CONSUME(keyword.STREAMS);
          const extended = this.SUBRULE(this.#extended);
          return { kind: 'show-sources', sourceKind: 'stream', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Statement => {
          this.CONSUME(keyword.TABLES);
          const extended = this.SUBRULE1(this.#extended);
          return { kind: 'show-sources', sourceKind: 'table', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Statement => {
          const all = this.OPTION(() => this.CONSUME(keyword.ALL)) !== undefined;
          this.CONSUME(keyword.TOPICS);
          const extended = this.SUBRULE2(this.#extended);
          return { kind: 'show-topics', all, extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Statement => {
          this.CONSUME(keyword.QUERIES);
          const extended = this.SUBRULE3(this.#extended);
          return { kind: 'show-queries', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Statement => {
          this.CONSUME(keyword.FUNCTIONS);
          return { kind: 'show-functions', at: this.since(start) };
        },
      },
    ]);
  });

  readonly #extended: ParserMethod<[], boolean> = this.RULE(
    'extended',
    () => this.OPTION(() => this.CONSUME(keyword.EXTENDED)) !== undefined,
  );

  readonly #describe: ParserMethod<[], Statement> = this.RULE('describe', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.DESCRIBE);
    const name = this.SUBRULE(this.identifier);
    const extended = this.SUBRULE(this.#extended);
    return { kind: 'describe', name, extended, at: this.since(start) };
  });

  /** A single name is the id of a query; anything else is a statement. */
  readonly #explain: ParserMethod<[], Statement> = this.RULE('explain', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.EXPLAIN);
    const target = this.OR({
      DEF: [
        {
          GATE: () => this.ahead(Name, EOF),
          ALT: (): ExplainTarget => {
            const id = this.SUBRULE(this.identifier);
            return { kind: 'query-id', id };
          },
        },
        {
          ALT: (): ExplainTarget => {
            const statement = this.deeper(() => this.SUBRULE(this.statement));
            return { kind: 'statement', statement };
          },
        },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'a statement or the id of a query',
    });
    return { kind: 'explain', target, at: this.since(start) };
  });

  // --------------------------------------------------------------------------------------------------- SET, UNSET

  readonly #set: ParserMethod<[], Statement> = this.RULE('set', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.SET);
    const name = this.CONSUME(StringText);
    this.CONSUME(Equal);
    const value = this.CONSUME1(StringText);
    return { kind: 'set', name: unquote(name.image), value: unquote(value.image), at: this.since(start) };
  });

  readonly #unset: ParserMethod<[], Statement> = this.RULE('unset', (): Statement => {
    const start = this.start();
    this.CONSUME(keyword.UNSET);
    const name = this.CONSUME(StringText);
    return { kind: 'unset', name: unquote(name.image), at: this.since(start) };
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

/** Words that begin a form which is not supported. `*` stands for any one word that is not EXTENDED. */
const unsupported: readonly (readonly [words: string, hint?: string])[] = [
  ['SHOW|LIST PROPERTIES'],
  ['SHOW|LIST CONNECTORS'],
  ['SHOW|LIST SOURCE|SINK CONNECTORS'],
  ['SHOW|LIST CONNECTOR PLUGINS'],
  ['SHOW|LIST TYPES'],
  ['SHOW|LIST VARIABLES'],
  ['DESCRIBE STREAMS', 'Use SHOW STREAMS, or DESCRIBE with the name of one.'],
  ['DESCRIBE TABLES', 'Use SHOW TABLES, or DESCRIBE with the name of one.'],
  ['DESCRIBE FUNCTION *', 'SHOW FUNCTIONS lists all functions.'],
  ['DESCRIBE CONNECTOR'],
  ['PRINT', 'Create a stream over the topic and SELECT from it with EMIT CHANGES.'],
  ['PAUSE', 'TERMINATE stops a query for good.'],
  ['RESUME'],
  ['ALTER SYSTEM'],
  ['ALTER STREAM'],
  ['ALTER TABLE'],
  ['DEFINE'],
  ['UNDEFINE'],
  ['CREATE SOURCE|SINK CONNECTOR'],
  ['CREATE TYPE', 'Write the type out where it is used.'],
  ['DROP CONNECTOR'],
  ['DROP TYPE'],
  ['ASSERT'],
  ['RUN SCRIPT', 'Run a file with: millrace sql -f FILE.'],
  ['UPDATE', 'A table changes by the records of its topic: use INSERT INTO … VALUES with the same key.'],
  ['DELETE', 'A row of a table goes when a record with its key and no value comes.'],
  ['MERGE'],
  ['TRUNCATE', 'DROP … DELETE TOPIC removes a source with its records.'],
  ['WITH', 'There are no common table expressions: give the inner query a name with CREATE STREAM … AS SELECT.'],
  ['BEGIN', 'There are no transactions over several statements.'],
  ['COMMIT', 'There are no transactions over several statements.'],
  ['ROLLBACK', 'There are no transactions over several statements.'],
  ['GRANT'],
  ['REVOKE'],
  ['CREATE VIEW', 'CREATE TABLE … AS SELECT keeps the result of a query up to date.'],
  ['CREATE MATERIALIZED VIEW', 'CREATE TABLE … AS SELECT keeps the result of a query up to date.'],
  ['CREATE INDEX'],
  ['CREATE DATABASE'],
  ['CREATE SCHEMA'],
  ['CREATE FUNCTION'],
];

/** The error for a statement of a form that is known and not supported; undefined for any other. */
export function unsupportedStatement(tokens: readonly IToken[]): UserError | undefined {
  let from = 0;
  while (tokens[from]?.tokenType === keyword.EXPLAIN) from++;
  // A single word behind EXPLAIN is the id of a query.
  if (from > 0 && tokens.length === from + 1) return undefined;
  for (const [words, hint] of unsupported) {
    const pattern = words.split(' ');
    const fits = pattern.every((choices, index) => {
      const token = tokens[from + index];
      if (token === undefined) return false;
      const word = token.image.toUpperCase();
      return choices === '*' ? word !== 'EXTENDED' : choices.split('|').includes(word);
    });
    if (!fits) continue;
    const named = pattern.filter((choice) => choice !== '*');
    const used = named.map((_, index) => tokens[from + index]?.image.toUpperCase() ?? '');
    const first = tokens[from] as IToken;
    const last = tokens[from + named.length - 1] as IToken;
    const at: Position = {
      ...placeOf(first),
      length: last.startOffset + last.image.length - first.startOffset,
    };
    return new UserError('SQL_UNSUPPORTED_STATEMENT', `the statement ${used.join(' ')} is not supported`, { at, hint });
  }
  return undefined;
}
