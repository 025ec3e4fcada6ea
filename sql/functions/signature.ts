/**
 * Signatures: `LPAD(STRING, INT, STRING) -> STRING`, read from the text in which functions declare them.
 *
 *     signature  NAME '(' [parameter {',' parameter}] ')' '->' type
 *     parameter  ['literal'] [name] kind ['...']   at most one parameter may repeat; `literal` needs a constant; the
 *                                                  name is for people only
 *     kind       type
 *                type '->' type                    a lambda of one parameter
 *                '(' type {',' type} ')' '->' type a lambda of several
 *     type       a type of SQL, ANY, or one capital letter: a generic, the same type wherever it stands; DECIMAL, of any
 *                form: of several in a signature the widest
 *                ARRAY<type>, MAP<type, type>, STRUCT<name type, …>
 *
 * Printed in one canonical way (INT as INTEGER, VARCHAR as STRING, no names of parameters), a signature is the name of
 * an overload: plans hold that text.
 */

import { assert, unreachable } from '../../base/index.ts';
import { canConvert } from '../types/cast.ts';
import type { ScalarType } from '../types/kinds.ts';
import { scalarDefinitions } from '../types/scalars/index.ts';
import {
  commonNumber,
  isScalar,
  operandTypes,
  printType,
  quoteName,
  type SqlType,
  scalarOf,
  typesEqual,
} from '../types/type.ts';

export type ParameterType =
  | { readonly kind: 'GENERIC'; readonly name: string }
  | { readonly kind: 'ANY' }
  /** A DECIMAL of any form: all of a signature's are brought to one that has a place for every digit. */
  | { readonly kind: 'ANY DECIMAL' }
  | ScalarType
  | { readonly kind: 'ARRAY'; readonly element: ParameterType }
  | { readonly kind: 'MAP'; readonly key: ParameterType; readonly value: ParameterType }
  | { readonly kind: 'STRUCT'; readonly fields: readonly { readonly name: string; readonly type: ParameterType }[] };

const anyDecimal: ParameterType = { kind: 'ANY DECIMAL' };

/** What a DECIMAL of any form is when only NULLs were given for it. */
export const leastDecimal: SqlType = { kind: 'DECIMAL', precision: 1, scale: 0 };

/** What a lambda takes and gives: `(K, V) -> BOOLEAN`. */
export interface LambdaType {
  readonly kind: 'LAMBDA';
  readonly parameters: readonly ParameterType[];
  readonly result: ParameterType;
}

export interface Parameter {
  /** Undefined when the declaration gives it none. */
  readonly name: string | undefined;
  readonly type: ParameterType | LambdaType;
  readonly literal: boolean;
}

export interface Signature {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Which parameter repeats (zero or more times), or -1. */
  readonly variadicAt: number;
  readonly result: ParameterType;
  /** The canonical text. */
  readonly text: string;
  /** The same with the names of the parameters. */
  readonly described: string;
}

/** For signatures of functions that take any scalar, and those that take what has an order. */
export const scalarKinds: readonly string[] = scalarDefinitions.map(({ kind }) => kind);
export const orderedKinds: readonly string[] = scalarDefinitions
  .filter(({ ordered }) => ordered)
  .map(({ kind }) => kind);

/** The scalar types that a signature names in full: those without parameters. */
const plainScalars = scalarDefinitions.filter(({ parameters }) => parameters.length === 0);

/** Scalar types by the words that mean them. */
const scalarsByWord: ReadonlyMap<string, ScalarType> = new Map(
  plainScalars.flatMap(({ kind, words }) => words.map((word) => [word, scalarOf(kind)] as const)),
);

