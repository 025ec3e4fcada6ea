/**
 * Which sources may be joined how.
 *
 *   left     right    joins                      WITHIN
 *   stream   stream   inner, left, right, full   needed
 *   stream   table    inner, left                –
 *   table    table    inner, left, right, full   –
 *   table    table    inner, left                –        by a foreign key: the table stands first in FROM
 *
 * Windows are part of a key: windowed streams are joined with streams of the same windows, by their keys.
 */

import { UserError } from '../../base/index.ts';
import { type Expression, type Join, type JoinType, type SourceKind } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { WindowedKey } from '../types/schema.ts';
import type { JoinWindow } from './logical.ts';
import type { ScopedSource } from './scope.ts';
import { milliseconds } from './window.ts';

export type JoinKind = 'stream-stream' | 'stream-table' | 'table-table';

const words: Readonly<Record<JoinType, string>> = {
  inner: 'JOIN',
  left: 'LEFT JOIN',
  right: 'RIGHT JOIN',
  full: 'FULL OUTER JOIN',
};

export const printSides = ({ type }: Join, left: readonly ScopedSource[], right: ScopedSource): string =>
  `${left.map((source) => source.source.name).join(', ')} ${words[type]} ${right.source.name}`;

/** The kind of a join, which is one of those above but for its condition. */
export const joinKind = (
  join: Join,
  leftFlow: SourceKind,
  left: readonly ScopedSource[],
  right: ScopedSource,
): JoinKind => {
  const { at } = join.source;
  const names = printSides(join, left, right);
  if (leftFlow === 'table' && right.source.kind === 'stream') {
    throw new UserError('SQL_JOIN_ORDER', `a table cannot be joined with a stream behind it: ${names}`, {
      at,
      hint: 'Put the stream first: stream JOIN table.',
    });
  }
  const kind: JoinKind = `${leftFlow}-${right.source.kind}` as JoinKind;
  if (kind === 'stream-stream' && join.within === undefined) {
    throw new UserError('SQL_JOIN_WITHIN', `a join of two streams needs WITHIN: ${names}`, {
      at: join.at,
      hint: 'Say how far apart in time rows may be: JOIN … WITHIN 10 SECONDS ON …',
    });
  }
  if (kind !== 'stream-stream' && join.within !== undefined) {
    throw new UserError('SQL_JOIN_WITHIN', `WITHIN is for joins of two streams only: ${names}`, {
      at: join.within.at,
      hint: 'Leave WITHIN out.',
    });
  }
  if (kind === 'stream-table' && (join.type === 'right' || join.type === 'full')) {
    throw new UserError(
      'SQL_JOIN_TYPE',
      `a stream and a table are joined by JOIN or LEFT JOIN, not by ${words[join.type]}: ${names}`,
      { at: join.at, hint: 'Only rows of the stream make rows of the result: use LEFT JOIN to keep all of them.' },
    );
  }
  checkWindows(left, right);
  return kind;
};

const checkWindows = (left: readonly ScopedSource[], right: ScopedSource): void => {
  const { at } = right;
  const table = [...left, right].find(({ source }) => source.kind === 'table' && source.schema.windowed !== undefined);
  if (table !== undefined) {
    throw new UserError('SQL_WINDOWED_TABLE', `"${table.source.name}" is a windowed table and cannot be joined`, {
      at: table.at,
      hint: 'Read its topic as a windowed stream: CREATE STREAM … WITH (KAFKA_TOPIC, WINDOW_TYPE, WINDOW_SIZE).',
    });
  }
  const own = right.source.schema.windowed;
  for (const { source } of left) {
    const other = source.schema.windowed;
    if (own === undefined && other === undefined) continue;
    if (own === undefined || other === undefined) {
      const [windowed, plain] = own === undefined ? [source, right.source] : [right.source, source];
      throw new UserError(
        'SQL_WINDOWED_SOURCE',
        `"${windowed.name}" is windowed and "${plain.name}" is not: their keys never match`,
        { at, hint: 'The window is part of a windowed key. Join first, and then aggregate in windows.' },
      );
    }
    if (own.type === other.type && own.sizeMs === other.sizeMs) continue;
    throw new UserError(
      'SQL_WINDOWED_SOURCE',
      `"${source.name}" has ${windowsText(other)} and "${right.source.name}" ${windowsText(own)}: their keys never match`,
      { at, hint: 'The window is part of a windowed key: only the same windows can be joined.' },
    );
  }
};

const windowsText = ({ type, sizeMs }: WindowedKey): string =>
  `${type} windows${sizeMs === undefined ? '' : ` of ${sizeMs} ms`}`;

/** A side of a join that would need another key. */
export const checkCanBeRekeyed = ({ source }: ScopedSource, key: Expression): void => {
  if (source.schema.windowed === undefined) return;
  throw new UserError(
    'SQL_WINDOWED_SOURCE',
    `the windowed source "${source.name}" can be joined by its own key only, not by ${printExpression(key)}`,
    { at: key.at, hint: 'Its windows are part of its key.' },
  );
};

const dayMs = 86_400_000;

/** For two streams: a RIGHT JOIN is the LEFT JOIN of the sides exchanged, with before and after as they are written. */
export const joinWindow = ({ type, within }: Join): JoinWindow | undefined => {
  if (within === undefined) return undefined;
  const before = milliseconds(within.before);
  const after = milliseconds(within.after);
  const [beforeMs, afterMs] = type === 'right' ? [after, before] : [before, after];
  // Without GRACE PERIOD records are kept for about a day, as in ksqlDB.
  return within.grace === undefined
    ? { beforeMs, afterMs, graceMs: Math.max(0, dayMs - 2 * before), unmatched: 'at once' }
    : { beforeMs, afterMs, graceMs: milliseconds(within.grace), unmatched: 'when closed' };
};

/** Whether two tables are joined by the keys of both or by a foreign key; anything else is an error. `ofLeftKey`: the
 *  condition takes the key of what is on the left. */
export const tableJoinKind = (
  join: Join,
  left: readonly ScopedSource[],
  right: ScopedSource,
  ofLeftKey: boolean,
): 'primary key' | 'foreign key' => {
  if (ofLeftKey) return 'primary key';
  const names = printSides(join, left, right);
  if (left.length > 1) {
    throw new UserError(
      'SQL_JOIN_CONDITION',
      `a further table is joined by the key of the tables before it: ${printExpression(join.on)} is a foreign key in ${names}`,
      { at: join.on.at, hint: 'Join by the foreign key first, or make a table of the first joins.' },
    );
  }
  if (join.type === 'right' || join.type === 'full') {
    throw new UserError(
      'SQL_JOIN_TYPE',
      `tables are joined by a foreign key with JOIN or LEFT JOIN, not with ${words[join.type]}: ${names}`,
      { at: join.at, hint: 'Rows of the right table that no row refers to have no key in the result.' },
    );
  }
  return 'foreign key';
};
