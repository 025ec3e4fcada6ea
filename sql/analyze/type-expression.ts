/**
 * From the syntax tree of an expression to a typed one, or an error that names the fault and its place.
 *
 * What a name means is the scope's business; which function is meant, the registry's. Here are the rules of types: of
 * operators, of lists, and of implied conversions. Two things have no type of their own until their neighbours give
 * them one: NULL, and a literal with a point, which stands for a DOUBLE until DECIMAL is a type. Such a thing is a
 * *draft*; `settle` gives it the type that is wanted, and where nobody wants one, says so.
 */

import { closest, type Position, UserError, unreachable } from '../../base/index.ts';
import type { ScalarDefinition } from '../functions/define.ts';
import type { FunctionRegistry, Resolution } from '../functions/registry.ts';
import { spread } from '../functions/signature.ts';
import type { Expression, ExpressionOf } from '../parser/ast.ts';
import { canConvert, converter } from '../types/cast.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { parseTimestamp } from '../types/time/text.ts';
import {
  arrayOf,
  bigintType,
  booleanType,
  doubleType,
  integerType,
  isNumeric,
  isScalar,
  mapOf,
  numericRank,
  printType,
  type SqlType,
  type StructField,
  stringType,
  structOf,
  typeOfNode,
  typesEqual,
} from '../types/type.ts';
import { normalizeBigint, type Value } from '../types/value.ts';
import type { ColumnReference, LiteralValue, TypedAggregate, TypedExpression } from './typed.ts';

export interface ExpressionScope {
  readonly functions: FunctionRegistry;
  /** The column that a name means here. Raises a `UserError` when there is none, or more than one. */
  column(node: ExpressionOf<'column'>): ColumnReference;
  /** Custom types by name. */
  customType?(name: string): SqlType | undefined;
}

/** The typed form of an expression. `wanted` gives a NULL or a literal with a point its type; it converts nothing. */
export const typeExpression = (node: Expression, scope: ExpressionScope, wanted?: SqlType): TypedExpression =>
  settle(new Typer(scope).draft(node, wanted), wanted);

/** The typed form of an expression, converted to a type: strictly, or laxly as INSERT VALUES does. */
export const typeExpressionAs = (
  node: Expression,
  scope: ExpressionScope,
  target: SqlType,
  grade: 'strict' | 'lax',
): TypedExpression => {
  const draft = new Typer(scope).draft(node, target);
  const converted = convert(draft, target, grade);
  if (converted !== undefined) return converted;
  throw mismatch(`${describe(draft)} cannot be used as ${printType(target)}`, draft.at);
};

/** The typed form of an expression that has to be a condition. `clause` is named in the error. */
export const typeCondition = (node: Expression, scope: ExpressionScope, clause: string): TypedExpression => {
  const typed = typeExpression(node, scope, booleanType);
  if (typed.type.kind === 'BOOLEAN') return typed;
  throw mismatch(`the condition of ${clause} has to be a BOOLEAN but is ${printType(typed.type)}`, node.at);
};

/** The typed form of a call of an aggregate. `COUNT(*)` is COUNT without arguments. */
export const typeAggregate = (node: ExpressionOf<'call'>, scope: ExpressionScope): TypedAggregate => {
  const typer = new Typer(scope);
  const drafts = node.star ? [] : node.args.map((arg) => typer.draft(arg));
  const { overload, parameters, args, result } = scope.functions.resolveAggregate(
    node.name,
    drafts.map(typeForChoice),
    node.at,
  );
  parameters.forEach((parameter, i) => {
    const draft = drafts[i] as Draft;
    if (parameter.literal && !(draft.kind === 'typed' && draft.typed.kind === 'literal')) {
      throw new UserError(
        'SQL_LITERAL_EXPECTED',
        `argument ${i + 1} of ${overload.signature.name} has to be a literal`,
        {
          at: draft.at,
        },
      );
    }
  });
  return {
    name: overload.signature.name,
    signature: overload.signature.text,
    args: drafts.map((draft, i) => settle(draft, args[i])),
    type: result,
  };
};

/** Whether the function that a call names is an aggregate. */
export const isAggregateCall = (node: Expression, functions: FunctionRegistry): node is ExpressionOf<'call'> =>
  node.kind === 'call' && functions.isAggregate(node.name);

