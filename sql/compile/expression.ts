/**
 * From a typed expression to a closure over records.
 *
 * A closure is made for its place: types, constants and bodies are chosen once, here, so that a call per node is all that is left at
 * run time. The rules:
 *
 * - logic has two values: a comparison with NULL is false, so is BETWEEN, and NULL is in no list; NOT, AND, OR and WHEN want a
 *   BOOLEAN that is not NULL and raise otherwise; AND, OR and CASE evaluate no more than they need;
 * - arithmetic and access to parts give NULL where an operand is NULL; so do an index out of range and a missing key;
 * - a member of ARRAY, MAP or STRUCT that fails is NULL there, and noted (`part-faults.ts`);
 * - what else fails on the data raises `EvaluationError`, a function's own exceptions included; the caller says what that means.
 */

import { AssertionError, assert, unreachable } from '../../base/index.ts';
import { SerdeError, type StreamRecord } from '../../engine/index.ts';
import { type ColumnReference, printTyped, type TypedExpression, type TypedOf } from '../analyze/typed.ts';
import type { Body, FunctionContext } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import { doubleOperators, integerOperators, longOperators, negateLong } from '../types/arithmetic.ts';
import { converter } from '../types/cast.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { isScalar } from '../types/type.ts';
import { isMap, normalizeBigint, type Row, type Value, valuesEqual } from '../types/value.ts';
import { type LikePattern, likePattern, matchesLike } from './like.ts';
import { partFailed } from './part-faults.ts';

export type Evaluate = (record: StreamRecord<Row>) => Value;

/** How columns are read at one place of a topology. */
export interface ColumnScope {
  column(reference: ColumnReference): Evaluate;
}

export const compileExpression = (
  expression: TypedExpression,
  scope: ColumnScope,
  functions: FunctionRegistry,
  context: FunctionContext,
): Evaluate => {
  const compile = (part: TypedExpression): Evaluate => {
    switch (part.kind) {
      case 'literal': {
        const value = constantOf(part);
        return () => value;
      }
      case 'column':
        return scope.column(part);
      case 'field': {
        const base = compile(part.base);
        const { index } = part;
        return (record) => {
          const struct = base(record) as readonly Value[] | null;
          return struct === null ? null : (struct[index] as Value);
        };
      }
      case 'element':
        return element(compile(part.base), compile(part.index));
      case 'entry': {
        const base = compile(part.base);
        const key = compile(part.key);
        return (record) => {
          const map = base(record);
          const name = key(record);
          return isMap(map) && name !== null ? (map.get(name as string) ?? null) : null;
        };
      }
      case 'call':
        return call(part, part.args.map(compile), functions, context);
      case 'negate':
        return negate(part, compile(part.operand));
      case 'arithmetic':
        return arithmetic(part, compile(part.left), compile(part.right));
      case 'comparison':
        return comparison(part, compile(part.left), compile(part.right));
      case 'distinct-from': {
        const left = compile(part.left);
        const right = compile(part.right);
        const equal = equality(part.left);
        const { negated } = part;
        return (record) => equal(left(record), right(record)) === negated;
      }
      case 'logical':
        return logical(part.operator, part.operands.map(compile));
      case 'not': {
        const operand = compile(part.operand);
        return (record) => !condition(operand(record), 'NOT');
      }
      case 'between': {
        const operand = compile(part.operand);
        const low = compile(part.low);
        const high = compile(part.high);
        const { negated } = part;
        return (record) => {
          const value = operand(record);
          const least = low(record);
          const most = high(record);
          const within = value !== null && least !== null && most !== null && value >= least && value <= most;
          return within !== negated;
        };
      }
      case 'in':
        return isIn(part, compile);
      case 'like':
        return like(part, compile);
      case 'is-null': {
        const operand = compile(part.operand);
        return part.negated ? (record) => operand(record) !== null : (record) => operand(record) === null;
      }
      case 'case': {
        const branches = part.branches.map(({ when, then }) => ({ when: compile(when), then: compile(then) }));
        const otherwise = part.otherwise === undefined ? () => null : compile(part.otherwise);
        return (record) => {
          for (const branch of branches) if (condition(branch.when(record), 'WHEN')) return branch.then(record);
          return otherwise(record);
        };
      }
      case 'cast': {
        const operand = compile(part.operand);
        const convert = converter(part.operand.type, part.type);
        return (record) => convert(operand(record));
      }
      case 'array': {
        const elements = part.elements.map(member);
        return (record) => elements.map((each) => each(record));
      }
      case 'map': {
        const entries = part.entries.map((entry) => ({ key: compile(entry.key), value: member(entry.value) }));
        return (record) => {
          const map = new Map<string, Value>();
          for (const entry of entries) map.set(String(entry.key(record)), entry.value(record));
          return map;
        };
      }
      case 'struct': {
        const fields = part.fields.map(member);
        return (record) => fields.map((each) => each(record));
      }
      default:
        return unreachable(part);
    }
  };
  const member = (part: TypedExpression): Evaluate => {
    const evaluate = compile(part);
    if (part.kind === 'literal') return evaluate;
    return (record) => {
      try {
        return evaluate(record);
      } catch (error) {
        if (!(error instanceof EvaluationError || error instanceof SerdeError)) throw error;
        partFailed(`${printTyped(part)} failed: ${error.message}`);
        return null;
      }
    };
  };
  return compile(expression);
};

