/**
 * From a typed expression to a closure over records.
 *
 * A closure is made for its place: types, constants and bodies are chosen once, here, so that a call per node is all
 * that is left at run time. All kinds of expressions are in one switch: they share the scope and the frame of lambdas,
 * and the compiler names a kind that is missing. The rules:
 *
 * - logic has two values: a comparison with NULL is false, so is BETWEEN, and NULL is in no list; NOT, AND, OR and WHEN
 *   need a BOOLEAN that is not NULL and raise otherwise; AND, OR and CASE evaluate no more than they need;
 * - arithmetic and access to parts give NULL where an operand is NULL; so do an index out of range and a missing key;
 * - four kinds of parts are NULL where they fail, and noted (`part-faults.ts`), while the expression around them goes
 *   on: members of ARRAY, MAP and STRUCT; a CAST with all that it casts; a call, and a field of a struct, as the
 *   argument of a function;
 * - parameters of lambdas lie in one frame for each expression, each at a place of its own: evaluating is serial, and a
 *   lambda is called within the call that it is an argument of;
 * - everything else that fails on the data raises `EvaluationError`, the outermost CAST and a function's own exceptions
 *   included; the caller decides what that means.
 */

import { assert, unreachable } from '../../base/index.ts';
import { SerdeError, StreamRecord } from '../../engine/index.ts';
import { partsOf, printTyped, type TypedExpression, type TypedLambda, type TypedOf } from '../analyze/typed.ts';
import type { FunctionContext, Lambda } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import { converter } from '../types/cast.ts';
import { equalityOf, isIdentical, keyOf, mixedOrder, orderOf } from '../types/equality.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { definitionOf } from '../types/scalars/index.ts';
import { checkLength } from '../types/text-length.ts';
import { isScalar, numericOf } from '../types/type.ts';
import { isMap, type Value } from '../types/value.ts';
import { call } from './call.ts';
import { type ColumnScope, type Compile, constantOf, type Evaluate } from './closure.ts';
import { comparison, distinctFrom } from './comparison.ts';
import { type LikePattern, likePattern, matchesLike } from './like.ts';
import { partFailed } from './part-faults.ts';

export const compileExpression = (
  expression: TypedExpression,
  scope: ColumnScope,
  functions: FunctionRegistry,
  context: FunctionContext,
): Evaluate => {
  /** The values of the parameters of lambdas, and where those lie that can be named at the place being compiled. */
  const frame: Value[] = [];
  let slots: ReadonlyMap<string, number> = new Map();
  const test = (part: TypedExpression, plain: (own: Compile) => Evaluate): Evaluate =>
    scope.test?.(part, (column) => plain((inner) => (inner.kind === 'column' ? column : compile(inner)))) ??
    plain(compile);
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
      case 'parameter': {
        const slot = slots.get(part.name);
        assert(slot !== undefined, `no lambda around has the parameter ${part.name}`);
        return () => frame[slot] as Value;
      }
      case 'lambda':
        return assert(false, 'a lambda is an argument of a call') as never;
      case 'call': {
        const args = part.args.map((arg) => (arg.kind === 'lambda' ? lambda(arg) : argument(arg)));
        return call(part, args, functions, context);
      }
      case 'negate':
        return negate(part, compile(part.operand));
      case 'arithmetic':
        return arithmetic(part, compile(part.left), compile(part.right));
      case 'comparison':
        return test(part, (own) => comparison(part, own));
      case 'distinct-from':
        return distinctFrom(part, compile);
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
        if (isScalar(part.operand.type) && definitionOf(part.operand.type).carrier === 'bytes') {
          const order = orderOf(part.operand.type);
          return (record) => {
            const value = operand(record);
            const least = low(record);
            if (value === null || least === null || order(value, least) < 0) return negated;
            const most = high(record);
            return (most !== null && order(value, most) <= 0) !== negated;
          };
        }
        return (record) => {
          const value = operand(record);
          if (value === null) return negated;
          const least = low(record);
          if (least === null || !(value >= least)) return negated;
          const most = high(record);
          return (most !== null && value <= most) !== negated;
        };
      }
      case 'in':
        return test(part, (own) => isIn(part, own));
      case 'like':
        return test(part, (own) => like(part, own));
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
      case 'cast':
        return part === expression || part.failure === 'comparison' ? cast(part) : safeCast(part);
      case 'array': {
        const elements = part.elements.map(orNull);
        return (record) => elements.map((each) => each(record));
      }
      case 'map': {
        const entries = part.entries.map((entry) => ({ key: orNull(entry.key), value: orNull(entry.value) }));
        return (record) => {
          const map = new Map<string, Value>();
          for (const entry of entries) map.set(String(entry.key(record)), entry.value(record));
          return map;
        };
      }
      case 'struct': {
        const fields = part.fields.map(orNull);
        return (record) => fields.map((each) => each(record));
      }
      default:
        return unreachable(part);
    }
  };
  const lambda = ({ parameters, body }: TypedLambda): ((record: StreamRecord<unknown>) => Lambda) => {
    const around = slots;
    const own = parameters.map(({ name }) => [name, frame.push(null) - 1] as const);
    slots = new Map([...around, ...own]);
    const evaluate = compile(body);
    slots = around;
    const first = own[0]?.[1] ?? 0;
    let current = new StreamRecord<unknown>();
    const run: Lambda =
      own.length === 1
        ? (value) => {
            frame[first] = value ?? null;
            return evaluate(current);
          }
        : (...values) => {
            for (let i = 0; i < own.length; i++) frame[first + i] = values[i] ?? null;
            return evaluate(current);
          };
    return (record) => {
      current = record;
      return run;
    };
  };
  /** A part that is NULL where it fails. */
  const orNull = (part: TypedExpression): Evaluate => (mayFail(part) ? guarded(part, compile(part)) : compile(part));
  const argument = (part: TypedExpression): Evaluate =>
    part.kind === 'call' || part.kind === 'field' ? orNull(part) : compile(part);
  const cast = (part: TypedOf<'cast'>): Evaluate => {
    const operand = compile(part.operand);
    const convert = converter(part.operand.type, part.type);
    return (record) => convert(operand(record));
  };
  /** The same for a cast within an expression. A scalar that does not convert raises nothing, so that bad data costs no
   *  exception. */
  const safeCast = (part: TypedOf<'cast'>): Evaluate => {
    const { operand, type } = part;
    if (mayFail(operand) || !isScalar(operand.type)) return guarded(part, cast(part));
    const value = compile(operand);
    const convert = converter(operand.type, type, 'explicit', (why) => {
      partFailed(`${printTyped(part)} failed: ${why}`);
      return null;
    });
    return (record) => convert(value(record));
  };
  return compile(expression);
};