/** The tokens of a declaration, and what can be read from them. */
class Declaration {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = text.match(/->|\.\.\.|`(?:[^`]|``)*`|\w+|\S/g) ?? [];
  }

  peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  /** A word in front of a type: a word that another word follows, or the bracket of a lambda. */
  parameterName(): string | undefined {
    const next = this.#tokens[this.#at + 1] ?? '';
    return /^\w+$/.test(this.peek()) && /^(?:\w+|\()$/.test(next) ? this.take() : undefined;
  }

  fault(what: string): string {
    return `the signature "${this.#text}" ${what}`;
  }

  take(wanted?: string): string {
    const token = this.peek();
    this.#at++;
    assert(wanted === undefined || token === wanted, this.fault(`has "${token}" in the place of "${wanted}"`));
    return token;
  }

  type(): ParameterType {
    const word = this.take();
    const upper = word.toUpperCase();
    const scalar = scalarsByWord.get(upper);
    if (scalar !== undefined) return scalar;
    if (upper === 'ANY') return { kind: 'ANY' };
    if (upper === 'DECIMAL') return anyDecimal;
    if (upper === 'ARRAY' || upper === 'MAP' || upper === 'STRUCT') {
      this.take('<');
      const type = this.#collection(upper);
      this.take('>');
      return type;
    }
    assert(/^[A-Z]$/.test(word), this.fault(`has an unknown type "${word}"`));
    return { kind: 'GENERIC', name: word };
  }

  #collection(kind: 'ARRAY' | 'MAP' | 'STRUCT'): ParameterType {
    switch (kind) {
      case 'ARRAY':
        return { kind, element: this.type() };
      case 'MAP': {
        const key = this.type();
        this.take(',');
        return { kind, key, value: this.type() };
      }
      case 'STRUCT': {
        const fields: { name: string; type: ParameterType }[] = [];
        while (this.peek() !== '>') {
          if (fields.length > 0) this.take(',');
          const name = this.take();
          const quoted = name.startsWith('`');
          fields.push({
            name: quoted ? name.slice(1, -1).replaceAll('``', '`') : name.toUpperCase(),
            type: this.type(),
          });
        }
        return { kind, fields };
      }
      default:
        return unreachable(kind);
    }
  }

  /** A type, or a lambda: `T -> U`, `(K, V) -> U`. */
  parameterType(): Parameter['type'] {
    const types: ParameterType[] = [];
    if (this.peek() === '(') {
      this.take('(');
      types.push(this.type());
      while (this.peek() === ',') {
        this.take(',');
        types.push(this.type());
      }
      this.take(')');
    } else {
      const type = this.type();
      if (this.peek() !== '->') return type;
      types.push(type);
    }
    this.take('->');
    return { kind: 'LAMBDA', parameters: types, result: this.type() };
  }

  parameters(): Pick<Signature, 'parameters' | 'variadicAt'> {
    const parameters: Parameter[] = [];
    let variadicAt = -1;
    this.take('(');
    while (this.peek() !== ')') {
      if (parameters.length > 0) this.take(',');
      const literal = this.peek() === 'literal';
      if (literal) this.take();
      const name = this.parameterName();
      const type = this.parameterType();
      if (this.peek() === '...') {
        assert(type.kind !== 'LAMBDA', this.fault('repeats a lambda'));
        this.take();
        assert(variadicAt < 0, this.fault('repeats two parameters'));
        variadicAt = parameters.length;
      }
      parameters.push({ name, type, literal });
    }
    this.take(')');
    return { parameters, variadicAt };
  }

  end(): void {
    assert(this.#at === this.#tokens.length, this.fault('goes on behind its result'));
  }
}

/** Reads a declaration; a mistake in it is found when the function is registered. */
export const parseSignature = (declared: string): Signature => {
  const declaration = new Declaration(declared);
  const name = declaration.take().toUpperCase();
  const { parameters, variadicAt } = declaration.parameters();
  declaration.take('->');
  const result = declaration.type();
  declaration.end();
  const print = (before: (parameter: Parameter) => string): string => {
    const list = parameters.map(
      (each, i) => `${before(each)}${printParameterType(each.type)}${i === variadicAt ? '...' : ''}`,
    );
    return `${name}(${list.join(', ')}) -> ${printParameterType(result)}`;
  };
  const text = print(({ literal }) => (literal ? 'literal ' : ''));
  const described = print(
    (each) => `${each.literal ? 'literal ' : ''}${each.name === undefined ? '' : `${each.name} `}`,
  );
  return { name, parameters, variadicAt, result, text, described };
};