/** The value of a literal. */
export const constantOf = ({ value, type }: TypedOf<'literal'>): Value =>
  type.kind === 'BIGINT' && typeof value === 'string' ? normalizeBigint(BigInt(value)) : value;

const condition = (value: Value, operator: string): boolean => {
  if (value === null) throw new EvaluationError(`an operand of ${operator} is NULL`);
  return value === true;
};

const element =
  (base: Evaluate, index: Evaluate): Evaluate =>
  (record) => {
    const array = base(record) as readonly Value[] | null;
    const at = index(record) as number | bigint | null;
    if (array === null || typeof at !== 'number' || at === 0) return null;
    const slot = at > 0 ? at - 1 : array.length + at;
    return slot >= 0 && slot < array.length ? (array[slot] as Value) : null;
  };

const negate = (part: TypedOf<'negate'>, operand: Evaluate): Evaluate => {
  const { kind } = part.type;
  return (record) => {
    const value = operand(record) as number | bigint | null;
    if (value === null) return null;
    if (kind === 'DOUBLE') return -(value as number);
    return kind === 'INTEGER' ? -(value as number) | 0 : negateLong(value);
  };
};

const arithmetic = (part: TypedOf<'arithmetic'>, left: Evaluate, right: Evaluate): Evaluate => {
  switch (part.type.kind) {
    case 'INTEGER':
      return withNumbers(integerOperators[part.operator], part, left, right);
    case 'DOUBLE':
      return withNumbers(doubleOperators[part.operator], part, left, right);
    case 'BIGINT': {
      const apply = longOperators[part.operator];
      return (record) => {
        const a = left(record) as number | bigint | null;
        const b = right(record) as number | bigint | null;
        return a === null || b === null ? null : apply(a, b);
      };
    }
    default:
      assert(part.type.kind === 'STRING', 'arithmetic is on numbers and texts');
      return (record) => {
        const a = left(record) as string | null;
        const b = right(record) as string | null;
        return a === null || b === null ? null : a + b;
      };
  }
};

const withNumbers = (
  apply: (a: number, b: number) => number,
  part: TypedOf<'arithmetic'>,
  left: Evaluate,
  right: Evaluate,
): Evaluate => {
  if (part.right.kind === 'literal' && part.right.value !== null) {
    const b = part.right.value as number;
    return (record) => {
      const a = left(record) as number | null;
      return a === null ? null : apply(a, b);
    };
  }
  return (record) => {
    const a = left(record) as number | null;
    const b = right(record) as number | null;
    return a === null || b === null ? null : apply(a, b);
  };
};

/** Whether two values of an operand's type are the same, NULL being the same as NULL. */
const equality = (operand: TypedExpression): ((a: Value, b: Value) => boolean) =>
  isScalar(operand.type) ? (a, b) => a === b : valuesEqual;

const comparison = (part: TypedOf<'comparison'>, left: Evaluate, right: Evaluate): Evaluate => {
  const { operator } = part;
  if (!isScalar(part.left.type)) {
    const wanted = operator === '=';
    return (record) => {
      const a = left(record);
      const b = right(record);
      return a !== null && b !== null && valuesEqual(a, b) === wanted;
    };
  }
  // A constant on the right is the rule in filters; it is never NULL (typing refuses that).
  if (part.right.kind === 'literal') {
    const b = constantOf(part.right);
    if (b === null) return () => false;
    switch (operator) {
      case '=':
        return (record) => left(record) === b;
      case '<>':
        return (record) => {
          const a = left(record);
          return a !== null && a !== b;
        };
      case '<':
        return (record) => {
          const a = left(record);
          return a !== null && a < b;
        };
      case '<=':
        return (record) => {
          const a = left(record);
          return a !== null && a <= b;
        };
      case '>':
        return (record) => {
          const a = left(record);
          return a !== null && a > b;
        };
      case '>=':
        return (record) => {
          const a = left(record);
          return a !== null && a >= b;
        };
      default:
        return unreachable(operator);
    }
  }
  switch (operator) {
    case '=':
      return (record) => {
        const a = left(record);
        return a !== null && a === right(record);
      };
    case '<>':
      return (record) => {
        const a = left(record);
        const b = right(record);
        return a !== null && b !== null && a !== b;
      };
    case '<':
      return (record) => {
        const a = left(record);
        const b = right(record);
        return a !== null && b !== null && a < b;
      };
    case '<=':
      return (record) => {
        const a = left(record);
        const b = right(record);
        return a !== null && b !== null && a <= b;
      };
    case '>':
      return (record) => {
        const a = left(record);
        const b = right(record);
        return a !== null && b !== null && a > b;
      };
    case '>=':
      return (record) => {
        const a = left(record);
        const b = right(record);
        return a !== null && b !== null && a >= b;
      };
    default:
      return unreachable(operator);
  }
};

