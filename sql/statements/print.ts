/** PRINT among statements: refused, since what it prints is returned by another endpoint. */

import { UserError } from '../../base/index.ts';
import type { PrintTopic } from '../parser/statements/print.ts';
import type { Handler } from './statement.ts';

export const print: Handler<PrintTopic> = ({ at }) => {
  throw new UserError('SQL_QUERY_NOT_HERE', 'PRINT cannot be run as a statement', {
    at,
    hint: 'Send it by itself to /query-stream; in a program, use query().',
  });
};
