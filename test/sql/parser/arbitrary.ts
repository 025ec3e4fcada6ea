/** Random trees, of every kind of node, that the grammar can express. Places are all the same: they are not
 *  compared. */

import fc from 'fast-check';
import type {
  ByClause,
  Duration,
  Expression,
  ExpressionOf,
  Identifier,
  Join,
  Literal,
  Position,
  Property,
  Query,
  SelectItem,
  SourceReference,
  TypeNode,
  WindowClause,
} from '../../../sql/parser/ast.ts';
import type { ColumnElement } from '../../../sql/parser/statements/create.ts';
import type { Statement, StatementOf } from '../../../sql/parser/statements/index.ts';
import { baseTypes, keywords, units } from '../../../sql/parser/words.ts';

const at: Position = { line: 1, column: 1, offset: 0 };

/** Of any characters but halves of surrogate pairs. What fast-check has for this builds a table of all of them, for
 *  more than a second. */
const anyText = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff })), {
      minLength,
      maxLength,
    })
    .map((codes) => String.fromCodePoint(...codes));

/** Mostly plain names, some that are keywords, some that need quotes for another reason. */
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('A', 'B', 'ORDERS', 'X_1', 'A@B') },
  { weight: 3, arbitrary: fc.constantFrom(...keywords, 'INT', 'BIGINT', 'VARCHAR', 'UPDATE', 'ORDER') },
  { weight: 2, arbitrary: fc.constantFrom('a', 'größe', '1A', 'A-B', '`', '"', '__proto__', 'constructor', '\n', ' ') },
  { weight: 1, arbitrary: anyText(1, 5) },
);
const identifier: fc.Arbitrary<Identifier> = name.map((text) => ({ name: text, at }));
const text = fc.oneof(fc.constantFrom('', "'", "it''s", '--', '/*', '${x}', ';'), anyText(0, 8));
const flag = fc.boolean();
const perhaps = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 3 });
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { maxLength: 2 });
const digits = fc.stringMatching(/^[0-9]{1,25}$/);

const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.constant<Literal>({ kind: 'null', at }),
  flag.map((value): Literal => ({ kind: 'boolean', value, at })),
  fc
    .oneof(fc.integer({ min: -10, max: 10 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    .map(
      (value): Literal => ({ kind: 'integer', value: Number.isSafeInteger(Number(value)) ? Number(value) : value, at }),
    ),
  fc
    .oneof(
      fc.tuple(flag, digits, digits).map(([minus, whole, part]) => `${minus ? '-' : ''}${whole}.${part}`),
      fc.tuple(flag, digits).map(([minus, part]) => `${minus ? '-' : ''}.${part}`),
      fc.tuple(flag, digits).map(([minus, whole]) => `${minus ? '-' : ''}${whole}`),
    )
    .map((written): Literal => ({ kind: 'decimal', text: written, at })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): Literal => ({ kind: 'double', value, at })),
  text.map((value): Literal => ({ kind: 'string', value, at })),
);

export const type: fc.Arbitrary<TypeNode> = fc.letrec<{ type: TypeNode }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc
      .constantFrom(...new Set([...baseTypes.values()].filter((one) => one !== 'DECIMAL')))
      .map((one): TypeNode => ({ kind: 'base-type', name: one, at })),
    name.map((one): TypeNode => ({ kind: 'named-type', name: one, at })),
    fc
      .tuple(fc.nat(), fc.nat())
      .map(([precision, scale]): TypeNode => ({ kind: 'decimal-type', precision, scale, at })),
    tie('type').map((element): TypeNode => ({ kind: 'array-type', element, at })),
    fc.tuple(tie('type'), tie('type')).map(([key, value]): TypeNode => ({ kind: 'map-type', key, value, at })),
    few(fc.record({ name, type: tie('type'), at: fc.constant(at) })).map(
      (fields): TypeNode => ({ kind: 'struct-type', fields, at }),
    ),
  ),
})).type;

const unit = fc.constantFrom(...new Set(units.values()));
const duration: fc.Arbitrary<Duration> = fc.record({ amount: fc.maxSafeNat(), unit, at: fc.constant(at) });

/** Besides literals, and what stands only among the arguments of a call. A kind of expression that is missing here does
 *  not compile. */
type Expressions = {
  readonly [K in Exclude<Expression['kind'], Literal['kind'] | 'lambda' | 'unit'>]: fc.Arbitrary<ExpressionOf<K>>;
};

