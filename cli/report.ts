/** How a fault outside of any statement is shown. Apart from the session, so that the server's command need not load
 *  it. */

import { visible } from './cell.ts';
import { ConnectionFault, exitCode, UsageFault } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Shows a fault outside of any statement; gives the exit code. */
export function reportFault(error: unknown, terminal: Terminal): number {
  const { red, bold } = terminal.colors;
  if (!(error instanceof Error)) throw error;
  terminal.message(`${red(bold('error'))}: ${visible(error.message)}`);
  if (!(error instanceof ConnectionFault || error instanceof UsageFault)) return exitCode.sql;
  if (error.hint !== undefined) terminal.message(`${bold('hint')}: ${visible(error.hint)}`);
  return error instanceof UsageFault ? exitCode.usage : exitCode.connection;
}
