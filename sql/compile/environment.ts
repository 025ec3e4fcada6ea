/** What compiling a plan needs beside the plan: the functions, what they may know of the world, and what queries of one
 *  thread share. */

import type { FunctionContext } from '../functions/define.ts';
import type { FunctionRegistry } from '../functions/registry.ts';
import type { ScanRegistry } from './scan.ts';

export interface CompileEnvironment {
  readonly functions: FunctionRegistry;
  readonly context: FunctionContext;
  readonly scans: ScanRegistry;
}