/** Reads a type as signatures have it. */
export const parseType = (declared: string): ParameterType => {
  const declaration = new Declaration(declared);
  const type = declaration.type();
  declaration.end();
  return type;
};

/** Whether the parameters decide the result: it is not ANY, nor a generic that no parameter has. */
export const givesResult = ({ parameters, result }: Signature): boolean =>
  concrete(result, new Map(parameters.flatMap(({ type }) => genericsOf(type)).map((name) => [name, leastDecimal]))) !==
  undefined;

export const printParameterType = (type: Parameter['type']): string => {
  if (isScalar(type)) return printType(type);
  switch (type.kind) {
    case 'LAMBDA': {
      const parameters = type.parameters.map(printParameterType).join(', ');
      return `${type.parameters.length === 1 ? parameters : `(${parameters})`} -> ${printParameterType(type.result)}`;
    }
    case 'GENERIC':
      return type.name;
    case 'ANY':
      return type.kind;
    case 'ANY DECIMAL':
      return 'DECIMAL';
    case 'ARRAY':
      return `ARRAY<${printParameterType(type.element)}>`;
    case 'MAP':
      return `MAP<${printParameterType(type.key)}, ${printParameterType(type.value)}>`;
    case 'STRUCT':
      return `STRUCT<${type.fields.map((field) => `${quoteName(field.name)} ${printParameterType(field.type)}`).join(', ')}>`;
    default:
      return unreachable(type);
  }
};

/** The parameters spread over this many arguments: the repeated one as often as is needed. None when the number cannot
 *  fit. */
export const spread = (signature: Signature, count: number): readonly Parameter[] | undefined => {
  const { parameters, variadicAt } = signature;
  if (variadicAt < 0) return parameters.length === count ? parameters : undefined;
  const times = count - (parameters.length - 1);
  if (times < 0) return undefined;
  const repeated = parameters[variadicAt] as Parameter;
  return [
    ...parameters.slice(0, variadicAt),
    ...Array.from({ length: times }, () => repeated),
    ...parameters.slice(variadicAt + 1),
  ];
};

/** What generics stand for. */
export type Bindings = ReadonlyMap<string, SqlType>;

/**
 * Whether an argument's type fits a parameter. `null` is the type of an untyped NULL, which fits all. Generics are
 * bound as they are met; with `casts`, an argument may be converted (strict), and a generic met again with another type
 * takes the wider of the two.
 */
export const fits = (
  parameter: ParameterType,
  argument: SqlType | null,
  bindings: Map<string, SqlType>,
  casts: boolean,
): boolean => {
  if (argument === null) return true;
  if (isScalar(parameter)) return casts ? canConvert(argument, parameter, 'strict') : typesEqual(argument, parameter);
  switch (parameter.kind) {
    case 'ANY':
      return true;
    case 'ANY DECIMAL': {
      const own = asDecimal(argument, casts);
      if (own === undefined) return false;
      const bound = bindings.get(parameter.kind);
      bindings.set(parameter.kind, bound === undefined ? own : (commonNumber(bound, own) ?? own));
      return true;
    }
    case 'GENERIC': {
      const bound = bindings.get(parameter.name);
      if (bound === undefined) {
        bindings.set(parameter.name, argument);
        return true;
      }
      if (typesEqual(bound, argument)) return true;
      if (!casts) return false;
      if (canConvert(argument, bound, 'strict')) return true;
      if (!canConvert(bound, argument, 'strict')) return false;
      bindings.set(parameter.name, argument);
      return true;
    }
    case 'ARRAY':
      return argument.kind === 'ARRAY' && fits(parameter.element, argument.element, bindings, casts);
    case 'MAP':
      return (
        argument.kind === 'MAP' &&
        fits(parameter.key, argument.key, bindings, casts) &&
        fits(parameter.value, argument.value, bindings, casts)
      );
    case 'STRUCT': {
      if (argument.kind !== 'STRUCT') return false;
      const { fields } = parameter;
      if (!casts && fields.length !== argument.fields.length) return false;
      return argument.fields.every((field, i) => {
        const target = casts ? fields.find((other) => other.name === field.name) : fields[i];
        return target !== undefined && target.name === field.name && fits(target.type, field.type, bindings, casts);
      });
    }
    default:
      return unreachable(parameter);
  }
};

