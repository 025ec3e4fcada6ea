/**
 * The grammar of SELECT. The order of its clauses is fixed: FROM and joins, WINDOW, WHERE, GROUP BY, PARTITION BY,
 * HAVING, UNION, ORDER BY, EMIT, LIMIT, OFFSET.
 *
 * A name right behind a source is its alias, with or without AS. Some words that are not reserved may stand there and
 * mean something else: EMIT, PARTITION, ORDER, UNION and OFFSET; the word after them decides.
 */

import type { ParserMethod } from 'chevrotain';
import { EOF } from 'chevrotain';
import { UserError } from '../../../base/index.ts';
import type {
  ByClause,
  Duration,
  EmitClause,
  Expression,
  Identifier,
  Join,
  JoinType,
  JoinWithin,
  LimitClause,
  OrderClause,
  OrderTerm,
  Query,
  SelectItem,
  SourceReference,
  UnionMember,
  WindowClause,
} from '../ast.ts';
import { smallNumber } from '../build.ts';
import {
  Arrow,
  Comma,
  Dot,
  IntegerText,
  keyword,
  LeftBracket,
  LeftParen,
  Name,
  nameOf,
  PlainName,
  placeOf,
  RightBracket,
  RightParen,
  Star,
} from '../tokens.ts';
import { ExpressionGrammar } from './expressions.ts';

/** What `base->*` may be written behind: a value, not an operation on values. */
const hasFields: ReadonlySet<Expression['kind']> = new Set([
  ...(['column', 'field', 'subscript', 'call', 'struct', 'case', 'cast'] as const),
]);

