/** Typing within a query: expressions whose columns are names of a node's schema. */

import { closest, UserError } from '../../base/index.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { Expression, ExpressionOf } from '../parser/ast.ts';
import type { Schema } from '../types/schema.ts';
import type { SqlType } from '../types/type.ts';
import type { ExpressionScope } from './expressions/draft.ts';
import type { Clause } from './scope.ts';
import { referTo } from './scope.ts';
import { typeAggregate, typeCondition, typeExpression, typeExpressionAs, typeTableCall } from './type-expression.ts';
import type { TypedAggregate, TypedExpression, TypedTableCall } from './typed.ts';

/** What a function is told by properties, such as the limit of COLLECT_LIST. */
export type FunctionSettings = (name: string) => Readonly<Record<string, string>>;

export class Typer {
  readonly functions: FunctionRegistry;
  readonly settingsOf: FunctionSettings;
  readonly #customType: (name: string) => SqlType | undefined;

  /** `customType` looks up what CREATE TYPE has made. */
  constructor(
    functions: FunctionRegistry,
    customType: (name: string) => SqlType | undefined = () => undefined,
    settingsOf: FunctionSettings = () => ({}),
  ) {
    this.functions = functions;
    this.settingsOf = settingsOf;
    this.#customType = customType;
  }

  isAggregate(name: string): boolean {
    return this.functions.isAggregate(name);
  }

  isTableFunction(name: string): boolean {
    return this.functions.isTableFunction(name);
  }

  type(expression: Expression, schema: Schema, clause: Clause): TypedExpression {
    return typeExpression(expression, this.#scope(schema, clause));
  }

  condition(expression: Expression, schema: Schema, clause: Clause): TypedExpression {
    return typeCondition(expression, this.#scope(schema, clause), clause);
  }

  /** Converted to a type: strictly, or laxly as INSERT VALUES does. The expression has no columns. */
  constant(expression: Expression, target: SqlType, grade: 'strict' | 'lax'): TypedExpression {
    return typeExpressionAs(expression, this.#scope({ key: [], value: [] }, 'VALUES'), target, grade);
  }

  tableCall(call: ExpressionOf<'call'>, schema: Schema): TypedTableCall {
    return typeTableCall(call, this.#scope(schema, 'SELECT'));
  }

  aggregate(call: ExpressionOf<'call'>, schema: Schema): TypedAggregate {
    return typeAggregate(call, this.#scope(schema, 'SELECT'));
  }

  #scope(schema: Schema, clause: Clause): ExpressionScope {
    return {
      functions: this.functions,
      customType: this.#customType,
      settingsOf: this.settingsOf,
      column: (node) => {
        const found = clause === 'VALUES' ? undefined : referTo(schema, node.name);
        if (found !== undefined) return found;
        const names = [...schema.key, ...schema.value].map((column) => column.name);
        const near = closest(node.name, names);
        throw new UserError(
          'SQL_UNKNOWN_COLUMN',
          clause === 'VALUES'
            ? `the column "${node.name}" cannot stand in VALUES`
            : `the column "${node.name}" in ${clause} does not exist`,
          {
            at: node.at,
            hint:
              clause === 'VALUES'
                ? 'VALUES takes literals and functions of literals; text stands in single quotes.'
                : near === undefined
                  ? undefined
                  : `Did you mean "${near}"?`,
          },
        );
      },
    };
  }
}