/** A cast around an expression where its type is another; the caller knows that the conversion is possible. */
export const castTo = (expression: TypedExpression, type: SqlType): TypedExpression => {
  if (typesEqual(expression.type, type)) return expression;
  if (expression.kind === 'literal') {
    const { value } = expression;
    if (value === null) return { kind: 'literal', value, type };
    if (isNumeric(expression.type) && isNumeric(type) && numericRank(expression.type) < numericRank(type)) {
      return { kind: 'literal', value: type.kind === 'DOUBLE' ? Number(value) : value, type };
    }
  }
  return { kind: 'cast', operand: expression, type };
};

// -------------------------------------------------------------------------------------------------------- drafts

type Draft =
  | { readonly kind: 'typed'; readonly typed: TypedExpression; readonly at: Position }
  | { readonly kind: 'null'; readonly at: Position }
  | { readonly kind: 'decimal'; readonly text: string; readonly at: Position };

const typeOf = (draft: Draft): SqlType | null => (draft.kind === 'typed' ? draft.typed.type : null);

/** The type by which an overload is chosen. */
const typeForChoice = (draft: Draft): SqlType | null => (draft.kind === 'decimal' ? doubleType : typeOf(draft));

const describe = (draft: Draft): string =>
  draft.kind === 'typed'
    ? `a value of type ${printType(draft.typed.type)}`
    : draft.kind === 'null'
      ? 'NULL'
      : draft.text;

const mismatch = (message: string, at: Position, hint?: string): UserError =>
  new UserError('SQL_TYPE_MISMATCH', message, { at, hint });

const decimalLiteral = (text: string, at: Position): UserError =>
  new UserError('SQL_DECIMAL_LITERAL', `the literal ${text} is a DECIMAL, which is not supported here yet`, {
    at,
    hint: `Write ${text.startsWith('.') ? `0${text}` : text}E0 for a DOUBLE.`,
  });

/** The draft as it is where it has a type, else with the one that is wanted. */
const settle = (draft: Draft, wanted?: SqlType | null): TypedExpression => {
  switch (draft.kind) {
    case 'typed':
      return draft.typed;
    case 'null':
      if (wanted === undefined || wanted === null) {
        throw new UserError('SQL_UNTYPED_NULL', 'the type of this NULL cannot be told', {
          at: draft.at,
          hint: 'Write CAST(NULL AS type).',
        });
      }
      return { kind: 'literal', value: null, type: wanted };
    case 'decimal':
      if (wanted?.kind !== 'DOUBLE') throw decimalLiteral(draft.text, draft.at);
      return { kind: 'literal', value: Number(draft.text), type: doubleType };
  }
};

/** The draft converted to a type, or none when that is not possible. A text that is no value of the type raises an
 *  error. */
const convert = (draft: Draft, target: SqlType, grade: 'strict' | 'lax'): TypedExpression | undefined => {
  switch (draft.kind) {
    case 'null':
      return { kind: 'literal', value: null, type: target };
    case 'decimal':
      if (target.kind === 'DOUBLE') return { kind: 'literal', value: Number(draft.text), type: doubleType };
      if (target.kind === 'STRING' && grade === 'lax') return { kind: 'literal', value: draft.text, type: stringType };
      throw decimalLiteral(draft.text, draft.at);
    case 'typed':
      return convertTyped(draft.typed, target, grade, draft.at);
  }
};

const convertTyped = (
  typed: TypedExpression,
  target: SqlType,
  grade: 'strict' | 'lax',
  at: Position,
): TypedExpression | undefined => {
  const { type } = typed;
  if (typesEqual(type, target)) return typed;
  const part = (each: TypedExpression, to: SqlType): TypedExpression | undefined => convertTyped(each, to, grade, at);
  if (typed.kind === 'array' && target.kind === 'ARRAY') {
    const elements = typed.elements.map((element) => part(element, target.element));
    return elements.every((each) => each !== undefined) ? { kind: 'array', elements, type: target } : undefined;
  }
  if (typed.kind === 'map' && target.kind === 'MAP') {
    const entries: { key: TypedExpression; value: TypedExpression }[] = [];
    for (const entry of typed.entries) {
      const key = part(entry.key, target.key);
      const value = part(entry.value, target.value);
      if (key === undefined || value === undefined) return undefined;
      entries.push({ key, value });
    }
    return { kind: 'map', entries, type: target };
  }
  if (typed.kind === 'struct' && target.kind === 'STRUCT' && type.kind === 'STRUCT') {
    if (type.fields.some((field) => !target.fields.some((other) => other.name === field.name))) return undefined;
    const fields = target.fields.map((field): TypedExpression | undefined => {
      const index = type.fields.findIndex((other) => other.name === field.name);
      const value = typed.fields[index];
      return value === undefined ? { kind: 'literal', value: null, type: field.type } : part(value, field.type);
    });
    return fields.every((each) => each !== undefined) ? { kind: 'struct', fields, type: target } : undefined;
  }
  if (typed.kind === 'literal' && typed.value !== null && canConvert(type, target, grade)) {
    return convertLiteral(typed.value, type, target, at);
  }
  return canConvert(type, target, grade) ? castTo(typed, target) : undefined;
};