const expressions = (inner: fc.Arbitrary<Expression>): Expressions => {
  const pair = fc.tuple(inner, inner);
  const branches = some(fc.record({ when: inner, result: inner })).map((list) =>
    list.map(({ when, result }) => ({ when, then: result })),
  );
  const unless = fc.tuple(flag, inner, inner);
  const lambda = fc
    .tuple(some(name), inner)
    .map(([parameters, body]): Expression => ({ kind: 'lambda', parameters, body, at }));
  const argument = fc.oneof(
    inner,
    unit.map((one): Expression => ({ kind: 'unit', unit: one, at })),
  );
  return {
    column: fc.tuple(perhaps(name), name).map(([source, one]) => ({ kind: 'column', source, name: one, at })),
    field: fc.tuple(inner, name).map(([base, one]) => ({ kind: 'field', base, name: one, at })),
    subscript: pair.map(([base, index]) => ({ kind: 'subscript', base, index, at })),
    // A minus before a number literal that is not negative would be read as part of it; parentheses keep them apart.
    sign: fc
      .tuple(fc.constantFrom('+' as const, '-' as const), inner)
      .map(([operator, operand]) => ({ kind: 'sign', operator, operand, at })),
    arithmetic: fc
      .tuple(fc.constantFrom('+' as const, '-' as const, '*' as const, '/' as const, '%' as const), inner, inner)
      .map(([operator, left, right]) => ({ kind: 'arithmetic', operator, left, right, at })),
    concat: pair.map(([left, right]) => ({ kind: 'concat', left, right, at })),
    comparison: fc
      .tuple(
        fc.constantFrom('=' as const, '<>' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
        pair,
      )
      .map(([operator, [left, right]]) => ({ kind: 'comparison', operator, left, right, at })),
    'distinct-from': unless.map(([negated, left, right]) => ({ kind: 'distinct-from', negated, left, right, at })),
    logical: fc
      .tuple(fc.constantFrom('AND' as const, 'OR' as const), fc.array(inner, { minLength: 2, maxLength: 4 }))
      .map(([operator, operands]) => ({ kind: 'logical', operator, operands, at })),
    not: inner.map((operand) => ({ kind: 'not', operand, at })),
    between: fc
      .tuple(unless, inner)
      .map(([[negated, low, high], operand]) => ({ kind: 'between', negated, operand, low, high, at })),
    in: fc
      .tuple(flag, inner, some(inner))
      .map(([negated, operand, values]) => ({ kind: 'in', negated, operand, values, at })),
    like: fc
      .tuple(unless, perhaps(fc.constantFrom('!', "'", '\\', '数')))
      .map(([[negated, operand, pattern], escape]) => ({
        kind: 'like',
        negated,
        operand,
        pattern,
        escape,
        at,
      })),
    'is-null': fc.tuple(flag, inner).map(([negated, operand]) => ({ kind: 'is-null', negated, operand, at })),
    case: fc
      .tuple(branches, perhaps(inner))
      .map(([list, otherwise]) => ({ kind: 'case', branches: list, otherwise, at })),
    'simple-case': fc
      .tuple(inner, branches, perhaps(inner))
      .map(([operand, list, otherwise]) => ({ kind: 'simple-case', operand, branches: list, otherwise, at })),
    cast: fc.tuple(inner, type).map(([operand, target]) => ({ kind: 'cast', operand, type: target, at })),
    array: few(inner).map((elements) => ({ kind: 'array', elements, at })),
    map: few(pair).map((list) => ({ kind: 'map', entries: list.map(([key, value]) => ({ key, value })), at })),
    struct: few(fc.tuple(name, inner)).map((list) => ({
      kind: 'struct',
      fields: list.map(([one, value]) => ({ name: one, value, at })),
      at,
    })),
    'at-time-zone': fc.tuple(inner, text).map(([operand, zone]) => ({ kind: 'at-time-zone', operand, zone, at })),
    call: fc.oneof(
      fc.tuple(name, few(argument), few(lambda)).map(
        ([one, args, lambdas]): ExpressionOf<'call'> => ({
          kind: 'call',
          name: one,
          args: [...args, ...lambdas],
          star: false,
          at,
        }),
      ),
      name.map((one): ExpressionOf<'call'> => ({ kind: 'call', name: one, args: [], star: true, at })),
    ),
  };
};

export const expression: fc.Arbitrary<Expression> = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    literal,
    ...Object.values<fc.Arbitrary<Expression>>(expressions(tie('expression'))),
  ),
})).expression;

const source: fc.Arbitrary<SourceReference> = fc
  .tuple(name, perhaps(identifier))
  .map(([one, alias]) => ({ kind: 'source', name: one, alias, at }));

const hasFields = new Set(['column', 'field', 'subscript', 'call', 'struct', 'case', 'cast']);

const item: fc.Arbitrary<SelectItem> = fc.oneof(
  fc
    .tuple(expression, perhaps(identifier))
    .map(([one, alias]): SelectItem => ({ kind: 'expression-item', expression: one, alias, at })),
  perhaps(name).map((one): SelectItem => ({ kind: 'all-columns', source: one, at })),
  expression.filter(({ kind }) => hasFields.has(kind)).map((base): SelectItem => ({ kind: 'all-fields', base, at })),
);

