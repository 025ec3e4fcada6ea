/**
 * ORDER BY: what each of its terms means, and the columns that rows are sorted by.
 *
 * A whole number is the position of a column in the SELECT list. A name is first that of a column in the SELECT list,
 * an alias for example, and else a column of the sources. Any other expression is evaluated as in SELECT; where it does
 * not stand there it becomes one more column, behind the others, which is cut off when the rows are sorted.
 */

import { UserError } from '../../base/index.ts';
import type { OrderTerm, Query } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { isScalar, printType, type SqlType } from '../types/type.ts';
import type { QueryContext } from './query-context.ts';
import type { Item } from './select-list.ts';
import { fingerprint } from './walk.ts';

export interface OrderKey {
  /** The column of the rows, hidden ones included. */
  readonly column: number;
  readonly descending: boolean;
  readonly nulls: 'first' | 'last';
}

/** No name of SQL has a blank at its beginning unless somebody quotes it so. */
const orderColumn = ' order ';

export const isOrderColumn = (name: string): boolean => name.startsWith(orderColumn);

/** The SELECT list, behind it what is sorted by and does not stand in it. */
export const orderedItems = (
  { query, scope }: QueryContext,
  listed: readonly Item[],
): { readonly items: readonly Item[]; readonly order: readonly OrderKey[] } => {
  const items = [...listed];
  const order = (query.orderBy?.terms ?? []).map((term): OrderKey => {
    const { expression, descending, nulls = descending ? 'first' : 'last' } = term;
    const at = positionOf(term, listed);
    if (at !== undefined) return { column: at, descending, nulls };
    const qualified = scope.qualify(expression, 'ORDER BY');
    const print = fingerprint(qualified);
    const known = items.findIndex((item) => fingerprint(item.expression) === print);
    if (known >= 0) return { column: known, descending, nulls };
    if (query.distinct !== undefined) {
      throw new UserError(
        'SQL_ORDER_BY',
        `${printExpression(expression)} in ORDER BY is not in the SELECT list, and SELECT DISTINCT keeps nothing else`,
        { at: term.at, hint: 'Add it to the SELECT list, or order by a column of it.' },
      );
    }
    items.push({ expression: qualified, name: `${orderColumn}${items.length}`, at: term.at });
    return { column: items.length - 1, descending, nulls };
  });
  return { items, order };
};

/** The column of the SELECT list that a term names, by its position or its name. */
const positionOf = ({ expression, at }: OrderTerm, listed: readonly Item[]): number | undefined => {
  if (expression.kind === 'integer') {
    const position = Number(expression.value);
    if (position >= 1 && position <= listed.length) return position - 1;
    throw new UserError('SQL_ORDER_BY', `the SELECT list has no column ${expression.value}`, {
      at,
      hint: `It has ${listed.length === 1 ? 'one column' : `${listed.length} columns, counted from 1`}.`,
    });
  }
  if (expression.kind !== 'column' || expression.source !== undefined) return undefined;
  const named = listed.findIndex((item) => item.name === expression.name);
  return named < 0 ? undefined : named;
};

/** Raises a `UserError` for what has no order. */
export const checkOrder = (
  query: Query,
  order: readonly OrderKey[],
  columns: readonly { readonly type: SqlType }[],
): void => {
  order.forEach(({ column }, i) => {
    const type = columns[column]?.type;
    const term = query.orderBy?.terms[i];
    if (type === undefined || term === undefined || isScalar(type)) return;
    throw new UserError(
      'SQL_ORDER_BY',
      `${printExpression(term.expression)} is ${printType(type)}, and collections have no order`,
      { at: term.at, hint: 'Order by a member of it, or by its length.' },
    );
  });
};
