/** SELECT among statements: it has rows to give, and goes where rows can be taken. */

import { UserError } from '../../base/index.ts';
import type { QueryStatement } from '../parser/statements/index.ts';
import type { Handler } from './statement.ts';

export const query: Handler<QueryStatement> = ({ at }) => {
  throw new UserError('SQL_QUERY_NOT_HERE', 'a SELECT cannot be run together with other statements', {
    at,
    hint: 'Send it by itself, to the endpoint for queries (/query-stream).',
  });
};
