/** SHOW and DESCRIBE: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Identifier, Position, SourceKind } from '../ast.ts';
import { printName, words } from '../print.ts';
import { keyword, Name } from '../tokens.ts';
import { ControlGrammar } from './control.ts';
import type { UnsupportedForms } from './unsupported.ts';

/** `SHOW STREAMS|TABLES [EXTENDED]`; LIST means the same as SHOW in all of these. */
export interface ShowSources {
  readonly kind: 'show-sources';
  readonly sourceKind: SourceKind;
  readonly extended: boolean;
  readonly at: Position;
}

/** `SHOW [ALL] TOPICS [EXTENDED]`. */
export interface ShowTopics {
  readonly kind: 'show-topics';
  readonly all: boolean;
  readonly extended: boolean;
  readonly at: Position;
}

/** `SHOW QUERIES [EXTENDED]`. */
export interface ShowQueries {
  readonly kind: 'show-queries';
  readonly extended: boolean;
  readonly at: Position;
}

/** `SHOW FUNCTIONS`. */
export interface ShowFunctions {
  readonly kind: 'show-functions';
  readonly at: Position;
}

/** `SHOW PROPERTIES`, `SHOW TYPES`, `SHOW VARIABLES`, `SHOW CONNECTOR PLUGINS`. */
export interface ShowPlain {
  readonly kind: 'show-properties' | 'show-types' | 'show-variables' | 'show-connector-plugins';
  readonly at: Position;
}

/** `SHOW [SOURCE|SINK] CONNECTORS`. */
export interface ShowConnectors {
  readonly kind: 'show-connectors';
  /** Undefined: of both. */
  readonly direction?: 'source' | 'sink' | undefined;
  readonly at: Position;
}

/** `DESCRIBE STREAMS [EXTENDED]` or `DESCRIBE TABLES [EXTENDED]`: each stream, or each table. */
export interface DescribeSources {
  readonly kind: 'describe-sources';
  readonly sourceKind: SourceKind;
  readonly extended: boolean;
  readonly at: Position;
}

/** `DESCRIBE CONNECTOR name`. */
export interface DescribeConnector {
  readonly kind: 'describe-connector';
  readonly name: Identifier;
  readonly at: Position;
}

/** `DESCRIBE FUNCTION name`. */
export interface DescribeFunction {
  readonly kind: 'describe-function';
  readonly name: Identifier;
  readonly at: Position;
}

/** `DESCRIBE name [EXTENDED]`. */
export interface Describe {
  readonly kind: 'describe';
  readonly name: Identifier;
  readonly extended: boolean;
  readonly at: Position;
}

type Show = ShowSources | ShowTopics | ShowQueries | ShowFunctions | ShowPlain | ShowConnectors;

export type ShowStatement = Show | Describe | DescribeSources | DescribeConnector | DescribeFunction;

/** What these statements begin with, for the error where no statement is found. */
export const showWords = ['SHOW', 'DESCRIBE'] as const;

/** Forms of this family that are not supported. */
export const showUnsupported: UnsupportedForms = [];