const join: fc.Arbitrary<Join> = fc.record({
  type: fc.constantFrom('inner', 'left', 'right', 'full'),
  source,
  within: perhaps(
    fc
      .tuple(duration, perhaps(duration), perhaps(duration))
      .map(([before, after, grace]) => ({ before, after: after ?? before, grace, at })),
  ),
  on: expression,
  at: fc.constant(at),
});

const window: fc.Arbitrary<WindowClause> = fc
  .tuple(
    fc.constantFrom('tumbling' as const, 'hopping' as const, 'session' as const),
    fc.record({ name: perhaps(name), retention: perhaps(duration), grace: perhaps(duration), at: fc.constant(at) }),
    duration,
    duration,
  )
  .map(([kind, rest, first, second]): WindowClause => {
    switch (kind) {
      case 'tumbling':
        return { kind, size: first, ...rest };
      case 'hopping':
        return { kind, size: first, advance: second, ...rest };
      case 'session':
        return { kind, gap: first, ...rest };
    }
  });

const by: fc.Arbitrary<ByClause> = some(expression).map((expressions) => ({ expressions, at }));

/** A clause that is missing here does not compile. */
const clauses: { readonly [K in keyof Required<Query>]: fc.Arbitrary<Query[K]> } = {
  items: some(item),
  from: source,
  joins: few(join),
  window: perhaps(window),
  where: perhaps(expression),
  groupBy: perhaps(by),
  partitionBy: perhaps(by),
  having: perhaps(expression),
  emit: perhaps(fc.constantFrom('changes' as const, 'final' as const).map((kind) => ({ kind, at }))),
  limit: perhaps(fc.maxSafeNat().map((count) => ({ count, at }))),
  offset: perhaps(fc.maxSafeNat().map((count) => ({ count, at }))),
  distinct: perhaps(fc.constant({ at })),
  orderBy: perhaps(
    some(
      fc.record({
        expression,
        descending: flag,
        nulls: perhaps(fc.constantFrom('first' as const, 'last' as const)),
        at: fc.constant(at),
      }),
    ).map((terms) => ({ terms, at })),
  ),
  unions: fc.constant(undefined),
  at: fc.constant(at),
};

const plain: fc.Arbitrary<Query> = fc.record(clauses);

const subquery: fc.Arbitrary<SourceReference> = fc
  .tuple(plain, perhaps(identifier))
  .map(([one, alias]) => ({ kind: 'source', name: alias?.name ?? '', alias, subquery: one, at }));

const member: fc.Arbitrary<Query> = plain.map((one) => ({
  ...one,
  orderBy: undefined,
  emit: undefined,
  limit: undefined,
  offset: undefined,
}));

export const query: fc.Arbitrary<Query> = fc
  .tuple(plain, perhaps(subquery), few(fc.record({ all: flag, query: member, at: fc.constant(at) })))
  .map(([one, from, unions]) => ({
    ...one,
    from: from ?? one.from,
    unions: unions.length === 0 ? undefined : unions,
  }));

const property: fc.Arbitrary<Property> = fc
  .tuple(name, literal)
  .map(([one, value]) => ({ name: one.toUpperCase(), value, at }));

const element: fc.Arbitrary<ColumnElement> = fc.record({
  name,
  type,
  constraint: fc.oneof(
    fc.constantFrom({ kind: 'none' }, { kind: 'key' }, { kind: 'primary-key' }, { kind: 'headers' } as const),
    text.map((key) => ({ kind: 'header', key }) as const),
  ) as fc.Arbitrary<ColumnElement['constraint']>,
  at: fc.constant(at),
});

/** The name of a topic or a subject: any text. */
const resource = text.map((one) => ({ name: one, at }));

const count = fc.maxSafeNat().map((one) => ({ count: one, at }));

/** No word of the language. */
const variable = fc.stringMatching(/^x[a-z0-9_]{0,8}$/);

const sourceKind = fc.constantFrom('stream' as const, 'table' as const);

/** A kind of statement that is missing here does not compile. */
type Statements = { readonly [K in Statement['kind']]: fc.Arbitrary<StatementOf<K>> };

