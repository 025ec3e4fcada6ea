/** What compiling a plan needs besides the plan: the functions, the clock and randomness that they may use, and what
 *  the queries of one thread share. */

import type { FunctionContext } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { SharedReading } from './scan-view.ts';

export interface CompileEnvironment extends SharedReading {
  readonly functions: FunctionRegistry;
  readonly context: FunctionContext;
}
