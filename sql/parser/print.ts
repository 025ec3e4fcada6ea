/**
 * From the tree back to text: one canonical form, on one line.
 *
 * The law is that parsing the text gives the same tree, places aside. So a name is quoted when it has to be,
 * parentheses stand where the tree differs from what precedence alone would give, and a double keeps its exponent, so
 * that it does not come back as a decimal. Keywords are in upper case; aliases have their AS; `!=` is `<>`.
 */

import { assert } from '../../base/index.ts';
import type {
  ByClause,
  CaseBranch,
  Duration,
  Expression,
  Join,
  Literal,
  OrderTerm,
  Property,
  Query,
  SelectItem,
  SourceReference,
  TypeNode,
  WindowClause,
} from './ast.ts';
import { isReserved, typeWords } from './words.ts';

// ------------------------------------------------------------------------------------------------------------ names

/** Words that are not reserved and yet begin something else where a name may stand. */
const misleading: ReadonlySet<string> = new Set(['ARRAY', 'MAP', 'STRUCT', 'IF', 'TABLES']);

/** A name as it has to be written to be read back: bare, or in backticks. */
export const printName = (name: string): string =>
  /^[A-Z_][A-Z0-9_@]*$/.test(name) && !isReserved(name) && !misleading.has(name)
    ? name
    : `\`${name.replaceAll('`', '``')}\``;

/** A string literal. */
export const printString = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The name of a topic or of a subject, which counts as it is written. */
export const printResource = printString;

export const printNames = (list: readonly string[]): string => list.map(printName).join(', ');

/** The parts that are there, with a blank between them. */
export const words = (...parts: readonly (string | false | undefined)[]): string =>
  parts.filter((part) => part !== false && part !== undefined && part !== '').join(' ');

// ------------------------------------------------------------------------------------------------------ expressions

/** How tightly a form binds; an operand that binds less tightly than its place asks for gets parentheses. */
const level = { or: 1, and: 2, not: 3, predicate: 4, concat: 5, sum: 6, product: 7, sign: 8, postfix: 9 } as const;

function levelOf(expression: Expression): number {
  switch (expression.kind) {
    case 'logical':
      return expression.operator === 'OR' ? level.or : level.and;
    case 'not':
      return level.not;
    case 'comparison':
    case 'distinct-from':
    case 'between':
    case 'in':
    case 'like':
    case 'is-null':
      return level.predicate;
    case 'concat':
      return level.concat;
    case 'arithmetic':
      return expression.operator === '+' || expression.operator === '-' ? level.sum : level.product;
    case 'sign':
      return level.sign;
    case 'lambda':
      return 0;
    case 'null':
    case 'boolean':
    case 'integer':
    case 'decimal':
    case 'double':
    case 'string':
    case 'unit':
    case 'column':
    case 'field':
    case 'subscript':
    case 'call':
    case 'case':
    case 'simple-case':
    case 'cast':
    case 'array':
    case 'map':
    case 'struct':
    case 'at-time-zone':
      return level.postfix;
  }
}

const operand = (expression: Expression, least: number): string => {
  const text = printExpression(expression);
  return levelOf(expression) < least ? `(${text})` : text;
};

export const printExpressions = (list: readonly Expression[]): string => list.map(printExpression).join(', ');

/** A value that takes part in a predicate. */
const compared = (expression: Expression): string => operand(expression, level.concat);

