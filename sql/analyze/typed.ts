/**
 * Typed expressions: what stands in plans, and what `evaluate/expression.ts` turns into closures.
 *
 * They are JSON: written to the statement log and read back without being resolved again. Four laws hold, which
 * `type-expression.ts` makes and the compiler relies on:
 *
 * - every node knows its type, a NULL too (that of its context);
 * - nothing is implicit: where a BIGINT meets a DOUBLE, or a text a TIMESTAMP, a `cast` node stands around it, so that
 *   the operands of arithmetic have its result's type and those of a comparison have one type;
 * - a parameter is that of the innermost lambda around it that has one of this name; inner and outer lambdas may share
 *   names where a rule put one expression into another;
 * - a call names the declared signature that was chosen, so that overloads added later change no running query.
 *
 * Places in the text are gone: what can be wrong at run time is the data.
 */

import { unreachable } from '../../base/index.ts';
import type { ModuleId } from '../functions/module.ts';
import type { ComparisonOperator } from '../parser/ast.ts';
import type { ArithmeticOperator } from '../types/definition.ts';
import { type LiteralValue, printLiteral } from '../types/literal.ts';
import { printType, quoteName, type SqlType, stringType } from '../types/type.ts';

/** Where a column's value comes from. `index` counts within key or value columns and is 0 for the others. */
export type ColumnOrigin =
  | 'key'
  | 'value'
  | 'header'
  | 'rowtime'
  | 'rowpartition'
  | 'rowoffset'
  | 'windowstart'
  | 'windowend';

export interface ColumnReference {
  readonly kind: 'column';
  readonly name: string;
  readonly from: ColumnOrigin;
  readonly index: number;
  readonly type: SqlType;
}

/** `x => body`, an argument of a call. `type` is that of the body. */
export interface TypedLambda {
  readonly kind: 'lambda';
  readonly parameters: readonly { readonly name: string; readonly type: SqlType }[];
  readonly body: TypedExpression;
  readonly type: SqlType;
}

export interface TypedCaseBranch {
  readonly when: TypedExpression;
  readonly then: TypedExpression;
}

export interface TypedMapEntry {
  readonly key: TypedExpression;
  readonly value: TypedExpression;
}

export type TypedExpression =
  | { readonly kind: 'literal'; readonly value: LiteralValue; readonly type: SqlType }
  | ColumnReference
  | TypedLambda
  /** A parameter of a lambda around. */
  | { readonly kind: 'parameter'; readonly name: string; readonly type: SqlType }
  /** `base->name`; `index` is the field's place in the struct. */
  | {
      readonly kind: 'field';
      readonly base: TypedExpression;
      readonly name: string;
      readonly index: number;
      readonly type: SqlType;
    }
  /** `base[index]` of an array: counts from 1, or from the end with negative numbers. `index` is INTEGER or BIGINT. */
  | {
      readonly kind: 'element';
      readonly base: TypedExpression;
      readonly index: TypedExpression;
      readonly type: SqlType;
    }
  /** `base[key]` of a map. */
  | { readonly kind: 'entry'; readonly base: TypedExpression; readonly key: TypedExpression; readonly type: SqlType }
  /** `signature` is the declared one, as the registry knows it; arguments beyond its fixed ones are variadic. `module`
   *  is there for functions of users. */
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly signature: string;
      readonly module?: ModuleId | undefined;
      /** Those properties of the statement that the function reads. */
      readonly settings?: Readonly<Record<string, string>> | undefined;
      readonly args: readonly TypedExpression[];
      readonly type: SqlType;
    }
  | { readonly kind: 'negate'; readonly operand: TypedExpression; readonly type: SqlType }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: TypedExpression;
      readonly right: TypedExpression;
      readonly type: SqlType;
    }
  | {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: TypedExpression;
      readonly right: TypedExpression;
      readonly type: SqlType;
    }
  | {
      readonly kind: 'distinct-from';
      readonly negated: boolean;
      readonly left: TypedExpression;
      readonly right: TypedExpression;
      readonly type: SqlType;
    }
  | {
      readonly kind: 'logical';
      readonly operator: 'AND' | 'OR';
      readonly operands: readonly TypedExpression[];
      readonly type: SqlType;
    }
  | { readonly kind: 'not'; readonly operand: TypedExpression; readonly type: SqlType }
  | {
      readonly kind: 'between';
      readonly negated: boolean;
      readonly operand: TypedExpression;
      readonly low: TypedExpression;
      readonly high: TypedExpression;
      readonly type: SqlType;
    }
  | {
      readonly kind: 'in';
      readonly negated: boolean;
      readonly operand: TypedExpression;
      readonly values: readonly TypedExpression[];
      readonly type: SqlType;
    }
  | {
      readonly kind: 'like';
      readonly negated: boolean;
      readonly operand: TypedExpression;
      readonly pattern: TypedExpression;
      readonly escape?: string | undefined;
      readonly type: SqlType;
    }
  | {
      readonly kind: 'is-null';
      readonly negated: boolean;
      readonly operand: TypedExpression;
      readonly type: SqlType;
    }
  | {
      readonly kind: 'case';
      readonly branches: readonly TypedCaseBranch[];
      readonly otherwise?: TypedExpression | undefined;
      readonly type: SqlType;
    }
  /**
   * Written or implied: the rules of conversion are the same. What cannot be converted is NULL; with `failure:
   * 'comparison'`, a text that is compared with a TIMESTAMP, it fails the comparison instead.
   */
  | {
      readonly kind: 'cast';
      readonly operand: TypedExpression;
      readonly type: SqlType;
      readonly failure?: 'comparison';
    }
  | { readonly kind: 'array'; readonly elements: readonly TypedExpression[]; readonly type: SqlType }
  | { readonly kind: 'map'; readonly entries: readonly TypedMapEntry[]; readonly type: SqlType }
  /** One value for each field of the type, in its order. */
  | { readonly kind: 'struct'; readonly fields: readonly TypedExpression[]; readonly type: SqlType };

