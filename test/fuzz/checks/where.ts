import { parseStatements } from '../../../sql/parser/parse.ts';
import { printStatement, type StatementOf } from '../../../sql/parser/statements/index.ts';
import { recordOf } from '../sources.ts';
import type { Check } from './case.ts';
import { atTheEnd, inOrder, type Result } from './compare.ts';
import { eachAlone, resultOf } from './driver.ts';
import { planned } from './planned.ts';

/** Each row is in one of the parts. */
export const where: Check = (one) => {
  const all = one.queries.flatMap((text) => {
    const [parsed] = parseStatements(text);
    return parsed?.statement.kind === 'create-as' ? [parsed.statement] : [];
  });
  const last = all.at(-1);
  if (last === undefined || all.length !== one.queries.length) return undefined;
  const { query } = last;
  const condition = query.where;
  if (condition === undefined || query.groupBy !== undefined) return undefined;
  const { at } = condition;
  const named = (name: string, also: typeof condition | undefined): string => {
    const statement: StatementOf<'create-as'> = {
      ...last,
      name: { name, at },
      query: { ...query, where: also },
    };
    return `${printStatement(statement)};`;
  };
  // A record without a value passes no condition.
  const streams = new Set(one.history.flatMap(({ source }) => (source.kind === 'stream' ? [source.topic] : [])));
  const records = eachAlone(
    one.history.map(recordOf).filter(({ topic, value }) => !streams.has(topic) || value !== null),
  );
  const run = (name: string, also: typeof condition | undefined): Result =>
    resultOf(planned({ ...one, queries: [...one.queries.slice(0, -1), named(name, also)] }), records);
  const whole = run('W', undefined);
  const unknown = run('W', { kind: 'is-null', negated: false, operand: condition, at });
  const parts = [run('W', condition), run('W', { kind: 'not', operand: condition, at }), unknown];
  if ([whole, ...parts].some(({ error }) => error !== undefined)) return undefined;
  const arranged = last.sourceKind === 'stream' ? inOrder : atTheEnd;
  const rows = ({ lines }: Result): readonly string[] => arranged(lines.get('W') ?? []);
  const left = [...rows(whole)];
  for (const row of parts.flatMap(rows)) {
    const at = left.indexOf(row);
    if (at < 0) return `in the parts, and not in the whole, or in two parts:\n  ${row}`;
    left.splice(at, 1);
  }
  // A row on which the condition fails is in none of them, and noted; of one such row a join or a table function would
  // have made several.
  const several = query.joins.length > 0 || one.queries.at(-1)?.includes('EXPLODE(') === true;
  const noted = several && unknown.drops.length > 0 ? left.length : unknown.drops.length;
  return left.length > noted ? `in no part:\n  ${left.join('\n  ')}` : undefined;
};