/** The evaluation of a part with NULL, and a note (`part-faults.ts`), for what fails. */
const guarded =
  (part: TypedExpression, evaluate: Evaluate): Evaluate =>
  (record) => {
    try {
      return evaluate(record);
    } catch (error) {
      if (!(error instanceof EvaluationError || error instanceof SerdeError)) throw error;
      partFailed(`${printTyped(part)} failed: ${error.message}`);
      return null;
    }
  };

/** Whether evaluating a part can raise, whatever the row. */
const mayFail = (part: TypedExpression): boolean => {
  switch (part.kind) {
    case 'literal':
    case 'parameter':
      return false;
    case 'column':
      return part.from === 'key';
    case 'cast':
      return part.failure === 'comparison';
    case 'array':
    case 'map':
    case 'struct':
      return false;
    case 'call':
    case 'lambda':
    case 'logical':
    case 'not':
    case 'like':
    case 'case':
      return true;
    case 'arithmetic':
      return (
        part.type.kind === 'STRING' ||
        (numericOf(part.type)?.divisionFails === true && /[/%]/.test(part.operator)) ||
        partsOf(part).some(mayFail)
      );
    case 'comparison':
    case 'distinct-from':
      return mixedOrder(part.left.type, part.right.type) !== undefined || partsOf(part).some(mayFail);
    case 'field':
    case 'element':
    case 'entry':
    case 'negate':
    case 'between':
    case 'in':
    case 'is-null':
      return partsOf(part).some(mayFail);
    default:
      return unreachable(part);
  }
};

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
  const numeric = numericOf(part.type);
  assert(numeric !== undefined, 'a sign is before numbers only');
  const { negate: negated } = numeric;
  return (record) => {
    const value = operand(record);
    return value === null ? null : negated(value);
  };
};

const arithmetic = (part: TypedOf<'arithmetic'>, left: Evaluate, right: Evaluate): Evaluate => {
  const numeric = numericOf(part.type);
  if (numeric === undefined) {
    assert(part.type.kind === 'STRING', 'arithmetic is on numbers and texts');
    return (record) => {
      const a = left(record) as string | null;
      const b = right(record) as string | null;
      if (a === null || b === null) return null;
      checkLength(a.length + b.length);
      return a + b;
    };
  }
  const { left: a, right: b } = part;
  assert(isScalar(a.type) && isScalar(b.type), 'numbers are scalars');
  const apply = numeric.operator(part.operator, a.type, b.type);
  const constant = part.right.kind === 'literal' ? constantOf(part.right) : null;
  if (constant !== null) {
    return (record) => {
      const a = left(record);
      return a === null ? null : apply(a, constant);
    };
  }
  return (record) => {
    const a = left(record);
    const b = right(record);
    return a === null || b === null ? null : apply(a, b);
  };
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

const isIn = (part: TypedOf<'in'>, compile: Compile): Evaluate => {
  const operand = compile(part.operand);
  const { negated } = part;
  if (isScalar(part.operand.type) && part.values.every((value) => value.kind === 'literal')) {
    const key = keyOf(part.operand.type);
    const known = new Set(part.values.map((value) => key(constantOf(value as TypedOf<'literal'>))));
    known.delete(null);
    if (isIdentical(part.operand.type)) return (record) => known.has(operand(record)) !== negated;
    return (record) => known.has(key(operand(record))) !== negated;
  }
  const values = part.values.map(compile);
  const equal = equalityOf(part.operand.type);
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

const like = (part: TypedOf<'like'>, compile: Compile): Evaluate => {
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