/** A call of an aggregate. Its literal arguments are among `args`, as literals. */
export interface TypedAggregate {
  readonly name: string;
  readonly signature: string;
  readonly module?: ModuleId | undefined;
  readonly args: readonly TypedExpression[];
  readonly type: SqlType;
}

/** A call of a table function; `type` is that of the values that become rows. */
export interface TypedTableCall {
  readonly name: string;
  readonly signature: string;
  readonly module?: ModuleId | undefined;
  readonly args: readonly TypedExpression[];
  readonly type: SqlType;
}

export type TypedOf<K extends TypedExpression['kind']> = Extract<TypedExpression, { readonly kind: K }>;

/** The parts that an expression is made of, from left to right; of a lambda its body. */
export const partsOf = (expression: TypedExpression): readonly TypedExpression[] => {
  const parts: TypedExpression[] = [];
  mapParts(expression, (part) => {
    parts.push(part);
    return part;
  });
  return parts;
};

/** The conditions that an AND connects, from left to right; any other expression by itself. */
export const conjuncts = (expression: TypedExpression): readonly TypedExpression[] =>
  expression.kind === 'logical' && expression.operator === 'AND'
    ? expression.operands.flatMap(conjuncts)
    : [expression];

/** The same expression with each of its parts changed, which are gone through from left to right. */
export const mapParts = (
  expression: TypedExpression,
  go: (part: TypedExpression) => TypedExpression,
): TypedExpression => {
  switch (expression.kind) {
    case 'literal':
    case 'column':
    case 'parameter':
      return expression;
    case 'lambda':
      return { ...expression, body: go(expression.body) };
    case 'field':
      return { ...expression, base: go(expression.base) };
    case 'element':
      return { ...expression, base: go(expression.base), index: go(expression.index) };
    case 'entry':
      return { ...expression, base: go(expression.base), key: go(expression.key) };
    case 'call':
      return { ...expression, args: expression.args.map(go) };
    case 'negate':
    case 'not':
    case 'is-null':
    case 'cast':
      return { ...expression, operand: go(expression.operand) };
    case 'arithmetic':
    case 'comparison':
    case 'distinct-from':
      return { ...expression, left: go(expression.left), right: go(expression.right) };
    case 'logical':
      return { ...expression, operands: expression.operands.map(go) };
    case 'between':
      return { ...expression, operand: go(expression.operand), low: go(expression.low), high: go(expression.high) };
    case 'in':
      return { ...expression, operand: go(expression.operand), values: expression.values.map(go) };
    case 'like':
      return { ...expression, operand: go(expression.operand), pattern: go(expression.pattern) };
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map((branch) => ({ when: go(branch.when), then: go(branch.then) })),
        ...(expression.otherwise === undefined ? {} : { otherwise: go(expression.otherwise) }),
      };
    case 'array':
      return { ...expression, elements: expression.elements.map(go) };
    case 'map':
      return {
        ...expression,
        entries: expression.entries.map((entry) => ({ key: go(entry.key), value: go(entry.value) })),
      };
    case 'struct':
      return { ...expression, fields: expression.fields.map(go) };
    default:
      return unreachable(expression);
  }
};