export abstract class ShowGrammar extends ControlGrammar {
  protected readonly showStatement: ParserMethod<[], ShowStatement> = this.RULE('showStatement', () =>
    this.OR([
      { ALT: (): ShowStatement => this.SUBRULE(this.#show) },
      { ALT: (): ShowStatement => this.SUBRULE(this.#describe) },
    ]),
  );

  readonly #show: ParserMethod<[], Show> = this.RULE('show', (): Show => {
    const start = this.start();
    this.OR([{ ALT: () => this.CONSUME(keyword.SHOW) }, { ALT: () => this.CONSUME(keyword.LIST) }]);
    return this.OR1([
      {
        ALT: (): Show => {
          this.CONSUME(keyword.STREAMS);
          const extended = this.SUBRULE(this.#extended);
          return { kind: 'show-sources', sourceKind: 'stream', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.TABLES);
          const extended = this.SUBRULE1(this.#extended);
          return { kind: 'show-sources', sourceKind: 'table', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          const all = this.OPTION(() => this.CONSUME(keyword.ALL)) !== undefined;
          this.CONSUME(keyword.TOPICS);
          const extended = this.SUBRULE2(this.#extended);
          return { kind: 'show-topics', all, extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.QUERIES);
          const extended = this.SUBRULE3(this.#extended);
          return { kind: 'show-queries', extended, at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.FUNCTIONS);
          return { kind: 'show-functions', at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.PROPERTIES);
          return { kind: 'show-properties', at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.TYPES);
          return { kind: 'show-types', at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.VARIABLES);
          return { kind: 'show-variables', at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          this.CONSUME(keyword.CONNECTOR);
          this.CONSUME(keyword.PLUGINS);
          return { kind: 'show-connector-plugins', at: this.since(start) };
        },
      },
      {
        ALT: (): Show => {
          const direction = this.OPTION1(() => this.SUBRULE(this.connectorDirection));
          this.CONSUME(keyword.CONNECTORS);
          return { kind: 'show-connectors', direction, at: this.since(start) };
        },
      },
    ]);
  });

  readonly #extended: ParserMethod<[], boolean> = this.RULE(
    'extended',
    () => this.OPTION(() => this.CONSUME(keyword.EXTENDED)) !== undefined,
  );

  readonly #describe: ParserMethod<[], ShowStatement> = this.RULE('describe', (): ShowStatement => {
    const start = this.start();
    this.CONSUME(keyword.DESCRIBE);
    return this.OR({
      DEF: [
        {
          ALT: (): ShowStatement => {
            this.CONSUME(keyword.STREAMS);
            const extended = this.SUBRULE(this.#extended);
            return { kind: 'describe-sources', sourceKind: 'stream', extended, at: this.since(start) };
          },
        },
        {
          GATE: () => this.ahead(keyword.TABLES),
          ALT: (): ShowStatement => {
            this.CONSUME(keyword.TABLES);
            const extended = this.SUBRULE1(this.#extended);
            return { kind: 'describe-sources', sourceKind: 'table', extended, at: this.since(start) };
          },
        },
        {
          ALT: (): ShowStatement => {
            this.CONSUME(keyword.CONNECTOR);
            const name = this.SUBRULE(this.identifier);
            return { kind: 'describe-connector', name, at: this.since(start) };
          },
        },
        {
          // A source may be called FUNCTION, too.
          GATE: () => this.ahead(keyword.FUNCTION, Name) && !this.ahead(keyword.FUNCTION, keyword.EXTENDED),
          ALT: (): ShowStatement => {
            this.CONSUME(keyword.FUNCTION);
            const name = this.SUBRULE2(this.identifier);
            return { kind: 'describe-function', name, at: this.since(start) };
          },
        },
        {
          ALT: (): ShowStatement => {
            const name = this.SUBRULE1(this.identifier);
            const extended = this.SUBRULE2(this.#extended);
            return { kind: 'describe', name, extended, at: this.since(start) };
          },
        },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'the name of a stream or table, STREAMS or TABLES',
    });
  });
}

export const showPrinters = {
  'show-sources': ({ sourceKind, extended }: ShowSources): string =>
    words(`SHOW ${sourceKind.toUpperCase()}S`, extended && 'EXTENDED'),
  'show-topics': ({ all, extended }: ShowTopics): string =>
    words('SHOW', all && 'ALL', 'TOPICS', extended && 'EXTENDED'),
  'show-queries': ({ extended }: ShowQueries): string => words('SHOW QUERIES', extended && 'EXTENDED'),
  'show-functions': (): string => 'SHOW FUNCTIONS',
  'show-properties': (): string => 'SHOW PROPERTIES',
  'show-types': (): string => 'SHOW TYPES',
  'show-variables': (): string => 'SHOW VARIABLES',
  'show-connector-plugins': (): string => 'SHOW CONNECTOR PLUGINS',
  'show-connectors': ({ direction }: ShowConnectors): string => words('SHOW', direction?.toUpperCase(), 'CONNECTORS'),
  'describe-sources': ({ sourceKind, extended }: DescribeSources): string =>
    words(`DESCRIBE ${sourceKind.toUpperCase()}S`, extended && 'EXTENDED'),
  'describe-connector': ({ name }: DescribeConnector): string => `DESCRIBE CONNECTOR ${printName(name.name)}`,
  'describe-function': ({ name }: DescribeFunction): string => `DESCRIBE FUNCTION ${printName(name.name)}`,
  describe: ({ name, extended }: Describe): string => words(`DESCRIBE ${printName(name.name)}`, extended && 'EXTENDED'),
};