export class QueryGrammar extends ExpressionGrammar {
  readonly query: ParserMethod<[], Query> = this.RULE('query', () => {
    const start = this.start();
    const first = this.SUBRULE(this.#select);
    const unions: UnionMember[] = [];
    this.MANY(() => unions.push(this.SUBRULE(this.#union)));
    const orderBy = this.OPTION(() => this.SUBRULE(this.#orderBy));
    const emit = this.OPTION1(() => this.SUBRULE(this.#emit));
    const limit = this.OPTION2(() => this.SUBRULE(this.#limit));
    const offset = this.OPTION3(() => this.SUBRULE(this.#offset));
    return this.ACTION(() => ({
      ...first,
      unions: unions.length === 0 ? undefined : unions,
      orderBy,
      emit,
      limit,
      offset,
      at: this.since(start),
    }));
  });

  readonly #union: ParserMethod<[], UnionMember> = this.RULE('union', () => {
    const start = this.start();
    this.CONSUME(keyword.UNION);
    const all = this.OPTION(() =>
      this.OR([
        { ALT: () => this.#word(this.CONSUME(keyword.ALL), true) },
        { ALT: () => this.#word(this.CONSUME(keyword.DISTINCT), false) },
      ]),
    );
    const query = this.SUBRULE(this.#select);
    return { all: all === true, query, at: this.since(start) };
  });

  readonly #orderBy: ParserMethod<[], OrderClause> = this.RULE('orderBy', () => {
    const start = this.start();
    const terms: OrderTerm[] = [];
    this.CONSUME(keyword.ORDER);
    this.CONSUME(keyword.BY);
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => terms.push(this.SUBRULE(this.#orderTerm)),
      ERR_MSG: 'an expression',
    });
    return { terms, at: this.since(start) };
  });

  readonly #orderTerm: ParserMethod<[], OrderTerm> = this.RULE('orderTerm', () => {
    const start = this.start();
    const expression = this.SUBRULE(this.expression);
    const descending = this.OPTION(() =>
      this.OR([
        { ALT: () => this.#word(this.CONSUME(keyword.ASC), false) },
        { ALT: () => this.#word(this.CONSUME(keyword.DESC), true) },
      ]),
    );
    const nulls = this.OPTION1(() => {
      this.CONSUME(keyword.NULLS);
      return this.OR1([
        { ALT: (): OrderTerm['nulls'] => this.#word(this.CONSUME(keyword.FIRST), 'first') },
        { ALT: (): OrderTerm['nulls'] => this.#word(this.CONSUME(keyword.LAST), 'last') },
      ]);
    });
    return { expression, descending: descending === true, nulls, at: this.since(start) };
  });

  readonly #select: ParserMethod<[], Query> = this.RULE('select', () => {
    const start = this.start();
    const items: SelectItem[] = [];
    this.CONSUME(keyword.SELECT);
    const distinct = this.OPTION(() => {
      const token = this.CONSUME(keyword.DISTINCT);
      return this.ACTION(() => ({ at: placeOf(token) }));
    });
    this.AT_LEAST_ONE_SEP({
      SEP: Comma,
      DEF: () => items.push(this.SUBRULE(this.#selectItem)),
      ERR_MSG: 'an expression or *',
    });
    this.CONSUME(keyword.FROM);
    const from = this.SUBRULE(this.#source);
    const joins: Join[] = [];
    this.MANY(() => joins.push(this.SUBRULE(this.#join)));
    const window = this.OPTION1(() => this.SUBRULE(this.#window));
    const where = this.OPTION2(() => {
      this.CONSUME(keyword.WHERE);
      return this.SUBRULE1(this.expression);
    });
    const groupBy = this.OPTION3(() => {
      this.CONSUME(keyword.GROUP);
      return this.SUBRULE1(this.#by);
    });
    const partitionBy = this.OPTION4(() => {
      this.CONSUME(keyword.PARTITION);
      return this.SUBRULE2(this.#by);
    });
    const having = this.OPTION5(() => {
      this.CONSUME(keyword.HAVING);
      return this.SUBRULE2(this.expression);
    });
    const at = this.since(start);
    return { distinct, items, from, joins, window, where, groupBy, partitionBy, having, at };
  });

  readonly #selectItem: ParserMethod<[], SelectItem> = this.RULE('selectItem', () => {
    const start = this.start();
    return this.OR({
      DEF: [
        {
          ALT: (): SelectItem => {
            this.CONSUME(Star);
            return { kind: 'all-columns', at: start };
          },
        },
        {
          GATE: () => this.ahead(Name, Dot, Star),
          ALT: (): SelectItem => {
            const source = this.CONSUME(Name);
            this.CONSUME(Dot);
            this.CONSUME1(Star);
            return this.ACTION(() => ({ kind: 'all-columns', source: nameOf(source), at: this.since(start) }));
          },
        },
        { ALT: (): SelectItem => this.SUBRULE(this.#expressionItem) },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'an expression or *',
    });
  });

  readonly #expressionItem: ParserMethod<[], SelectItem> = this.RULE('expressionItem', () => {
    const start = this.start();
    const expression = this.SUBRULE(this.expression);
    return this.OR([
      {
        ALT: (): SelectItem => {
          const arrow = this.CONSUME(Arrow);
          this.CONSUME(Star);
          return this.ACTION(() => {
            if (!hasFields.has(expression.kind)) {
              throw new UserError('SQL_SYNTAX', '->* can stand only behind a struct, not behind an operation', {
                at: {
                  line: arrow.startLine ?? 1,
                  column: arrow.startColumn ?? 1,
                  offset: arrow.startOffset,
                  length: 3,
                },
              });
            }
            return { kind: 'all-fields', base: expression, at: this.since(start) };
          });
        },
      },
      {
        ALT: (): SelectItem => {
          const alias = this.OPTION(() => {
            this.OPTION1(() => this.CONSUME(keyword.AS));
            return this.SUBRULE(this.identifier);
          });
          return this.ACTION(() => ({ kind: 'expression-item', expression, alias, at: this.since(start) }));
        },
      },
    ]);
  });

  readonly #source: ParserMethod<[], SourceReference> = this.RULE('source', () => {
    const start = this.start();
    const read = this.OR([
      {
        ALT: (): Pick<SourceReference, 'name' | 'subquery'> => {
          const { name } = this.SUBRULE(this.identifier);
          return { name };
        },
      },
      {
        ALT: (): Pick<SourceReference, 'name' | 'subquery'> => {
          this.CONSUME(LeftParen);
          const subquery = this.deeper(() => this.SUBRULE(this.query));
          this.CONSUME(RightParen);
          return { name: '', subquery };
        },
      },
    ]);
    const at = this.since(start);
    const alias = this.OPTION({
      GATE: () => !this.#clauseAhead(),
      DEF: (): Identifier => {
        this.OPTION1(() => this.CONSUME(keyword.AS));
        return this.SUBRULE1(this.identifier);
      },
    });
    return this.ACTION(
      (): SourceReference =>
        read.subquery === undefined
          ? { kind: 'source', name: read.name, alias, at }
          : { kind: 'source', name: alias?.name ?? '', alias, subquery: read.subquery, at },
    );
  });

  /** Whether a word comes next that could be an alias, and is meant as a keyword. */
  #clauseAhead(): boolean {
    return (
      this.ahead(keyword.EMIT, keyword.CHANGES) ||
      this.ahead(keyword.EMIT, keyword.FINAL) ||
      this.ahead(keyword.EMIT, EOF) ||
      this.ahead(keyword.EMIT, PlainName) ||
      this.ahead(keyword.PARTITION, keyword.BY) ||
      this.ahead(keyword.ORDER, keyword.BY) ||
      this.ahead(keyword.OFFSET, IntegerText) ||
      this.ahead(keyword.UNION, keyword.SELECT) ||
      this.ahead(keyword.UNION, keyword.ALL) ||
      this.ahead(keyword.UNION, keyword.DISTINCT)
    );
  }

  readonly #join: ParserMethod<[], Join> = this.RULE('join', () => {
    const start = this.start();
    const type =
      this.OPTION(() =>
        this.OR([
          { ALT: (): JoinType => this.#word(this.CONSUME(keyword.INNER), 'inner') },
          {
            ALT: (): JoinType => {
              const side = this.OR1([
                { ALT: (): JoinType => this.#word(this.CONSUME(keyword.LEFT), 'left') },
                { ALT: (): JoinType => this.#word(this.CONSUME(keyword.RIGHT), 'right') },
                { ALT: (): JoinType => this.#word(this.CONSUME(keyword.FULL), 'full') },
              ]);
              this.OPTION1(() => this.CONSUME(keyword.OUTER));
              return side;
            },
          },
        ]),
      ) ?? 'inner';
    this.CONSUME(keyword.JOIN);
    const source = this.SUBRULE(this.#source);
    const within = this.OPTION2(() => this.SUBRULE(this.#within));
    this.CONSUME(keyword.ON);
    const on = this.SUBRULE(this.expression);
    return { type, source, within, on, at: this.since(start) };
  });

  /** The meaning of a keyword that has just been read. */
  #word<T>(_token: unknown, meaning: T): T {
    return meaning;
  }

  readonly #within: ParserMethod<[], JoinWithin> = this.RULE('within', () => {
    const start = this.start();
    this.CONSUME(keyword.WITHIN);
    const span = this.OR({
      DEF: [
        {
          ALT: (): Pick<JoinWithin, 'before' | 'after'> => {
            const both = this.SUBRULE(this.duration);
            return { before: both, after: both };
          },
        },
        {
          ALT: (): Pick<JoinWithin, 'before' | 'after'> => {
            this.CONSUME(LeftParen);
            const first = this.SUBRULE1(this.duration);
            this.CONSUME(Comma);
            const second = this.SUBRULE2(this.duration);
            this.CONSUME(RightParen);
            return { before: first, after: second };
          },
        },
      ],
      ERR_MSG: 'a duration such as 10 SECONDS, or two in parentheses',
    });
    const grace = this.OPTION(() => this.SUBRULE(this.#grace));
    return { ...span, grace, at: this.since(start) };
  });

  readonly #grace: ParserMethod<[], Duration> = this.RULE('grace', () => {
    this.CONSUME(keyword.GRACE);
    this.CONSUME(keyword.PERIOD);
    return this.SUBRULE(this.duration);
  });

  readonly #window: ParserMethod<[], WindowClause> = this.RULE('window', () => {
    const start = this.start();
    this.CONSUME(keyword.WINDOW);
    const name = this.OPTION({
      GATE: () => !this.ahead(keyword.SESSION, LeftParen),
      DEF: () => nameOf(this.CONSUME(Name)),
    });
    return this.OR([
      {
        ALT: (): WindowClause => {
          this.CONSUME(keyword.TUMBLING);
          this.CONSUME(LeftParen);
          this.CONSUME(keyword.SIZE);
          const size = this.SUBRULE(this.duration);
          const rest = this.SUBRULE(this.#windowRest);
          return this.ACTION(() => ({ kind: 'tumbling', name, size, ...rest, at: this.since(start) }));
        },
      },
      {
        ALT: (): WindowClause => {
          this.CONSUME(keyword.HOPPING);
          this.CONSUME1(LeftParen);
          this.CONSUME1(keyword.SIZE);
          const size = this.SUBRULE1(this.duration);
          this.CONSUME(Comma);
          this.CONSUME(keyword.ADVANCE);
          this.CONSUME(keyword.BY);
          const advance = this.SUBRULE2(this.duration);
          const rest = this.SUBRULE1(this.#windowRest);
          return this.ACTION(() => ({ kind: 'hopping', name, size, advance, ...rest, at: this.since(start) }));
        },
      },
      {
        ALT: (): WindowClause => {
          this.CONSUME(keyword.SESSION);
          this.CONSUME2(LeftParen);
          const gap = this.SUBRULE3(this.duration);
          const rest = this.SUBRULE2(this.#windowRest);
          return this.ACTION(() => ({ kind: 'session', name, gap, ...rest, at: this.since(start) }));
        },
      },
    ]);
  });

  /** `[, RETENTION d] [, GRACE PERIOD d] )` */
  readonly #windowRest: ParserMethod<[], { retention: Duration | undefined; grace: Duration | undefined }> = this.RULE(
    'windowRest',
    () => {
      const retention = this.OPTION({
        GATE: () => this.ahead(Comma, keyword.RETENTION),
        DEF: () => {
          this.CONSUME(Comma);
          this.CONSUME(keyword.RETENTION);
          return this.SUBRULE(this.duration);
        },
      });
      const grace = this.OPTION1(() => {
        this.CONSUME1(Comma);
        return this.SUBRULE(this.#grace);
      });
      this.CONSUME(RightParen);
      return { retention, grace };
    },
  );

  /** `BY e, …` or `BY (e, …)`. The expressions of GROUP BY and PARTITION BY are values: a condition has to stand in
   *  parentheses. */
  readonly #by: ParserMethod<[], ByClause> = this.RULE('by', () => {
    const start = this.start();
    const expressions: Expression[] = [];
    this.CONSUME(keyword.BY);
    this.OR({
      DEF: [
        {
          // An empty list is refused by the analysis, which names the clause.
          GATE: () => this.ahead(LeftParen, RightParen),
          ALT: () => {
            this.CONSUME1(LeftParen);
            this.CONSUME1(RightParen);
          },
        },
        {
          GATE: () => this.#listInParentheses(),
          ALT: () => {
            this.CONSUME(LeftParen);
            this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => expressions.push(this.SUBRULE(this.value)) });
            this.CONSUME(RightParen);
          },
        },
        {
          ALT: () => {
            this.AT_LEAST_ONE_SEP1({ SEP: Comma, DEF: () => expressions.push(this.SUBRULE1(this.value)) });
          },
        },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'an expression',
    });
    return { expressions, at: this.since(start) };
  });

  /** Whether the parenthesis that comes next holds a list, and not just the beginning of an expression. */
  #listInParentheses(): boolean {
    let open = 0;
    for (let next = 1; ; next++) {
      const type = this.LA(next).tokenType;
      if (type === LeftParen || type === LeftBracket) open++;
      else if (type === RightParen || type === RightBracket) open--;
      else if (type === Comma && open === 1) return true;
      if (open <= 0 || type === EOF) return false;
    }
  }

  readonly #emit: ParserMethod<[], EmitClause> = this.RULE('emit', () => {
    const start = this.start();
    this.CONSUME(keyword.EMIT);
    const kind = this.OR([
      { ALT: (): EmitClause['kind'] => this.#word(this.CONSUME(keyword.CHANGES), 'changes') },
      { ALT: (): EmitClause['kind'] => this.#word(this.CONSUME(keyword.FINAL), 'final') },
    ]);
    return { kind, at: this.since(start) };
  });

  readonly #limit: ParserMethod<[], LimitClause> = this.RULE('limit', () => {
    const start = this.start();
    this.CONSUME(keyword.LIMIT);
    const count = this.CONSUME(IntegerText);
    return this.ACTION(() => ({ count: smallNumber(count), at: this.since(start) }));
  });

  readonly #offset: ParserMethod<[], LimitClause> = this.RULE('offset', () => {
    const start = this.start();
    this.CONSUME(keyword.OFFSET);
    const count = this.CONSUME(IntegerText);
    return this.ACTION(() => ({ count: smallNumber(count), at: this.since(start) }));
  });
}