/** The DECIMAL that an argument is, or with `casts` a whole number as one. */
const asDecimal = (argument: SqlType, casts: boolean): SqlType | undefined => {
  if (argument.kind === 'DECIMAL' || !casts) return argument.kind === 'DECIMAL' ? argument : undefined;
  const [operand] = operandTypes(argument, leastDecimal) ?? [];
  return operand?.kind === 'DECIMAL' ? operand : undefined;
};

/** The type that a parameter or result means under these bindings; none when a generic is unbound or it is ANY. */
export const concrete = (type: ParameterType, bindings: Bindings): SqlType | undefined => {
  if (isScalar(type)) return type;
  switch (type.kind) {
    case 'GENERIC':
      return bindings.get(type.name);
    case 'ANY':
      return undefined;
    case 'ANY DECIMAL':
      return bindings.get(type.kind);
    case 'ARRAY': {
      const element = concrete(type.element, bindings);
      return element === undefined ? undefined : { kind: 'ARRAY', element };
    }
    case 'MAP': {
      const key = concrete(type.key, bindings);
      const value = concrete(type.value, bindings);
      return key === undefined || value === undefined ? undefined : { kind: 'MAP', key, value };
    }
    case 'STRUCT': {
      const fields: { name: string; type: SqlType }[] = [];
      for (const field of type.fields) {
        const found = concrete(field.type, bindings);
        if (found === undefined) return undefined;
        fields.push({ name: field.name, type: found });
      }
      return { kind: 'STRUCT', fields };
    }
    default:
      return unreachable(type);
  }
};

/** What the generics of a signature stand for in a call with these arguments; undefined when they do not fit it. Of
 *  lambdas nothing is taken. */
export const bindingsOf = (signature: Signature, args: readonly SqlType[]): Bindings | undefined => {
  const bindings = new Map<string, SqlType>();
  const fitting = spread(signature, args.length)?.every(
    ({ type }, i) => type.kind === 'LAMBDA' || fits(type, args[i] ?? null, bindings, true),
  );
  return fitting === true ? bindings : undefined;
};

/** How many generics a signature's parameters mention. */
export const countGenerics = ({ parameters }: Signature): number =>
  parameters.flatMap(({ type }) => genericsOf(type)).filter((name) => name !== anyDecimal.kind).length;

/** The generics that a type mentions, and DECIMAL of any form, each as often as it does. */
const genericsOf = (type: Parameter['type']): readonly string[] => {
  if (isScalar(type)) return [];
  switch (type.kind) {
    case 'ANY':
      return [];
    case 'ANY DECIMAL':
      return [type.kind];
    case 'LAMBDA':
      return [...type.parameters, type.result].flatMap(genericsOf);
    case 'GENERIC':
      return [type.name];
    case 'ARRAY':
      return genericsOf(type.element);
    case 'MAP':
      return [type.key, type.value].flatMap(genericsOf);
    case 'STRUCT':
      return type.fields.flatMap((field) => genericsOf(field.type));
    default:
      return unreachable(type);
  }
};
