/**
 * The command `millrace`: what can be asked for on the command line.
 *
 * Only the parser of options is loaded here; what a command needs is loaded when it runs. Exit codes: 0 all went well,
 * 1 the command line or a file is wrong, 2 no connection, 3 a statement failed, 130 Ctrl-C.
 */

import { existsSync, readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_PORT } from '../server/protocol.ts';
import { whenReaderLeaves } from './closed-pipe.ts';
import type { RepairOptions } from './repair.ts';
import type { ServeOptions } from './server.ts';
import type { SqlOptions } from './sql.ts';
import type { TypesOptions } from './types.ts';

/** The version of the package that this file lies in, built or not. */
function version(): string {
  const manifest = ['..', join('..', '..')]
    .map((up) => join(import.meta.dirname, up, 'package.json'))
    .find((path) => existsSync(path));
  const { version: written } = manifest === undefined ? {} : JSON.parse(readFileSync(manifest, 'utf8'));
  return typeof written === 'string' ? written : 'unknown';
}

const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    return value;
  };

/** For an option that may be given several times. */
const also = (value: string, former: readonly string[] = []): readonly string[] => [...former, value];

const assignment = (text: string, former: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Give a name and a value: NAME=VALUE.');
  return { ...former, [name.trim()]: value };
};

function program(finish: (code: number) => void): Command {
  const millrace = new Command('millrace')
    .description('Streaming SQL and a Kafka-compatible log in one process.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride();

  millrace
    .command('server')
    .description('run the server until Ctrl-C')
    .option('--data <dir>', 'data directory; made when missing', '.millrace')
    .option('--port <n>', 'port for HTTP; 0: any free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option(
      '--host <address>',
      'address to listen at; 0.0.0.0 is every interface, localhost both 127.0.0.1 and ::1',
      '127.0.0.1',
    )
    .option(
      '--workers <n>',
      'threads that run queries; 0 runs them on the main thread (default: cores - 1, at least 1)',
      wholeNumber(0, 64),
    )
    .option(
      '--max-queries <n>',
      'push and pull queries that clients may hold open at once (default: 100)',
      wholeNumber(1, 100_000),
    )
    .option(
      '--state-memory <MiB>',
      'memory for the state of queries (default: a quarter of what the process may use)',
      wholeNumber(1, 1_048_576),
    )
    .option(
      '--push-memory <MiB>',
      'memory for rows that wait for slow clients of push queries (default: 128)',
      wholeNumber(1, 65_536),
    )
    .addOption(
      new Option(
        '--schema-registry <url>',
        'an external registry of schemas; may hold user:password@ (default: the one within)',
      ).env('MILLRACE_SCHEMA_REGISTRY'),
    )
    .option('--functions <dir>', 'folder of modules of functions for SQL, whose code runs with limits (default: none)')
    .option(
      '--function-time <ms>',
      'how long one call of such a function may take (default: 5000)',
      wholeNumber(1, 3_600_000),
    )
    .option(
      '--function-memory <MiB>',
      'JavaScript heap of each thread that runs such functions (default: 512)',
      wholeNumber(16, 1_048_576),
    )
    .option(
      '--set <name=value>',
      'a property of SQL for all requests, as SET gives one; several may follow',
      assignment,
    )
    .option(
      '--allow-origin <origin...>',
      'origins of web pages that may call the server, as https://console.example.com',
    )
    .option(
      '--allow-host <name...>',
      'host names that the server may be called by, besides its addresses and localhost; * allows all',
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged to standard error')
        .choices(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info'),
    )
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./server.ts');
      finish(await serve(options));
    });

  millrace
    .command('sql')
    .description('run statements: from -e, from a file, from a pipe, or typed at a prompt')
    .argument('[url]', `address of the server (default: http://127.0.0.1:${DEFAULT_PORT})`)
    .option('--server <url>', 'the same, as an option')
    .option('-e, --execute <sql>', 'run these statements and exit')
    .option('-f, --file <file>', 'run the statements of a file and exit; - is standard input')
    .addOption(
      new Option('-o, --output <format>', 'how rows are shown; json is one object a line')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText('after', '\nExit codes: 0 ok, 1 usage, 2 connection, 3 a statement failed, 130 Ctrl-C.')
    .action(async (url: string | undefined, options: SqlOptions) => {
      const { runSql } = await import('./sql.ts');
      finish(await runSql({ ...options, server: url ?? options.server }));
    });

  millrace
    .command('repair')
    .description('list what keeps queries from starting, and mend it; only while no server uses the directory')
    .option('--data <dir>', 'data directory of the server', '.millrace')
    .option('--reset-query <query>', 'delete the state and offsets of a query: it is recomputed (repeatable)', also)
    .option('--accept-loss <topic>', 'go on without what is lost of a topic (repeatable)', also)
    .addHelpText(
      'after',
      `
Without --reset-query and --accept-loss nothing is changed: what contradicts itself is listed.
A query that is reset is recomputed from the start of its sources at the next start of the server. What it has
written stays in its output topic: rows of a table are overwritten, rows of a stream are written a second time.
Exit codes: 0 nothing is missing, 1 usage, 3 something is.`,
    )
    .action(async (options: RepairOptions) => {
      const { runRepair } = await import('./repair.ts');
      finish(await runRepair(options));
    });

  millrace
    .command('types')
    .description('write the rows of every stream and table as TypeScript, for query, subscribe and insert')
    .option('--server <url>', `address of a running server (default: http://127.0.0.1:${DEFAULT_PORT})`)
    .option('--data <dir>', 'data directory to read instead; only while no server uses it')
    .option('--out <file>', 'file to write (default: standard output)')
    .addHelpText('after', '\nExit codes: 0 ok, 1 usage, 2 connection, 3 the server or the directory refused.')
    .action(async (options: TypesOptions) => {
      const { runTypes } = await import('./types.ts');
      finish(await runTypes(options));
    });
  return millrace;
}

// What V8 made of the modules is kept in the system's directory for temporary files: a start is 60 ms shorter, of 340.
enableCompileCache();
// The texts of --help are written by the parser.
whenReaderLeaves(process.stdout, () => undefined);
try {
  await program((code) => {
    process.exitCode = code;
  }).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 1;
}