export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'null':
    case 'boolean':
    case 'integer':
    case 'decimal':
    case 'double':
    case 'string':
      return printLiteral(expression);
    case 'column':
      return expression.source === undefined
        ? printName(expression.name)
        : `${printName(expression.source)}.${printName(expression.name)}`;
    case 'field':
      return `${operand(expression.base, level.postfix)}->${printName(expression.name)}`;
    case 'subscript':
      return `${operand(expression.base, level.postfix)}[${printExpression(expression.index)}]`;
    case 'call':
      return `${printName(expression.name)}(${expression.star ? '*' : printExpressions(expression.args)})`;
    case 'sign': {
      // A digit behind a minus would become part of a literal, and a second minus would begin a comment.
      const text = operand(expression.operand, level.postfix);
      return /^[-+.0-9]/.test(text) ? `${expression.operator}(${text})` : `${expression.operator}${text}`;
    }
    case 'arithmetic': {
      const own = levelOf(expression);
      return `${operand(expression.left, own)} ${expression.operator} ${operand(expression.right, own + 1)}`;
    }
    case 'concat':
      return `${operand(expression.left, level.concat)} || ${operand(expression.right, level.sum)}`;
    case 'comparison':
      return `${compared(expression.left)} ${expression.operator} ${compared(expression.right)}`;
    case 'distinct-from':
      return words(
        compared(expression.left),
        'IS',
        expression.negated && 'NOT',
        'DISTINCT FROM',
        compared(expression.right),
      );
    case 'logical': {
      const own = levelOf(expression);
      return expression.operands.map((one) => operand(one, own + 1)).join(` ${expression.operator} `);
    }
    case 'not':
      return `NOT ${operand(expression.operand, level.not)}`;
    case 'between':
      return words(
        compared(expression.operand),
        expression.negated && 'NOT',
        'BETWEEN',
        compared(expression.low),
        'AND',
        compared(expression.high),
      );
    case 'in':
      return words(
        compared(expression.operand),
        expression.negated && 'NOT',
        `IN (${printExpressions(expression.values)})`,
      );
    case 'like':
      return words(
        compared(expression.operand),
        expression.negated && 'NOT',
        `LIKE ${compared(expression.pattern)}`,
        expression.escape !== undefined && `ESCAPE ${printString(expression.escape)}`,
      );
    case 'is-null':
      return words(compared(expression.operand), 'IS', expression.negated && 'NOT', 'NULL');
    case 'case':
      return printCase('CASE', expression.branches, expression.otherwise);
    case 'simple-case':
      return printCase(`CASE ${printExpression(expression.operand)}`, expression.branches, expression.otherwise);
    case 'cast':
      return `CAST(${printExpression(expression.operand)} AS ${printType(expression.type)})`;
    case 'array':
      return `ARRAY[${printExpressions(expression.elements)}]`;
    case 'map':
      return `MAP(${expression.entries.map(({ key, value }) => `${printExpression(key)} := ${printExpression(value)}`).join(', ')})`;
    case 'struct':
      return `STRUCT(${expression.fields.map(({ name, value }) => `${printName(name)} := ${printExpression(value)}`).join(', ')})`;
    case 'lambda': {
      const parameters = printNames(expression.parameters);
      return `${expression.parameters.length === 1 ? parameters : `(${parameters})`} => ${printExpression(expression.body)}`;
    }
    case 'unit':
      return expression.unit;
    case 'at-time-zone':
      return `${operand(expression.operand, level.postfix)} AT TIME ZONE ${printString(expression.zone)}`;
  }
}

function printCase(head: string, branches: readonly CaseBranch[], otherwise: Expression | undefined): string {
  return words(
    head,
    ...branches.map(({ when, then }) => `WHEN ${printExpression(when)} THEN ${printExpression(then)}`),
    otherwise && `ELSE ${printExpression(otherwise)}`,
    'END',
  );
}

export function printLiteral(literal: Literal): string {
  switch (literal.kind) {
    case 'null':
      return 'NULL';
    case 'boolean':
      return literal.value ? 'TRUE' : 'FALSE';
    case 'integer':
      return String(literal.value);
    case 'decimal':
      return literal.text.includes('.') ? literal.text : `DECIMAL ${printString(literal.text)}`;
    case 'double':
      assert(Number.isFinite(literal.value), 'a double literal is a finite number');
      return `${Object.is(literal.value, -0) ? '-' : ''}${literal.value.toExponential().replace('e+', 'e').toUpperCase()}`;
    case 'string':
      return printString(literal.value);
  }
}

// ------------------------------------------------------------------------------------------------------------ types

const ownTypeWords: ReadonlySet<string> = new Set(typeWords);