/** A literal of another type, converted now: what a text stands for is known before the query runs. */
const convertLiteral = (value: LiteralValue, from: SqlType, to: SqlType, at: Position): TypedExpression => {
  try {
    const converted = converter(from, to, 'lax')(literalOf(value, from));
    return { kind: 'literal', value: literalFrom(converted), type: to };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new UserError('SQL_BAD_TEXT', `invalid input for type ${printType(to)}: ${error.message}`, { at });
  }
};

/** The value that a literal stands for. */
export const literalOf = (value: LiteralValue, type: SqlType): Value =>
  type.kind === 'BIGINT' && typeof value === 'string' ? normalizeBigint(BigInt(value)) : value;

/** A scalar as a literal. */
export const literalFrom = (value: Value): LiteralValue =>
  typeof value === 'bigint' ? String(value) : (value as LiteralValue);

/** The type in which two values can be compared, or none. */
const comparisonType = (a: SqlType, b: SqlType): SqlType | undefined => {
  if (typesEqual(a, b)) return a;
  if (isNumeric(a) && isNumeric(b)) return numericRank(a) >= numericRank(b) ? a : b;
  if (a.kind === 'TIMESTAMP' && b.kind === 'STRING') return a;
  if (a.kind === 'STRING' && b.kind === 'TIMESTAMP') return b;
  if (isScalar(a) || isScalar(b)) return undefined;
  return canConvert(b, a, 'strict') ? a : canConvert(a, b, 'strict') ? b : undefined;
};

// --------------------------------------------------------------------------------------------------------- lists

/** An element of a list by its type alone, and whether it is a literal, which converts more readily. */
interface Member {
  readonly type: SqlType;
  readonly typed?: TypedExpression | undefined;
}

const isLiteral = (member: Member): boolean => member.typed?.kind === 'literal';

/** The common type of what came so far and one more member, or none. A literal bends to what is not one. */
const commonType = (common: SqlType, member: Member): SqlType | undefined => {
  const { type, typed } = member;
  if (typed?.kind === 'literal' && typed.value === null) return common;
  if (common.kind === 'ARRAY' && type.kind === 'ARRAY') {
    const members = typed?.kind === 'array' ? typed.elements.map(memberOf) : [{ type: type.element }];
    const element = members.reduce<SqlType | undefined>(fold, common.element);
    return element === undefined ? undefined : arrayOf(element);
  }
  if (common.kind === 'MAP' && type.kind === 'MAP') {
    const keys = typed?.kind === 'map' ? typed.entries.map((entry) => memberOf(entry.key)) : [{ type: type.key }];
    const values = typed?.kind === 'map' ? typed.entries.map((entry) => memberOf(entry.value)) : [{ type: type.value }];
    const key = keys.reduce<SqlType | undefined>(fold, common.key);
    const value = values.reduce<SqlType | undefined>(fold, common.value);
    return key === undefined || value === undefined ? undefined : mapOf(key, value);
  }
  if (common.kind === 'STRUCT' && type.kind === 'STRUCT') {
    const fields: StructField[] = [...common.fields];
    for (let i = 0; i < type.fields.length; i++) {
      const field = type.fields[i] as StructField;
      const index = fields.findIndex((other) => other.name === field.name);
      if (index < 0) fields.push(field);
      else {
        const each = typed?.kind === 'struct' ? memberOf(typed.fields[i] as TypedExpression) : { type: field.type };
        const merged = commonType((fields[index] as StructField).type, each);
        if (merged === undefined) return undefined;
        fields[index] = { name: field.name, type: merged };
      }
    }
    return structOf(fields);
  }
  if (typesEqual(common, type)) return common;
  if (isNumeric(common) && isNumeric(type)) return numericRank(common) >= numericRank(type) ? common : type;
  if (common.kind === 'STRING') return isLiteral(member) ? common : type.kind === 'TIMESTAMP' ? type : undefined;
  if (type.kind === 'STRING' && isScalar(common)) {
    return isLiteral(member) || common.kind === 'TIMESTAMP' ? common : undefined;
  }
  return undefined;
};