const statements = (inner: fc.Arbitrary<Statement>): Statements => ({
  query: query.map((one) => ({ kind: 'query', query: one, at })),
  'create-source': fc
    .record({
      sourceKind,
      orReplace: flag,
      readOnly: flag,
      ifNotExists: flag,
      name: identifier,
      elements: few(element),
      properties: few(property),
    })
    .map((rest) => ({ kind: 'create-source', ...rest, at })),
  'create-as': fc
    .record({ sourceKind, orReplace: flag, ifNotExists: flag, name: identifier, properties: few(property), query })
    .map((rest) => ({ kind: 'create-as', ...rest, at })),
  'insert-values': fc
    .record({ target: identifier, columns: few(identifier), values: some(expression) })
    .map((rest) => ({ kind: 'insert-values', ...rest, at })),
  'insert-as': fc
    .record({ target: identifier, properties: few(property), query })
    .map((rest) => ({ kind: 'insert-as', ...rest, at })),
  'drop-source': fc
    .record({ sourceKind, ifExists: flag, name: identifier, deleteTopic: flag })
    .map((rest) => ({ kind: 'drop-source', ...rest, at })),
  'alter-source': fc
    .record({ sourceKind, name: identifier, columns: some(fc.record({ name: identifier, type })) })
    .map((rest) => ({ kind: 'alter-source', ...rest, at })),
  terminate: perhaps(identifier).map((queryId) => ({ kind: 'terminate', queryId, at })),
  pause: perhaps(identifier).map((queryId) => ({ kind: 'pause', queryId, at })),
  resume: perhaps(identifier).map((queryId) => ({ kind: 'resume', queryId, at })),
  'create-type': fc
    .record({ ifNotExists: flag, name: identifier, type })
    .map((rest) => ({ kind: 'create-type', ...rest, at })),
  'drop-type': fc.record({ ifExists: flag, name: identifier }).map((rest) => ({ kind: 'drop-type', ...rest, at })),
  'create-connector': fc
    .record({
      direction: fc.constantFrom('source' as const, 'sink' as const),
      ifNotExists: flag,
      name: identifier,
      properties: some(property),
    })
    .map((rest) => ({ kind: 'create-connector', ...rest, at })),
  'drop-connector': fc
    .record({ ifExists: flag, name: identifier })
    .map((rest) => ({ kind: 'drop-connector', ...rest, at })),
  'assert-topic': fc
    .record({ exists: flag, topic: resource, properties: few(property), timeout: perhaps(duration) })
    .map((rest) => ({ kind: 'assert-topic', ...rest, at })),
  'assert-schema': fc
    .record({ exists: flag, subject: perhaps(resource), id: perhaps(literal), timeout: perhaps(duration) })
    .map((rest) => ({ kind: 'assert-schema', ...rest, at })),
  print: fc
    .record({ topic: resource, fromBeginning: flag, interval: perhaps(count), limit: perhaps(count) })
    .map((rest) => ({ kind: 'print', ...rest, at })),
  'show-sources': fc.record({ sourceKind, extended: flag }).map((rest) => ({ kind: 'show-sources', ...rest, at })),
  'show-topics': fc.record({ all: flag, extended: flag }).map((rest) => ({ kind: 'show-topics', ...rest, at })),
  'show-queries': flag.map((extended) => ({ kind: 'show-queries', extended, at })),
  'show-functions': fc.constant({ kind: 'show-functions', at }),
  'show-properties': fc.constant({ kind: 'show-properties', at }),
  'show-types': fc.constant({ kind: 'show-types', at }),
  'show-variables': fc.constant({ kind: 'show-variables', at }),
  'show-connector-plugins': fc.constant({ kind: 'show-connector-plugins', at }),
  'show-connectors': perhaps(fc.constantFrom('source' as const, 'sink' as const)).map((direction) => ({
    kind: 'show-connectors',
    direction,
    at,
  })),
  'describe-sources': fc
    .record({ sourceKind, extended: flag })
    .map((rest) => ({ kind: 'describe-sources', ...rest, at })),
  'describe-function': identifier.map((one) => ({ kind: 'describe-function', name: one, at })),
  'describe-connector': identifier.map((one) => ({ kind: 'describe-connector', name: one, at })),
  describe: fc.record({ name: identifier, extended: flag }).map((rest) => ({ kind: 'describe', ...rest, at })),
  set: fc.tuple(text, text).map(([one, value]) => ({ kind: 'set', name: one, value, at })),
  unset: text.map((one) => ({ kind: 'unset', name: one, at })),
  'alter-system': fc.tuple(text, text).map(([one, value]) => ({ kind: 'alter-system', name: one, value, at })),
  define: fc.tuple(variable, text).map(([one, value]) => ({ kind: 'define', name: one, value, at })),
  undefine: variable.map((one) => ({ kind: 'undefine', name: one, at })),
  explain: fc.oneof(
    identifier.map((id): StatementOf<'explain'> => ({ kind: 'explain', target: { kind: 'query-id', id }, at })),
    inner.map(
      (one): StatementOf<'explain'> => ({ kind: 'explain', target: { kind: 'statement', statement: one }, at }),
    ),
  ),
});

export const statement: fc.Arbitrary<Statement> = fc.letrec<{ statement: Statement }>((tie) => ({
  // At the greatest depth the first one is taken, a query.
  statement: fc.oneof({ maxDepth: 2 }, ...Object.values<fc.Arbitrary<Statement>>(statements(tie('statement')))),
})).statement;
