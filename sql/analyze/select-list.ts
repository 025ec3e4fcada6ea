/** The SELECT list: `*` spelled out, every item named, each name once. */

import { type Position, UserError } from '../../base/index.ts';
import type { Expression, SelectItem } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { type Column, isPseudoColumn } from '../types/schema.ts';
import { printType } from '../types/type.ts';
import type { QueryContext } from './query-context.ts';
import type { ScopedSource } from './scope.ts';
import { columnAt, generatedName, type Stage, unused } from './stage.ts';

/** One entry of the SELECT list, after `*` was spelled out. */
export interface Item {
  readonly expression: Expression;
  readonly name: string;
  readonly at: Position;
}

export class SelectList {
  readonly #context: QueryContext;

  constructor(context: QueryContext) {
    this.#context = context;
  }

  /** The list with `*` spelled out and every item named; expressions are qualified. `rekeyedStage` is the stage behind
   *  PARTITION BY, where there is one; `stage` the one before it. */
  items(stage: Stage, by: readonly Expression[], rekeyedStage?: Stage): readonly Item[] {
    const items: readonly SelectItem[] = this.#context.query.items;
    const persistent = this.#context.options.purpose === 'persistent';
    const scope = this.#context.scope;
    const sourceNames = new Set(scope.sources.flatMap((source) => scope.columnsOf(source)));
    const used = new Set<string>();
    const fieldNames = new Set(sourceNames);
    const result: Item[] = [];
    const add = (expression: Expression, name: string, at: Position): void => {
      result.push({ expression, name, at });
      used.add(name);
    };
    for (const item of items) {
      if (item.kind === 'all-columns') {
        const sources = item.source === undefined ? scope.sources : [scope.sourceNamed(item.source, item.at)];
        for (const one of this.#expand(sources, item.at, by, item.source === undefined ? rekeyedStage : undefined)) {
          add(one.expression, one.name, item.at);
        }
        continue;
      }
      if (item.kind === 'all-fields') {
        const base = scope.qualify(item.base, 'SELECT');
        const typed = this.#context.typer.type(stage.localize(base, 'SELECT'), stage.node.schema, 'SELECT');
        if (typed.type.kind !== 'STRUCT') {
          throw new UserError(
            'SQL_NOT_A_STRUCT',
            `->* takes the fields of a STRUCT, but ${printExpression(item.base)} is ${printType(typed.type)}`,
            { at: item.at },
          );
        }
        for (const { name } of typed.type.fields) add({ kind: 'field', base, name, at: item.at }, name, item.at);
        continue;
      }
      const { expression, alias, at } = item;
      const qualifiedItem = this.#qualifyItem(expression);
      if (alias !== undefined) {
        if (persistent && isPseudoColumn(alias.name)) {
          throw new UserError('SQL_RESERVED_NAME', `"${alias.name}" is a reserved column name and cannot be an alias`, {
            at: alias.at,
            hint: 'Choose another alias.',
          });
        }
        add(qualifiedItem, alias.name, at);
        continue;
      }
      if (expression.kind === 'column') {
        const shared = scope.sources.filter((source) => scope.has(source, expression.name)).length > 1;
        const source = qualifiedItem.kind === 'column' ? qualifiedItem.source : undefined;
        const name = shared && source !== undefined ? `${source}_${expression.name}` : expression.name;
        if (persistent && isPseudoColumn(name)) {
          throw new UserError('SQL_RESERVED_NAME', `"${name}" is a reserved column name and needs an alias here`, {
            at: expression.at,
            hint: `Write ${name} AS another_name.`,
          });
        }
        add(qualifiedItem, name, at);
      } else if (expression.kind === 'field') {
        const name = unused(expression.name, fieldNames);
        fieldNames.add(name);
        add(qualifiedItem, name, at);
      } else {
        const name = generatedName(new Set([...sourceNames, ...used]));
        add(qualifiedItem, name, at);
      }
    }
    const seen = new Set<string>();
    for (const { name, at } of result) {
      if (seen.has(name)) {
        throw new UserError('SQL_DUPLICATE_COLUMN', `the column name "${name}" stands twice in the SELECT list`, {
          at,
          hint: 'Give one of them another name: … AS other_name.',
        });
      }
      seen.add(name);
    }
    return result;
  }

  #qualifyItem(expression: Expression): Expression {
    // The bounds of windows over a join cannot be selected, as in ksqlDB; the table that results has them.
    return this.#context.scope.qualify(
      expression,
      'SELECT',
      this.#context.query.window !== undefined && !this.#context.scope.joined,
    );
  }

  #expand(
    sources: readonly ScopedSource[],
    point: Position,
    by: readonly Expression[],
    rekeyedStage: Stage | undefined,
  ): readonly { readonly expression: Expression; readonly name: string }[] {
    const scope = this.#context.scope;
    if (rekeyedStage !== undefined && rekeyedStage.node.kind === 'rekey' && !scope.joined) {
      // Behind PARTITION BY: the new key, the values, the former key columns.
      const { alias } = scope.sources[0] as ScopedSource;
      const { schema } = rekeyedStage.node;
      return [
        ...by.map((expression, i) => ({ expression, name: (schema.key[i] as Column).name })),
        ...schema.value
          .filter(({ name }) => !isPseudoColumn(name) && !schema.key.some((column) => column.name === name))
          .map((column) => ({ expression: columnAt(alias, column.name, point), name: column.name })),
      ];
    }
    // Over a join too the new key is part of `*`; where it is a column it stands among the others.
    const { key } = rekeyedStage?.node.schema ?? { key: [] };
    const made: { expression: Expression; name: string }[] = by.flatMap((expression, i) =>
      expression.kind === 'column' || key[i] === undefined ? [] : [{ expression, name: key[i].name }],
    );
    if (scope.syntheticKey !== undefined && sources === scope.sources) {
      made.push({ expression: columnAt('', scope.syntheticKey, point), name: scope.syntheticKey });
    }
    const listed = sources.flatMap((source) => {
      const { schema } = source.source;
      const bounds =
        (scope.joined || this.#context.options.purpose !== 'persistent') && schema.windowed !== undefined
          ? ['WINDOWSTART', 'WINDOWEND']
          : [];
      const names = [
        ...schema.key.map((column) => column.name),
        ...bounds,
        ...schema.value.map((column) => column.name),
      ];
      return names.map((name) => ({
        expression: columnAt(source.alias, name, point),
        name: scope.joined ? `${source.alias}_${name}` : name,
      }));
    });
    return [...made, ...listed];
  }
}