const memberOf = (typed: TypedExpression): Member => ({ type: typed.type, typed });
const fold = (common: SqlType | undefined, member: Member): SqlType | undefined =>
  common === undefined ? undefined : commonType(common, member);

/** Converts the members of a list to their common type; none when all are NULL. */
const unify = (drafts: readonly Draft[], wanted: SqlType | undefined): readonly TypedExpression[] | undefined => {
  let common: SqlType | undefined;
  for (const draft of drafts) {
    if (draft.kind !== 'typed') continue;
    const member = memberOf(draft.typed);
    if (common === undefined) {
      common = member.type;
      continue;
    }
    const next = commonType(common, member);
    if (next === undefined) {
      throw mismatch(`the list holds ${printType(common)} and ${printType(member.type)}`, draft.at, 'Use CAST.');
    }
    common = next;
  }
  if (common === undefined) {
    // Only NULLs and literals with a point: the surroundings may know the type.
    if (wanted === undefined || drafts.every((draft) => draft.kind === 'null')) {
      const decimal = drafts.find((draft) => draft.kind === 'decimal');
      if (decimal !== undefined) throw decimalLiteral(decimal.text, decimal.at);
      if (wanted === undefined) return undefined;
    }
    common = wanted;
  }
  const target = common as SqlType;
  return drafts.map((draft) => {
    const converted = convert(draft, target, 'lax');
    if (converted === undefined) throw mismatch(`${describe(draft)} cannot be used as ${printType(target)}`, draft.at);
    return converted;
  });
};

// --------------------------------------------------------------------------------------------------------- typer

class Typer {
  readonly #scope: ExpressionScope;

  constructor(scope: ExpressionScope) {
    this.#scope = scope;
  }

