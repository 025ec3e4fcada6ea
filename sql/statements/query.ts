/** SELECT among statements: refused, since its rows are returned by another endpoint. */

import { UserError } from '../../base/index.ts';
import type { QueryStatement } from '../parser/statements/index.ts';
import type { Handler } from './statement.ts';

export const query: Handler<QueryStatement> = ({ at }) => {
  throw new UserError('SQL_QUERY_NOT_HERE', 'a SELECT cannot be run as a statement', {
    at,
    hint: 'Send it by itself to /query-stream; in a program, use query() or subscribe().',
  });
};