const logical = (operator: 'AND' | 'OR', operands: readonly Evaluate[]): Evaluate => {
  /** The value that decides without looking further. */
  const decides = operator === 'OR';
  const [left, right] = operands;
  if (operands.length === 2 && left !== undefined && right !== undefined) {
    return (record) => (condition(left(record), operator) === decides ? decides : condition(right(record), operator));
  }
  return (record) => {
    for (const operand of operands) if (condition(operand(record), operator) === decides) return decides;
    return !decides;
  };
};

const isIn = (part: TypedOf<'in'>, compile: (part: TypedExpression) => Evaluate): Evaluate => {
  const operand = compile(part.operand);
  const { negated } = part;
  if (isScalar(part.operand.type) && part.values.every((value) => value.kind === 'literal')) {
    const known = new Set(part.values.map((value) => constantOf(value as TypedOf<'literal'>)));
    known.delete(null);
    return (record) => known.has(operand(record)) !== negated;
  }
  const values = part.values.map(compile);
  const equal = equality(part.operand);
  return (record) => {
    const value = operand(record);
    if (value === null) return negated;
    for (const each of values) {
      const other = each(record);
      if (other !== null && equal(value, other)) return !negated;
    }
    return negated;
  };
};

const like = (part: TypedOf<'like'>, compile: (part: TypedExpression) => Evaluate): Evaluate => {
  const operand = compile(part.operand);
  const { negated, escape } = part;
  const pattern = compile(part.pattern);
  /** The last pattern seen, which for a constant is the only one. */
  let lastText: string | undefined;
  let last: LikePattern = [];
  return (record) => {
    const text = operand(record) as string | null;
    const wanted = pattern(record) as string | null;
    if (text === null || wanted === null) throw new EvaluationError('an operand of LIKE is NULL');
    if (wanted !== lastText) {
      last = likePattern(wanted, escape);
      lastText = wanted;
    }
    return matchesLike(text, last) !== negated;
  };
};

type Call = (...args: readonly Value[]) => Value;

const call = (
  part: TypedOf<'call'>,
  args: readonly Evaluate[],
  functions: FunctionRegistry,
  context: FunctionContext,
): Evaluate => {
  const { definition } = functions.scalar(part.name, part.signature);
  const body: Body =
    'body' in definition
      ? definition.body
      : definition.bind({
          args: part.args.map((arg) => arg.type),
          result: part.type,
          constants: part.args.map((arg) => (arg.kind === 'literal' ? constantOf(arg) : undefined)),
          context,
        });
  // The signature has been checked against the arguments: what the body takes is what it gets.
  const run = body as Call;
  const propagates = definition.nulls === 'propagate';
  const { name } = part;
  const [first, second, third] = args;
  if (args.length === 0) {
    return () => {
      try {
        return run();
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  if (args.length === 1 && first !== undefined) {
    return (record) => {
      const a = first(record);
      if (propagates && a === null) return null;
      try {
        return run(a);
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  if (args.length === 2 && first !== undefined && second !== undefined) {
    return (record) => {
      const a = first(record);
      const b = second(record);
      if (propagates && (a === null || b === null)) return null;
      try {
        return run(a, b);
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  if (args.length === 3 && first !== undefined && second !== undefined && third !== undefined) {
    return (record) => {
      const a = first(record);
      const b = second(record);
      const c = third(record);
      if (propagates && (a === null || b === null || c === null)) return null;
      try {
        return run(a, b, c);
      } catch (error) {
        throw failed(name, error);
      }
    };
  }
  return (record) => {
    const values = args.map((arg) => arg(record));
    if (propagates && values.includes(null)) return null;
    try {
      return run(...values);
    } catch (error) {
      throw failed(name, error);
    }
  };
};

/** An exception of a function's body is bad data: the body may be a user's. Only our own asserts stay what they are. */
const failed = (name: string, error: unknown): Error => {
  if (error instanceof EvaluationError || error instanceof AssertionError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EvaluationError(`${name} failed: ${message}`, { cause: error });
};