  draft(node: Expression, wanted?: SqlType): Draft {
    switch (node.kind) {
      case 'null':
        return { kind: 'null', at: node.at };
      case 'decimal':
        return { kind: 'decimal', text: node.text, at: node.at };
      default:
        return { kind: 'typed', typed: this.#typed(node, wanted), at: node.at };
    }
  }

  #typed(node: Exclude<Expression, { kind: 'null' | 'decimal' }>, wanted: SqlType | undefined): TypedExpression {
    switch (node.kind) {
      case 'boolean':
        return { kind: 'literal', value: node.value, type: booleanType };
      case 'integer': {
        const fitsInteger = typeof node.value === 'number' && node.value === (node.value | 0);
        return { kind: 'literal', value: literalFrom(node.value), type: fitsInteger ? integerType : bigintType };
      }
      case 'double': {
        const literal = { kind: 'literal', value: node.value, type: doubleType } as const;
        // A plan is JSON, which has no negative zero.
        if (!Object.is(node.value, -0)) return literal;
        return { kind: 'negate', operand: { ...literal, value: 0 }, type: doubleType };
      }
      case 'string':
        return { kind: 'literal', value: node.value, type: stringType };
      case 'column':
        return this.#scope.column(node);
      case 'field':
        return this.#field(node);
      case 'subscript':
        return this.#subscript(node);
      case 'call':
        return this.#call(node);
      case 'sign': {
        const operand = settle(this.draft(node.operand));
        if (!isNumeric(operand.type)) {
          throw mismatch(`a sign needs a number, not ${printType(operand.type)}`, node.at);
        }
        return node.operator === '+' ? operand : { kind: 'negate', operand, type: operand.type };
      }
      case 'arithmetic':
        return this.#arithmetic(node);
      case 'concat':
        return this.#callOf('CONCAT', [node.left, node.right], node.at);
      case 'comparison':
        return this.#comparison(node);
      case 'distinct-from':
        return this.#distinctFrom(node);
      case 'logical': {
        const operands = node.operands.map((operand) => this.#condition(operand, node.operator));
        return { kind: 'logical', operator: node.operator, operands, type: booleanType };
      }
      case 'not':
        return { kind: 'not', operand: this.#condition(node.operand, 'NOT'), type: booleanType };
      case 'between':
        return this.#between(node);
      case 'in': {
        const drafts = [this.draft(node.operand), ...node.values.map((value) => this.draft(value))];
        const unified = unify(drafts, undefined);
        if (unified === undefined) throw nullComparison(node.at);
        const [operand, ...values] = unified;
        return { kind: 'in', negated: node.negated, operand: operand as TypedExpression, values, type: booleanType };
      }
      case 'like': {
        const operand = this.#text(node.operand, 'LIKE');
        const pattern = this.#text(node.pattern, 'LIKE');
        const { negated, escape } = node;
        const like = { kind: 'like', negated, operand, pattern, type: booleanType } as const;
        return escape === undefined ? like : { ...like, escape };
      }
      case 'is-null':
        return {
          kind: 'is-null',
          negated: node.negated,
          operand: this.#any(node.operand, stringType),
          type: booleanType,
        };
      case 'case':
        return this.#case(node, wanted);
      case 'simple-case':
        throw unsupported('CASE with an operand', node.at, 'Write CASE WHEN operand = value THEN … END.');
      case 'cast': {
        const type = typeOfNode(node.type, this.#scope.customType);
        const draft = this.draft(node.operand, type);
        if (draft.kind !== 'typed') {
          const converted = convert(draft, type, 'lax');
          if (converted !== undefined) return converted;
        }
        const operand = settle(draft, type);
        if (!canConvert(operand.type, type, 'explicit')) {
          throw mismatch(`${printType(operand.type)} cannot be cast to ${printType(type)}`, node.at);
        }
        return castTo(operand, type);
      }
      case 'array': {
        if (node.elements.length === 0) throw emptyConstructor('an array', node.at);
        const inner = wanted?.kind === 'ARRAY' ? wanted.element : undefined;
        const elements = unify(
          node.elements.map((element) => this.draft(element, inner)),
          inner,
        );
        if (elements === undefined) throw allNull('an array', node.at);
        return { kind: 'array', elements, type: arrayOf((elements[0] as TypedExpression).type) };
      }
      case 'map':
        return this.#map(node, wanted);
      case 'struct': {
        const fields = node.fields.map((field) => {
          const inner =
            wanted?.kind === 'STRUCT' ? wanted.fields.find((other) => other.name === field.name)?.type : undefined;
          return settle(this.draft(field.value, inner), inner);
        });
        const names = new Set<string>();
        for (const field of node.fields) {
          if (names.has(field.name)) {
            throw new UserError('SQL_DUPLICATE_FIELD', `the struct has two fields called "${field.name}"`, {
              at: field.at,
            });
          }
          names.add(field.name);
        }
        const type = structOf(
          node.fields.map((field, i) => ({ name: field.name, type: (fields[i] as TypedExpression).type })),
        );
        return { kind: 'struct', fields, type };
      }
      case 'lambda':
        throw unsupported('a lambda', node.at);
      case 'unit':
        throw new UserError('SQL_MISPLACED_UNIT', `the unit ${node.unit} cannot stand here`, { at: node.at });
      case 'at-time-zone':
        throw unsupported('AT TIME ZONE', node.at);
      default:
        return unreachable(node);
    }
  }

  /** The expression; `fallback` is the type of a NULL. */
  #any(node: Expression, fallback: SqlType): TypedExpression {
    const draft = this.draft(node);
    return settle(draft, draft.kind === 'null' ? fallback : undefined);
  }

  #condition(node: Expression, operator: string): TypedExpression {
    const typed = this.#any(node, booleanType);
    if (typed.type.kind === 'BOOLEAN') return typed;
    throw mismatch(`${operator} needs a BOOLEAN, not ${printType(typed.type)}`, node.at);
  }

  #text(node: Expression, operator: string): TypedExpression {
    const typed = this.#any(node, stringType);
    if (typed.type.kind === 'STRING') return typed;
    throw mismatch(`${operator} needs a STRING, not ${printType(typed.type)}`, node.at);
  }

