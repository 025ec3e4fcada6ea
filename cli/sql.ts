/**
 * `millrace sql`: statements from the command line, from a file, from a pipe, or from a prompt.
 *
 * A script stops at its first error, and the exit code shows of what kind that was.
 */

import { text } from 'node:stream/consumers';
import { Client, serverAddress } from './client.ts';
import { UsageFault } from './exit.ts';
import { reportFault } from './report.ts';
import { readScript } from './script.ts';
import { type OutputFormat, Session } from './session.ts';
import { Terminal } from './terminal.ts';

export interface SqlOptions {
  readonly server?: string | undefined;
  readonly execute?: string | undefined;
  readonly file?: string | undefined;
  readonly output: OutputFormat;
}

/** Gives the exit code. */
export async function runSql(options: SqlOptions): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr);
  try {
    const client = new Client(serverAddress(options.server));
    const script = await scriptOf(options);
    const session = new Session({
      client,
      terminal,
      output: options.output,
      script: options.file === '-' ? undefined : options.file,
      interactive: script === undefined,
    });
    if (script !== undefined) return await runScript(script, session);
    const { KsqlServerInfo } = await client.info();
    terminal.message(`Millrace ${KsqlServerInfo.version} at ${client.url.origin}. "help" helps, \\q leaves.`);
    const [{ runPrompt }, { historyFile }] = await Promise.all([import('./prompt.ts'), import('./history.ts')]);
    return await runPrompt(session, terminal, {
      input: process.stdin,
      output: process.stdout,
      historyFile: historyFile(process.env),
    });
  } catch (error) {
    return reportFault(error, terminal);
  }
}

/** The statements to run; undefined when they are to be typed. */
async function scriptOf({ execute, file }: SqlOptions): Promise<string | undefined> {
  if (execute !== undefined && file !== undefined) {
    throw new UsageFault('both -e and -f were given', 'Use one of them, or put all statements into the file.');
  }
  if (execute !== undefined) return execute;
  if (file !== undefined && file !== '-') return readScript(file);
  return file === '-' || process.stdin.isTTY !== true ? await text(process.stdin) : undefined;
}

async function runScript(script: string, session: Session): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  return await session.runAll(script, interrupt.signal);
}
