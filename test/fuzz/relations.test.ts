/** The relations between pull queries can fail: each is given answers that keep it, and answers that break it. */

import { describe, expect, test } from 'vitest';
import type { Query } from '../../sql/parser/ast.ts';
import { printStatement } from '../../sql/parser/statements/index.ts';
import { parsedQuery } from './checks/live.ts';
import { access } from './checks/pulls/access.ts';
import { count } from './checks/pulls/count.ts';
import { distinct } from './checks/pulls/distinct.ts';
import { having } from './checks/pulls/having.ts';
import { join } from './checks/pulls/join.ts';
import { limit } from './checks/pulls/limit.ts';
import { order } from './checks/pulls/order.ts';
import type { Relation } from './checks/pulls/relation.ts';
import { subquery } from './checks/pulls/subquery.ts';
import { where } from './checks/pulls/where.ts';

/** By a part of the query's text, the first that it has; the rows as one text. */
type Answers = readonly (readonly [part: string, rows: string])[];

const problem = (relation: Relation, text: string, answers: Answers): Promise<string | undefined> => {
  const rowsOf = (query: Query): string[] => {
    const asked = printStatement({ kind: 'query', query, at: query.at });
    const [, rows] = answers.find(([part]) => asked.includes(part)) ?? [];
    if (rows === undefined) throw new Error(`no answer for ${asked}`);
    return rows === '' ? [] : rows.split(' ');
  };
  const query = parsedQuery(text);
  return relation(query, rowsOf(query), async (other) => rowsOf(other));
};

const all: readonly (readonly [relation: Relation, text: string, right: Answers, wrong: Answers])[] = [
  [
    access,
    "SELECT a FROM s WHERE k = 'x';",
    [
      ['CASE WHEN', '[2] [1]'],
      ['', '[1] [2]'],
    ],
    [
      ['CASE WHEN', '[1] [2] [3]'],
      ['', '[1] [2]'],
    ],
  ],
  [
    limit,
    'SELECT a FROM s LIMIT 1 OFFSET 1;',
    [
      ['LIMIT', '[2]'],
      ['', '[1] [2] [3]'],
    ],
    [
      ['LIMIT', '[1]'],
      ['', '[1] [2] [3]'],
    ],
  ],
  [
    order,
    'SELECT a FROM s ORDER BY a;',
    [
      ['ORDER BY', '[1] [2]'],
      ['', '[2] [1]'],
    ],
    [
      ['ORDER BY', '[1] [2]'],
      ['', '[2] [1] [1]'],
    ],
  ],
  [
    order,
    'SELECT a AS a FROM s ORDER BY a;',
    [
      ['DESC', '[2] [1]'],
      ['', '[1] [2]'],
    ],
    [
      ['DESC', '[1] [2]'],
      ['', '[1] [2]'],
    ],
  ],
  [
    distinct,
    'SELECT DISTINCT a FROM s;',
    [
      ['DISTINCT', '[1] [2]'],
      ['', '[1] [2] [1]'],
    ],
    [
      ['DISTINCT', '[1] [2] [1]'],
      ['', '[1] [2] [1]'],
    ],
  ],
  [
    having,
    'SELECT a FROM s GROUP BY a HAVING COUNT(*) > 1;',
    [
      ['HAVING NOT', '[2]'],
      ['IS NULL', ''],
      ['HAVING', '[1]'],
      ['', '[1] [2]'],
    ],
    [
      ['HAVING NOT', '[2]'],
      ['IS NULL', ''],
      ['HAVING', '[1] [2]'],
      ['', '[1] [2]'],
    ],
  ],
  [
    count,
    'SELECT a FROM s GROUP BY a;',
    [
      ['GROUP BY', '[1] [2]'],
      ['', '[3]'],
    ],
    [
      ['GROUP BY', '[1] [2]'],
      ['', '[4]'],
    ],
  ],
  [
    where,
    'SELECT a FROM s WHERE b;',
    [
      ['UNION', '[1] [2]'],
      ['WHERE NOT', '[2]'],
      ['IS NULL', ''],
      ['WHERE', '[1]'],
      ['SELECT B', ''],
      ['', '[1] [2]'],
    ],
    [
      ['UNION', '[1] [2]'],
      ['WHERE NOT', '[2]'],
      ['IS NULL', ''],
      ['WHERE', '[1]'],
      ['SELECT B', ''],
      ['', '[2]'],
    ],
  ],
  [
    where,
    'SELECT a FROM s WHERE b;',
    [
      ['UNION', '[1]'],
      ['WHERE NOT', ''],
      ['IS NULL', ''],
      ['WHERE', '[1]'],
      ['SELECT B', '[null]'],
      ['', '[1] [2]'],
    ],
    [
      ['UNION', '[1]'],
      ['WHERE NOT', ''],
      ['IS NULL', ''],
      ['WHERE', '[1]'],
      ['SELECT B', '[true]'],
      ['', '[1] [2]'],
    ],
  ],
  [
    subquery,
    'SELECT a FROM s;',
    [
      ['(SELECT', '[1]'],
      ['', '[1]'],
    ],
    [
      ['(SELECT', '[2]'],
      ['', '[1]'],
    ],
  ],
  [
    join,
    'SELECT l.a FROM s l JOIN r ON l.a = r.a;',
    [
      ['FULL', '[1] [2] [3]'],
      ['LEFT', '[1] [2]'],
      ['RIGHT', '[1] [3]'],
      ['', '[1]'],
    ],
    [
      ['FULL', '[1] [2]'],
      ['LEFT', '[1] [2]'],
      ['RIGHT', '[1] [3]'],
      ['', '[1]'],
    ],
  ],
  [
    join,
    'SELECT l.a FROM s l LEFT JOIN r ON l.a = r.a;',
    [
      ['FROM R RIGHT', '[1]'],
      ['', '[1]'],
    ],
    [
      ['FROM R RIGHT', '[2]'],
      ['', '[1]'],
    ],
  ],
];

describe('a relation between pull queries can hold, and can be broken', () => {
  const named = all.map(([relation, text, ...answers]) => [relation.name, text, relation, ...answers] as const);
  test.each(named)('%s: %s', async (_, text, relation, right, wrong) => {
    expect(await problem(relation, text, right)).toBeUndefined();
    expect(await problem(relation, text, wrong)).toBeTypeOf('string');
  });
});