export function printType(type: TypeNode): string {
  switch (type.kind) {
    case 'base-type':
      return type.name;
    case 'decimal-type':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'array-type':
      return `ARRAY<${printType(type.element)}>`;
    case 'map-type':
      return `MAP<${printType(type.key)}, ${printType(type.value)}>`;
    case 'struct-type':
      return `STRUCT<${type.fields.map((field) => `${printName(field.name)} ${printType(field.type)}`).join(', ')}>`;
    case 'named-type':
      return ownTypeWords.has(type.name) ? `\`${type.name}\`` : printName(type.name);
  }
}

// ---------------------------------------------------------------------------------------------------------- queries

export const printDuration = ({ amount, unit }: Duration): string => `${amount} ${unit}`;

export function printQuery(query: Query): string {
  return words(
    'SELECT',
    query.distinct && 'DISTINCT',
    query.items.map(printItem).join(', '),
    'FROM',
    printSource(query.from),
    ...query.joins.map(printJoin),
    query.window && printWindow(query.window),
    query.where && `WHERE ${printExpression(query.where)}`,
    query.groupBy && `GROUP BY ${printBy(query.groupBy)}`,
    query.partitionBy && `PARTITION BY ${printBy(query.partitionBy)}`,
    query.having && `HAVING ${printExpression(query.having)}`,
    ...(query.unions ?? []).map((member) => `UNION ${member.all ? 'ALL ' : ''}${printQuery(member.query)}`),
    query.orderBy && `ORDER BY ${query.orderBy.terms.map(printOrderTerm).join(', ')}`,
    query.emit && `EMIT ${query.emit.kind.toUpperCase()}`,
    query.limit && `LIMIT ${query.limit.count}`,
    query.offset && `OFFSET ${query.offset.count}`,
  );
}

const printOrderTerm = ({ expression, descending, nulls }: OrderTerm): string =>
  words(printExpression(expression), descending && 'DESC', nulls && `NULLS ${nulls.toUpperCase()}`);

function printItem(item: SelectItem): string {
  switch (item.kind) {
    case 'expression-item':
      return words(printExpression(item.expression), item.alias && `AS ${printName(item.alias.name)}`);
    case 'all-columns':
      return item.source === undefined ? '*' : `${printName(item.source)}.*`;
    case 'all-fields':
      return `${operand(item.base, level.postfix)}->*`;
  }
}

const printSource = ({ name, alias, subquery }: SourceReference): string =>
  words(subquery === undefined ? printName(name) : `(${printQuery(subquery)})`, alias && `AS ${printName(alias.name)}`);

function printJoin({ type, source, within, on }: Join): string {
  return words(
    `${type.toUpperCase()} JOIN`,
    printSource(source),
    within &&
      (samePeriod(within.before, within.after)
        ? `WITHIN ${printDuration(within.before)}`
        : `WITHIN (${printDuration(within.before)}, ${printDuration(within.after)})`),
    within?.grace && `GRACE PERIOD ${printDuration(within.grace)}`,
    `ON ${printExpression(on)}`,
  );
}

const samePeriod = (left: Duration, right: Duration): boolean =>
  left.amount === right.amount && left.unit === right.unit;

function printWindow(window: WindowClause): string {
  const rest = [
    window.retention && `RETENTION ${printDuration(window.retention)}`,
    window.grace && `GRACE PERIOD ${printDuration(window.grace)}`,
  ];
  const settings = (...first: readonly string[]): string =>
    `(${[...first, ...rest].filter((part) => part !== undefined).join(', ')})`;
  const head = words('WINDOW', window.name !== undefined && printName(window.name));
  switch (window.kind) {
    case 'tumbling':
      return `${head} TUMBLING ${settings(`SIZE ${printDuration(window.size)}`)}`;
    case 'hopping':
      return `${head} HOPPING ${settings(
        `SIZE ${printDuration(window.size)}`,
        `ADVANCE BY ${printDuration(window.advance)}`,
      )}`;
    case 'session':
      return `${head} SESSION ${settings(printDuration(window.gap))}`;
  }
}

const printBy = (by: ByClause): string => by.expressions.map(compared).join(', ');

// ------------------------------------------------------------------------------------------------------ properties

export const printProperties = (properties: readonly Property[]): string | undefined =>
  properties.length === 0
    ? undefined
    : `WITH (${properties.map(({ name, value }) => `${printName(name)} = ${printLiteral(value)}`).join(', ')})`;
