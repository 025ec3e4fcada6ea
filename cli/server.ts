/**
 * `millrace server`: runs the server until it is stopped.
 *
 * The only file of the terminal that imports the server, and only when it is called, so that `millrace sql` does not
 * pay for it. Ctrl-C and SIGTERM end open queries, commit what is under way and close the data directory cleanly; a
 * second one does not wait.
 */

import { flushCompileCache } from 'node:module';
import type { RunningServer } from '../server/index.ts';
import { exitCode, UsageFault } from './exit.ts';
import { reportFault } from './report.ts';
import { Terminal } from './terminal.ts';

/** By then the functions that a start calls are compiled. */
const flushAfterMs = 1000;

export interface ServeOptions {
  readonly data: string;
  readonly port: number;
  readonly host: string;
  readonly workers?: number | undefined;
  readonly maxQueries?: number | undefined;
  /** MiB. */
  readonly stateMemory?: number | undefined;
  /** MiB. */
  readonly pushMemory?: number | undefined;
  /** URL of an external registry of schemas. */
  readonly schemaRegistry?: string | undefined;
  /** A folder of modules of functions. */
  readonly functions?: string | undefined;
  /** Milliseconds. */
  readonly functionTime?: number | undefined;
  /** MiB. */
  readonly functionMemory?: number | undefined;
  /** Properties of SQL, by name. */
  readonly set?: Readonly<Record<string, string>> | undefined;
  readonly allowOrigin?: readonly string[] | undefined;
  readonly allowHost?: readonly string[] | undefined;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

/** Gives the exit code. */
export async function serve({
  workers,
  maxQueries,
  stateMemory,
  pushMemory,
  schemaRegistry,
  functions,
  functionTime,
  functionMemory,
  set,
  allowOrigin = [],
  allowHost = [],
  ...options
}: ServeOptions): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr);
  const stopped = new Promise<void>((resolve) => {
    let stopping = false;
    const stop = (): void => {
      if (stopping) process.exit(exitCode.interrupted);
      stopping = true;
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
  try {
    const { launchServer } = await import('../server/launch.ts');
    const server = await launchServer({
      ...options,
      allowedOrigins: allowOrigin,
      allowedHosts: allowHost,
      ...(stateMemory === undefined ? {} : { stateMemoryBytes: stateMemory * 1024 * 1024 }),
      ...(pushMemory === undefined ? {} : { push: { bytesInAll: pushMemory * 1024 * 1024 } }),
      ...(workers === undefined ? {} : { workers }),
      ...(schemaRegistry === undefined ? {} : { schemaRegistry: { url: schemaRegistry } }),
      ...(functions === undefined ? {} : { functions }),
      ...(set === undefined ? {} : { properties: set }),
      functionLimits: {
        ...(functionTime === undefined ? {} : { callMs: functionTime }),
        ...(functionMemory === undefined ? {} : { heapMb: functionMemory }),
      },
      ...(maxQueries === undefined ? {} : { limits: { maxOpenQueries: maxQueries } }),
    });
    const { engine } = server.millrace;
    for (const line of startReport(engine.report)) terminal.message(line);
    for (const { id, state, error } of await engine.queries())
      if (state === 'ERROR') terminal.message(`The query ${id} does not run: ${error}`);
    const { url, addresses } = server;
    const where = addresses.length > 1 ? `${url} (${addresses.join(' and ')})` : url;
    terminal.message(`Millrace listens at ${where}, data in ${options.data}. Ctrl-C stops it.`);
    // Not at the end alone: many a server is killed, and the next start would compile everything again.
    setTimeout(flushCompileCache, flushAfterMs).unref();
    await stopped;
    terminal.message('Stopping.');
    await server.close();
    return exitCode.ok;
  } catch (error) {
    return reportFault(startFault(error), terminal);
  }
}

/** What the start found and repaired; nothing after a clean end. */
function startReport({
  recovery,
  failedStatements,
  unclaimed,
  damage,
}: RunningServer['millrace']['engine']['report']): string[] {
  const lines = failedStatements.map(
    ({ statement, message }) => `A statement of the statement log does not run (${message}): ${statement}`,
  );
  if (unclaimed.length > 0)
    lines.push(`Kept, although no statement that this version can read owns it: ${unclaimed.join(', ')}`);
  for (const message of damage) lines.push(`Missing: ${message}. See: millrace repair.`);
  const { abortedTransactions: aborted, completedTransactions: completed, bytesTruncated, durationMs } = recovery;
  if (aborted.length > 0) lines.unshift(`Transactions aborted: ${aborted.join(', ')}.`);
  if (completed.length > 0) lines.unshift(`Transactions completed: ${completed.join(', ')}.`);
  if (bytesTruncated > 0) lines.unshift(`Torn bytes cut from the ends of segments: ${bytesTruncated}.`);
  if (!recovery.cleanShutdown && recovery.partitionsRecovered > 0)
    lines.unshift(
      `The last run did not end cleanly: ${recovery.partitionsRecovered} partitions checked in ${Math.ceil(durationMs)} ms.`,
    );
  return lines;
}

/** A directory or a port that cannot be used is a matter of the command line. Anything else is a fault of ours, and is
 *  thrown on. */
function startFault(error: unknown): UsageFault {
  if (!(error instanceof Error) || !('code' in error) || !('hint' in error)) throw error;
  return new UsageFault(error.message, typeof error.hint === 'string' ? error.hint : undefined);
}
