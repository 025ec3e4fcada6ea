/** The rewrites, shown as the tree before and after. */

import { describe, expect, test } from 'vitest';
import { type LogicalNode, printLogical } from '../../../sql/analyze/logical.ts';
import { analyzeQuery } from '../../../sql/analyze/query.ts';
import { Typer } from '../../../sql/analyze/typer.ts';
import { builtInFunctions } from '../../../sql/functions/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import type { Rule } from '../../../sql/plan/rule.ts';
import { foldConstants } from '../../../sql/plan/rules/fold-constants.ts';
import { pruneColumns } from '../../../sql/plan/rules/prune-columns.ts';
import { pushDownFilter } from '../../../sql/plan/rules/push-down-filter.ts';
import { applyRules, printTrace } from '../../../sql/plan/rules.ts';
import { planAll, session, sources } from '../support/planning.ts';

const rewrite = (rule: Rule, plan: LogicalNode): LogicalNode => rule.rewrite(plan, { catalog: session().catalog });

const analyzed = (select: string): LogicalNode => {
  const own = session();
  planAll(sources, own);
  const [statement] = parseStatements(`${select} EMIT CHANGES;`);
  if (statement?.statement.kind !== 'query') throw new Error('a query was expected');
  const typer = new Typer(builtInFunctions());
  return analyzeQuery(statement.statement.query, { catalog: own.catalog, typer, purpose: 'push' }).plan;
};

/** The headlines of the tree only: schemas are left out. */
const shape = (plan: LogicalNode): string =>
  printLogical(plan)
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('->'))
    .join('\n');

describe('fold constants', () => {
  test('operators over literals become their result; what fails or may change stays', () => {
    const plan = rewrite(
      foldConstants,
      analyzed(
        `SELECT 1 + 2 * 3 AS a, CAST('7' AS INT) AS b, 1 / 0 AS c, RANDOM() AS d, amount + (2 + 3) AS e FROM orders WHERE 1 = 1 AND amount > 2 * 5`,
      ),
    );
    expect(shape(plan)).toBe(
      [
        'Project stream 7 AS A, 7 AS B, (1 / 0) AS C, RANDOM() AS D, (AMOUNT + 5E0) AS E',
        '  Filter stream (TRUE AND (AMOUNT > 10E0))',
        '    Source stream ORDERS',
      ].join('\n'),
    );
  });
});

describe('push down filter', () => {
  test('what reads the stream only goes below a join, what reads the table stays', () => {
    const plan = rewrite(
      pushDownFilter,
      analyzed(
        `SELECT o.id FROM orders o LEFT JOIN customers c ON o.customer = c.name WHERE o.amount > 1 AND c.city IS NULL AND o.customer <> 'x'`,
      ),
    );
    const text = shape(plan);
    expect(text).toContain('Filter stream (C_CITY IS NULL)\n    Join left stream');
    expect(text).toContain("Filter stream ((AMOUNT > 1E0) AND (CUSTOMER <> 'x'))\n            Source stream ORDERS");
  });

  test('a condition on a table is not moved', () => {
    const plan = analyzed('SELECT name FROM customers WHERE since > 1');
    expect(rewrite(pushDownFilter, plan)).toEqual(plan);
  });
});

describe('prune columns', () => {
  test('only what is read above is kept of the sides of a join', () => {
    const plan = rewrite(
      pruneColumns,
      analyzed('SELECT o.id, c.city FROM orders o JOIN customers c ON o.customer = c.name'),
    );
    expect(shape(plan)).toBe(
      [
        'Project stream O_ID AS ID, C_CITY AS CITY',
        '  Join inner stream',
        '    Rekey by O_CUSTOMER AS O_CUSTOMER; keep O_ID AS O_ID',
        '      Project stream CUSTOMER AS O_CUSTOMER',
        '        Source stream ORDERS',
        '    Project table CITY AS C_CITY',
        '      Source table CUSTOMERS',
      ].join('\n'),
    );
  });

  test('the top of the plan stays as it is', () => {
    const plan = analyzed('SELECT * FROM orders');
    expect(rewrite(pruneColumns, plan).schema).toEqual(plan.schema);
  });
});

describe('the trace', () => {
  const trace = (select: string): string => {
    const plan = analyzed(select);
    return printTrace(plan, applyRules(plan, { catalog: session().catalog }).trace);
  };

  test('shows the plan after each rule that changed it, under the name of the rule', () => {
    const text = trace('SELECT o.id FROM orders o LEFT JOIN customers c ON o.customer = c.name WHERE o.amount > 1 + 2');
    expect(text.split('\n').filter((line) => line.startsWith('Rewritten'))).toEqual([
      'Rewritten by fold constants',
      'Rewritten by push down filter',
      'Rewritten by prune columns',
    ]);
  });

  test('says so when no rule changed anything', () => {
    expect(trace('SELECT * FROM orders')).toBe('Rewritten by no rule');
  });
});