/** The same expression with each column replaced. */
export const mapColumns = (
  expression: TypedExpression,
  replace: (column: ColumnReference) => TypedExpression,
): TypedExpression =>
  expression.kind === 'column' ? replace(expression) : mapParts(expression, (part) => mapColumns(part, replace));

/** Every column that the expression reads, once each, in order of first use. */
export const columnsOf = (...expressions: readonly TypedExpression[]): readonly ColumnReference[] => {
  const found = new Map<string, ColumnReference>();
  const visit = (expression: TypedExpression): void => {
    if (expression.kind === 'column') {
      const key = `${expression.from}/${expression.index}`;
      if (!found.has(key)) found.set(key, expression);
    } else for (const part of partsOf(expression)) visit(part);
  };
  for (const expression of expressions) visit(expression);
  return [...found.values()];
};

/** The expression as SQL text; casts that were implied are printed too, brackets stand wherever two operators meet. */
export const printTyped = (expression: TypedExpression): string => {
  const all = (parts: readonly TypedExpression[]): string => parts.map(printTyped).join(', ');
  const not = (negated: boolean): string => (negated ? 'NOT ' : '');
  switch (expression.kind) {
    case 'literal':
      return printLiteral(expression.value, expression.type);
    case 'column':
    case 'parameter':
      return printName(expression.name);
    case 'lambda': {
      const names = expression.parameters.map(({ name }) => printName(name)).join(', ');
      return `${expression.parameters.length === 1 ? names : `(${names})`} => ${printTyped(expression.body)}`;
    }
    case 'field':
      return `${printTyped(expression.base)}->${printName(expression.name)}`;
    case 'element':
      return `${printTyped(expression.base)}[${printTyped(expression.index)}]`;
    case 'entry':
      return `${printTyped(expression.base)}[${printTyped(expression.key)}]`;
    case 'call':
      return `${expression.name}(${all(expression.args)})`;
    case 'negate':
      return `-(${printTyped(expression.operand)})`;
    case 'arithmetic':
    case 'comparison':
      return `(${printTyped(expression.left)} ${expression.operator} ${printTyped(expression.right)})`;
    case 'distinct-from':
      return `(${printTyped(expression.left)} IS ${not(expression.negated)}DISTINCT FROM ${printTyped(expression.right)})`;
    case 'logical':
      return `(${expression.operands.map(printTyped).join(` ${expression.operator} `)})`;
    case 'not':
      return `(NOT ${printTyped(expression.operand)})`;
    case 'between':
      return `(${printTyped(expression.operand)} ${not(expression.negated)}BETWEEN ${printTyped(expression.low)} AND ${printTyped(expression.high)})`;
    case 'in':
      return `(${printTyped(expression.operand)} ${not(expression.negated)}IN (${all(expression.values)}))`;
    case 'like': {
      const escape = expression.escape === undefined ? '' : ` ESCAPE ${printLiteral(expression.escape, stringType)}`;
      return `(${printTyped(expression.operand)} ${not(expression.negated)}LIKE ${printTyped(expression.pattern)}${escape})`;
    }
    case 'is-null':
      return `(${printTyped(expression.operand)} IS ${not(expression.negated)}NULL)`;
    case 'case': {
      const branches = expression.branches.map(
        (branch) => ` WHEN ${printTyped(branch.when)} THEN ${printTyped(branch.then)}`,
      );
      const otherwise = expression.otherwise === undefined ? '' : ` ELSE ${printTyped(expression.otherwise)}`;
      return `(CASE${branches.join('')}${otherwise} END)`;
    }
    case 'cast':
      return `CAST(${printTyped(expression.operand)} AS ${printType(expression.type)})`;
    case 'array':
      return `ARRAY[${all(expression.elements)}]`;
    case 'map':
      return `MAP(${expression.entries.map((entry) => `${printTyped(entry.key)} := ${printTyped(entry.value)}`).join(', ')})`;
    case 'struct': {
      const names = expression.type.kind === 'STRUCT' ? expression.type.fields.map((field) => field.name) : [];
      return `STRUCT(${expression.fields.map((field, i) => `${printName(names[i] ?? '')} := ${printTyped(field)}`).join(', ')})`;
    }
    default:
      return unreachable(expression);
  }
};

const printName = (name: string): string => (/^[A-Z_][A-Z0-9_]*$/.test(name) ? name : quoteName(name));
