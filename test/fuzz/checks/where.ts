/** Each row is in one of the parts that WHERE, its negation and its being NULL make: of the last query, and of each
 *  INSERT INTO by itself. */

import type { Expression } from '../../../sql/parser/ast.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import { printStatement, type Statement, type StatementOf } from '../../../sql/parser/statements/index.ts';
import { recordOf } from '../sources.ts';
import type { Case, Check } from './case.ts';
import { type Arrangement, atTheEnd, inOrder, type Result } from './compare.ts';
import { eachAlone, runOf } from './driver.ts';
import { planned } from './planned.ts';

type Written = StatementOf<'create-as' | 'insert-as'>;

export const where: Check = (one) => {
  for (const [i, text] of one.queries.entries()) {
    const [parsed] = parseStatements(text);
    const statement: Statement | undefined = parsed?.statement;
    const isLast = statement?.kind === 'create-as' && i === one.queries.length - 1;
    if (!isLast && statement?.kind !== 'insert-as') continue;
    const found = problemOf(one, i, statement);
    if (found !== undefined) return found;
  }
  return undefined;
};

const problemOf = (one: Case, index: number, written: Written): string | undefined => {
  const { query } = written;
  const condition = query.where;
  if (condition === undefined || query.groupBy !== undefined) return undefined;
  const { at } = condition;
  // A record without a value passes no condition.
  const streams = new Set(one.history.flatMap(({ source }) => (source.kind === 'stream' ? [source.topic] : [])));
  const records = eachAlone(
    one.history.map(recordOf).filter(({ topic, value }) => !streams.has(topic) || value !== null),
  );
  const run = (also: Expression | undefined): Result => {
    const text = `${printStatement({ ...written, query: { ...query, where: also } })};`;
    const all = planned({ ...one, queries: [...one.queries.slice(0, index), text] });
    return runOf(all, written.kind === 'insert-as' ? all.plans.slice(-1) : all.plans, records);
  };
  const whole = run(undefined);
  const unknown = run({ kind: 'is-null', negated: false, operand: condition, at });
  const parts = [run(condition), run({ kind: 'not', operand: condition, at }), unknown];
  if ([whole, ...parts].some(({ error }) => error !== undefined)) return undefined;
  const isTable = written.kind === 'create-as' && written.sourceKind === 'table';
  const arranged: Arrangement = isTable ? atTheEnd : inOrder;
  const topic = written.kind === 'create-as' ? written.name.name : written.target.name;
  const rows = ({ lines }: Result): readonly string[] => arranged(lines.get(topic) ?? [], topic) ?? [];
  const left = [...rows(whole)];
  for (const row of parts.flatMap(rows)) {
    const at = left.indexOf(row);
    if (at < 0) return `in the parts, and not in the whole, or in two parts:\n  ${row}`;
    left.splice(at, 1);
  }
  // A row on which the condition fails is in none of them, and noted; of one such row a join or a table function would
  // have made several.
  const several = query.joins.length > 0 || one.queries[index]?.includes('EXPLODE(') === true;
  const noted = several && unknown.drops.length > 0 ? left.length : unknown.drops.length;
  return left.length > noted ? `in no part:\n  ${left.join('\n  ')}` : undefined;
};