  #field(node: ExpressionOf<'field'>): TypedExpression {
    const base = settle(this.draft(node.base));
    if (base.type.kind !== 'STRUCT') {
      throw mismatch(`-> needs a STRUCT before it, not ${printType(base.type)}`, node.at);
    }
    const { fields } = base.type;
    const index = fields.findIndex((field) => field.name === node.name);
    const field = fields[index];
    if (field === undefined) {
      const names = fields.map((each) => each.name);
      const near = closest(node.name, names);
      throw new UserError('SQL_UNKNOWN_FIELD', `the struct has no field called "${node.name}"`, {
        at: node.at,
        hint: near === undefined ? `Its fields are ${names.join(', ')}.` : `Did you mean "${near}"?`,
      });
    }
    return { kind: 'field', base, name: node.name, index, type: field.type };
  }

  #subscript(node: ExpressionOf<'subscript'>): TypedExpression {
    const base = settle(this.draft(node.base));
    if (base.type.kind === 'ARRAY') {
      const index = this.#any(node.index, integerType);
      if (index.type.kind !== 'INTEGER' && index.type.kind !== 'BIGINT') {
        throw mismatch(`the index of an array has to be a whole number, not ${printType(index.type)}`, node.index.at);
      }
      return { kind: 'element', base, index, type: base.type.element };
    }
    if (base.type.kind === 'MAP') {
      // A key of another type is in no map.
      const key = this.#any(node.index, base.type.key);
      if (!isScalar(key.type)) {
        throw mismatch(`the key of this map is ${printType(base.type.key)}, not ${printType(key.type)}`, node.index.at);
      }
      return { kind: 'entry', base, key, type: base.type.value };
    }
    throw mismatch(
      `[…] needs an ARRAY or a MAP before it, not ${printType(base.type)}`,
      node.at,
      base.type.kind === 'STRUCT' ? 'Write base->field for a field of a struct.' : undefined,
    );
  }

  #call(node: ExpressionOf<'call'>): TypedExpression {
    return this.#callOf(node.name, node.args, node.at, node.star);
  }

  #callOf(name: string, args: readonly Expression[], at: Position, star = false): TypedExpression {
    const { functions } = this.#scope;
    if (star) {
      throw new UserError('SQL_FUNCTION_ARGUMENTS', `${name.toUpperCase()}(*) is not possible here`, {
        at,
        hint: functions.isAggregate(name)
          ? 'Aggregates stand in SELECT and HAVING of a query with GROUP BY.'
          : undefined,
      });
    }
    const drafts = args.map((arg): Draft => {
      if (arg.kind !== 'unit') return this.draft(arg);
      return { kind: 'typed', typed: { kind: 'literal', value: arg.unit, type: stringType }, at: arg.at };
    });
    const resolution = functions.resolve(name, drafts.map(typeForChoice), at);
    const { signature } = resolution.overload;
    const converted = drafts.map((draft, i) => {
      const target = resolution.args[i] as SqlType;
      const made = convert(draft, target, 'strict');
      if (made === undefined) throw mismatch(`${describe(draft)} cannot be used as ${printType(target)}`, draft.at);
      return made;
    });
    spread(signature, args.length)?.forEach((parameter, i) => {
      if (parameter.literal && converted[i]?.kind !== 'literal') {
        throw new UserError('SQL_LITERAL_EXPECTED', `argument ${i + 1} of ${signature.name} has to be a literal`, {
          at: drafts[i]?.at ?? at,
        });
      }
    });
    this.#checkConstants(resolution, converted, at);
    return { kind: 'call', name: signature.name, signature: signature.text, args: converted, type: resolution.result };
  }

  /** A constant that the function refuses is known to be wrong before the query runs. */
  #checkConstants(
    { overload, args, result }: Resolution<ScalarDefinition>,
    given: readonly TypedExpression[],
    at: Position,
  ): void {
    const { definition, signature } = overload;
    if (!('bind' in definition)) return;
    const constants = given.map((arg) => (arg.kind === 'literal' ? literalOf(arg.value, arg.type) : undefined));
    try {
      definition.bind({ args, result, constants, context: { now: () => 0, random: () => 0 } });
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      throw new UserError('SQL_BAD_CONSTANT', `${signature.name} cannot work with its constants: ${error.message}`, {
        at,
      });
    }
  }

  #arithmetic(node: ExpressionOf<'arithmetic'>): TypedExpression {
    const left = this.draft(node.left);
    const right = this.draft(node.right);
    for (const side of [left, right]) {
      if (side.kind === 'null') {
        throw mismatch(`${node.operator} with a NULL literal is always NULL`, side.at, 'Leave the operation out.');
      }
    }
    const leftType = typeOf(left) ?? (typeOf(right)?.kind === 'DOUBLE' ? doubleType : undefined);
    const rightType = typeOf(right) ?? (typeOf(left)?.kind === 'DOUBLE' ? doubleType : undefined);
    const a = settle(left, leftType);
    const b = settle(right, rightType);
    if (node.operator === '+' && a.type.kind === 'STRING' && b.type.kind === 'STRING') {
      return { kind: 'arithmetic', operator: '+', left: a, right: b, type: stringType };
    }
    if (!isNumeric(a.type) || !isNumeric(b.type)) {
      throw mismatch(
        `${node.operator} cannot be applied to ${printType(a.type)} and ${printType(b.type)}`,
        node.at,
        a.type.kind === 'TIMESTAMP' ? 'TIMESTAMPADD and TIMESTAMPSUB move a point in time.' : undefined,
      );
    }
    const type = numericRank(a.type) >= numericRank(b.type) ? a.type : b.type;
    return { kind: 'arithmetic', operator: node.operator, left: castTo(a, type), right: castTo(b, type), type };
  }

  #comparison(node: ExpressionOf<'comparison'>): TypedExpression {
    const equality = node.operator === '=' || node.operator === '<>';
    const [left, right] = this.#pair(node.left, node.right, node.operator, node.at, equality);
    return { kind: 'comparison', operator: node.operator, left, right, type: booleanType };
  }

  /** Two operands that are compared with each other. */
  #pair(
    leftNode: Expression,
    rightNode: Expression,
    operator: string,
    at: Position,
    equality: boolean,
  ): readonly [TypedExpression, TypedExpression] {
    let left = this.draft(leftNode);
    let right = this.draft(rightNode);
    if (left.kind === 'null' || right.kind === 'null') throw nullComparison(at);
    right = timeOfPseudoColumn(left, right, leftNode);
    left = timeOfPseudoColumn(right, left, rightNode);
    return this.#comparable([left, right], operator, at, equality) as unknown as readonly [
      TypedExpression,
      TypedExpression,
    ];
  }

  /** The operands in the one type in which they are compared. */
  #comparable(drafts: readonly Draft[], operator: string, at: Position, equality: boolean): readonly TypedExpression[] {
    let common: SqlType | undefined;
    for (const draft of drafts) {
      const type = typeOf(draft);
      if (type === null) continue;
      const next: SqlType | undefined = common === undefined ? type : comparisonType(common, type);
      if (next === undefined) throw notComparable(common as SqlType, type, operator, at);
      common = next;
    }
    const target = common;
    if (target !== undefined && !equality && (target.kind === 'BOOLEAN' || !isScalar(target))) {
      throw notComparable(target, target, operator, at);
    }
    return drafts.map((draft) => {
      if (target === undefined) return settle(draft);
      const converted = convert(draft, target, 'strict') ?? settle(draft);
      const implied = converted.kind === 'cast' && converted !== (draft.kind === 'typed' ? draft.typed : undefined);
      return implied && converted.operand.type.kind === 'STRING' ? { ...converted, failure: 'comparison' } : converted;
    });
  }

  /** Values of types that cannot be compared are distinct unless both are NULL. */
  #distinctFrom(node: ExpressionOf<'distinct-from'>): TypedExpression {
    const { negated } = node;
    const made = (left: TypedExpression, right: TypedExpression): TypedExpression => ({
      kind: 'distinct-from',
      negated,
      left,
      right,
      type: booleanType,
    });
    const [a, b] = [this.draft(node.left), this.draft(node.right)];
    if (a.kind === 'typed' && b.kind === 'typed' && comparisonType(a.typed.type, b.typed.type) === undefined) {
      return made(a.typed, b.typed);
    }
    const [left, right] = this.#pair(node.left, node.right, 'IS DISTINCT FROM', node.at, true);
    return made(left, right);
  }

  #between(node: ExpressionOf<'between'>): TypedExpression {
    const operand = this.draft(node.operand);
    const low = timeOfPseudoColumn(operand, this.draft(node.low), node.operand);
    const high = timeOfPseudoColumn(operand, this.draft(node.high), node.operand);
    if ([operand, low, high].some((draft) => draft.kind === 'null')) throw nullComparison(node.at);
    const kinds = new Set([operand, low, high].map((draft) => typeOf(draft)?.kind));
    if (kinds.has('STRING') && kinds.has('TIMESTAMP')) return this.#textAndTimeBetween(node);
    const [a, b, c] = this.#comparable([operand, low, high], 'BETWEEN', node.at, false);
    return {
      kind: 'between',
      negated: node.negated,
      operand: a as TypedExpression,
      low: b as TypedExpression,
      high: c as TypedExpression,
      type: booleanType,
    };
  }

  /** Texts among points in time: each pair is compared by itself, so that no text is read that need not be. */
  #textAndTimeBetween({ operand, low, high, negated, at }: ExpressionOf<'between'>): TypedExpression {
    const operands = [
      this.#comparison({ kind: 'comparison', operator: '>=', left: operand, right: low, at }),
      this.#comparison({ kind: 'comparison', operator: '<=', left: operand, right: high, at }),
    ];
    const within: TypedExpression = { kind: 'logical', operator: 'AND', operands, type: booleanType };
    return negated ? { kind: 'not', operand: within, type: booleanType } : within;
  }

  #case(node: ExpressionOf<'case'>, wanted: SqlType | undefined): TypedExpression {
    const whens = node.branches.map((branch) => this.#condition(branch.when, 'WHEN'));
    const results = node.branches.map((branch) => this.draft(branch.then, wanted));
    if (node.otherwise !== undefined) results.push(this.draft(node.otherwise, wanted));
    let type: SqlType | undefined;
    for (const result of results) {
      const each = typeOf(result);
      if (each === null) continue;
      if (type !== undefined && !typesEqual(type, each)) {
        throw mismatch(`the branches of CASE give ${printType(type)} and ${printType(each)}`, result.at, 'Use CAST.');
      }
      type = each;
    }
    if (type === undefined) {
      const decimal = results.find((result) => result.kind === 'decimal');
      if (decimal === undefined) {
        throw new UserError('SQL_UNTYPED_NULL', 'all branches of CASE are NULL', {
          at: node.at,
          hint: 'Write CAST(NULL AS type) in one of them.',
        });
      }
      if (wanted?.kind !== 'DOUBLE') throw decimalLiteral(decimal.text, decimal.at);
      type = doubleType;
    }
    const settled = results.map((result) => settle(result, type));
    return {
      kind: 'case',
      branches: whens.map((when, i) => ({ when, then: settled[i] as TypedExpression })),
      otherwise: node.otherwise === undefined ? undefined : settled[settled.length - 1],
      type,
    };
  }

  #map(node: ExpressionOf<'map'>, wanted: SqlType | undefined): TypedExpression {
    if (node.entries.length === 0) throw emptyConstructor('a map', node.at);
    const inner = wanted?.kind === 'MAP' ? wanted.value : undefined;
    const keys = unify(
      node.entries.map((entry) => this.draft(entry.key)),
      stringType,
    );
    const values = unify(
      node.entries.map((entry) => this.draft(entry.value, inner)),
      inner,
    );
    if (keys === undefined || values === undefined) throw allNull('a map', node.at);
    const [key] = keys;
    const [value] = values;
    if (key?.type.kind !== 'STRING') {
      throw mismatch(`the keys of a map have to be STRING, not ${printType(key?.type ?? stringType)}`, node.at);
    }
    return {
      kind: 'map',
      entries: keys.map((each, i) => ({ key: each, value: values[i] as TypedExpression })),
      type: mapOf(stringType, value?.type ?? stringType),
    };
  }
}

const timeNames: ReadonlySet<string> = new Set(['ROWTIME', 'WINDOWSTART', 'WINDOWEND']);

/** A text that is compared with ROWTIME, WINDOWSTART or WINDOWEND is a point in time, and those count milliseconds. */
const timeOfPseudoColumn = (column: Draft, text: Draft, columnNode: Expression): Draft => {
  if (text.kind !== 'typed' || text.typed.kind !== 'literal' || text.typed.type.kind !== 'STRING') return text;
  if (columnNode.kind !== 'column' || !timeNames.has(columnNode.name)) return text;
  if (column.kind !== 'typed' || column.typed.type.kind !== 'BIGINT') return text;
  const value = text.typed.value as string;
  const epochMs = parseTimestamp(value);
  if (epochMs === undefined) {
    throw new UserError('SQL_BAD_TEXT', `the text '${value}' is no point in time`, {
      at: text.at,
      hint: "Write it as '2024-01-31T12:00:00', or a beginning of that, with a zone such as Z or +01:00 if needed.",
    });
  }
  return { kind: 'typed', typed: { kind: 'literal', value: epochMs, type: bigintType }, at: text.at };
};

const nullComparison = (at: Position): UserError =>
  new UserError('SQL_NULL_COMPARISON', 'a comparison with NULL is never true', {
    at,
    hint: 'Write IS NULL or IS NOT NULL.',
  });

const notComparable = (a: SqlType, b: SqlType, operator: string, at: Position): UserError =>
  mismatch(
    `${printType(a)} and ${printType(b)} cannot be compared with ${operator}`,
    at,
    'Use CAST where one type is meant.',
  );

const unsupported = (what: string, at: Position, hint?: string): UserError =>
  new UserError('SQL_UNSUPPORTED_EXPRESSION', `${what} is not supported`, { at, hint });

const emptyConstructor = (what: string, at: Position): UserError =>
  new UserError('SQL_EMPTY_CONSTRUCTOR', `${what} needs at least one element to know its type`, {
    at,
    hint: 'Write CAST(NULL AS …) for a NULL of the type.',
  });

const allNull = (what: string, at: Position): UserError =>
  new UserError('SQL_UNTYPED_NULL', `${what} of NULLs alone has no type`, {
    at,
    hint: 'Write CAST(NULL AS type) in one of them.',
  });
