/**
 * Runs statements one after the other against a server, shows what they answer, and keeps what SET has set.
 *
 * At a prompt they are sent one by one. Those of a script go in batches, each up to the next query: the server checks a
 * batch as a whole, so that all its faults are shown before any of it has run. A query's rows are
 * shown as they come: what arrives within a moment of the first row sets the widths of the table, then every part is
 * written at once.
 */

import { dirname, resolve } from 'node:path';
import type { Entity, Fault } from '../server/protocol.ts';
import { type Cell, rowJson, visible } from './cell.ts';
import { type Client, type InForce, type Rows, ServerFault } from './client.ts';
import { blocksOf } from './entities.ts';
import { renderCaret } from './excerpt.ts';
import { exitCode, UsageFault } from './exit.ts';
import { reportFault } from './report.ts';
import { readScript } from './script.ts';
import {
  type Batch,
  batchesOf,
  isPrint,
  isQuery,
  type Setting,
  type StatementText,
  scriptIn,
  settingOf,
  variableOf,
  withVariables,
} from './statements.ts';
import { TableWriter } from './table.ts';
import type { Terminal } from './terminal.ts';

export type OutputFormat = 'table' | 'json';

export interface SessionOptions {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly output: OutputFormat;
  /** The name of the script that statements come from, for errors. */
  readonly script?: string | undefined;
  /** Whether a person reads along: progress is shown. */
  readonly interactive: boolean;
}

/** How long rows may gather before the widths of a table are fixed. */
const gatherMs = 120;
/** And how many. */
const gatherRows = 1_000;
/** How many scripts may run within one another. */
const maxScripts = 16;
/** When a query that shows nothing gets a word of explanation. */
const silenceMs = 3_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #properties = new Map<string, string>();
  /** By their names in lower case. */
  readonly #variables = new Map<string, string>();
  /** The scripts that run, the outermost first. */
  readonly #scripts: string[];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#scripts = options.script === undefined ? [] : [options.script];
  }

  /** Runs the statements of a script up to the first fault, and gives the exit code. */
  async runAll(script: string, signal: AbortSignal): Promise<number> {
    for (const batch of batchesOf(script)) {
      const code = await this.#run(batch, signal);
      if (code !== exitCode.ok) return code;
    }
    return exitCode.ok;
  }

  /** Runs one statement and gives the exit code it would end a script with. Faults are shown, not thrown. */
  run(statement: StatementText, signal: AbortSignal): Promise<number> {
    return this.#run({ ...statement, statements: [statement] }, signal);
  }

  async #run(statement: Batch, signal: AbortSignal): Promise<number> {
    const both = AbortSignal.any([signal, this.#options.terminal.closed]);
    try {
      const script = scriptIn(statement.text);
      if (script !== undefined) return await this.#runScript(script, signal);
      if (isQuery(statement.text)) await this.#query(statement.text, both);
      else if (isPrint(statement.text)) await this.#print(statement.text, both);
      else await this.#execute(statement, both);
    } catch (error) {
      if (both.aborted) return signal.aborted ? exitCode.interrupted : exitCode.ok;
      if (error instanceof ServerFault) await this.#keepSettings(beforeFault(error, statement), both);
      return await this.#report(error, statement);
    }
    return signal.aborted ? exitCode.interrupted : exitCode.ok;
  }

  /** What the last word of a text may become, and that word. Nothing where the server does not answer. */
  async complete(text: string): Promise<readonly [words: readonly string[], typed: string]> {
    try {
      const { from, to, items } = await this.#options.client.complete(text);
      return [items.map((item) => item.text), text.slice(from, to)];
    } catch {
      return [[], ''];
    }
  }

  get #sent(): InForce {
    return { properties: Object.fromEntries(this.#properties), variables: Object.fromEntries(this.#variables) };
  }

  /** Runs the statements of a file up to the first that fails. A relative name is one beside the script that names
   *  it. */
  async #runScript(name: string, signal: AbortSignal): Promise<number> {
    const from = this.#scripts.at(-1);
    const file = from === undefined ? name : resolve(dirname(from), name);
    if (this.#scripts.length >= maxScripts) {
      throw new UsageFault(
        `the script ${file} is not run: ${maxScripts} scripts are running within one another`,
        'A script may not run itself.',
      );
    }
    const script = readScript(file);
    this.#scripts.push(file);
    try {
      return await this.runAll(script, signal);
    } finally {
      this.#scripts.pop();
    }
  }

  /** Keeps what a statement has set, under its name, and tells a person. */
  #keep(kept: Map<string, string>, { name, value }: Setting, what: string): void {
    if (value === undefined) kept.delete(name);
    else kept.set(name, value);
    const { terminal, interactive } = this.#options;
    if (interactive) terminal.message(`${name} is ${value === undefined ? `un${what}` : what}.`);
  }

  /** Keeps what statements that have run set and define, and gives the number of those that do. */
  async #keepSettings(statements: readonly StatementText[], signal: AbortSignal): Promise<number> {
    let kept = 0;
    for (const { text } of statements) {
      const setting = settingOf(text);
      const variable = variableOf(text);
      if (setting !== undefined) this.#keep(this.#properties, await this.#inForce(setting, signal), 'set');
      if (variable !== undefined) {
        const lower = { ...variable, name: variable.name.toLowerCase() };
        this.#keep(this.#variables, await this.#inForce(lower, signal), 'defined');
      }
      if (setting !== undefined || variable !== undefined) kept++;
    }
    return kept;
  }

  /** With the values of variables in it, where the server puts them there. */
  async #inForce({ name, value }: Setting, signal: AbortSignal): Promise<Setting> {
    const replaced = (text: string): string => withVariables(text, this.#variables);
    if (replaced(name) === name && (value === undefined || replaced(value) === value)) return { name, value };
    if (!(await this.#replacesVariables(signal))) return { name, value };
    return { name: replaced(name), value: value === undefined ? undefined : replaced(value) };
  }

  /** A property that the server may have been given, or a SET. */
  async #replacesVariables(signal: AbortSignal): Promise<boolean> {
    const [entity] = await this.#options.client.execute('SHOW PROPERTIES;', this.#sent, signal);
    const properties: unknown = entity?.['properties'];
    const row: unknown = (Array.isArray(properties) ? properties : []).find(
      (one: { readonly name?: unknown }) => one.name === 'ksql.variable.substitution.enable',
    );
    return (row as { readonly value?: unknown } | undefined)?.value !== 'false';
  }

  async #execute({ text, statements }: Batch, signal: AbortSignal): Promise<void> {
    const { client, terminal, interactive } = this.#options;
    const entities = await client.execute(`${text};`, this.#sent, signal);
    const kept = await this.#keepSettings(statements, signal);
    for (const entity of entities) await this.#show(entity);
    if (interactive && entities.length === 0 && kept === 0) terminal.message('Done.');
  }

  async #show(entity: Entity): Promise<void> {
    const { terminal, output } = this.#options;
    if (output === 'json') {
      await terminal.write(`${JSON.stringify(entity)}\n`);
      return;
    }
    for (const block of blocksOf(entity)) {
      if (block.kind === 'message') terminal.message(visible(block.text));
      else if (block.kind === 'text') await terminal.write(`${block.text}\n`);
      else await terminal.write(new TableWriter(block.columns, terminal.tableStyle).write(block.rows));
    }
  }

  async #print(statement: string, signal: AbortSignal): Promise<void> {
    const { client, terminal, output } = this.#options;
    for await (const lines of await client.print(`${statement};`, this.#sent, signal)) {
      const shown = lines.map((line) => (output === 'json' ? JSON.stringify({ line }) : visible(line)));
      await terminal.write(shown.map((line) => `${line}\n`).join(''));
    }
  }

  async #query(statement: string, signal: AbortSignal): Promise<void> {
    const { client, terminal, interactive } = this.#options;
    const began = performance.now();
    const rows = await client.query(`${statement};`, this.#sent, signal);
    const silence = setTimeout(() => this.#explainSilence(statement), silenceMs);
    let count = 0;
    try {
      const show = this.#options.output === 'json' ? this.#asJson(rows) : this.#asTable(rows);
      for await (const some of show) {
        clearTimeout(silence);
        count += some;
        if (signal.aborted) break;
      }
    } finally {
      clearTimeout(silence);
    }
    if (interactive) {
      const seconds = ((performance.now() - began) / 1000).toFixed(2);
      terminal.message(terminal.colors.dim(`${count} ${count === 1 ? 'row' : 'rows'} in ${seconds} s`));
    }
  }

  /** Yields the number of rows that each step has written. */
  async *#asJson({ header, batches }: Rows): AsyncGenerator<number> {
    for await (const batch of batches()) {
      await this.#options.terminal.write(batch.map((row) => `${rowJson(header.columnNames, row)}\n`).join(''));
      yield batch.length;
    }
  }

  async *#asTable({ header, batches }: Rows): AsyncGenerator<number> {
    const { terminal } = this.#options;
    const columns = header.columnNames.map((name, index) => ({ name, type: header.columnTypes[index] }));
    const table = new TableWriter(columns, terminal.tableStyle);
    for await (const batch of gathered(batches())) {
      await terminal.write(table.write(batch));
      yield batch.length;
    }
    if (!table.begun) await terminal.write(table.write([]));
  }

  #explainSilence(statement: string): void {
    const { terminal } = this.#options;
    if (!/\bemit\s+\w+/i.test(statement)) return;
    const fromStart = this.#properties.get('auto.offset.reset') === 'earliest';
    const why = fromStart ? '' : " Only new records are read; SET 'auto.offset.reset' = 'earliest'; reads them all.";
    terminal.message(terminal.colors.dim(`No rows so far.${why}`));
  }

  /** Shows what ran of a batch, and an error with its position in the batch where there is one. */
  async #report(error: unknown, statement: Batch): Promise<number> {
    const { terminal } = this.#options;
    if (!(error instanceof ServerFault)) return reportFault(error, terminal);
    const { message, error_code, millrace, entities, statementText } = error.entity;
    for (const entity of entities ?? []) await this.#show(entity);
    // What fails while it runs has no place: that of its statement is known here.
    const failed = statement.statements.find(({ text }) => text === textOf(statementText));
    const place = statement.statements.length > 1 && failed !== undefined ? failed : undefined;
    this.#showFault({ code: String(error_code), ...millrace, message }, statement, place);
    for (const other of millrace?.faults ?? []) this.#showFault(other, statement);
    return exitCode.sql;
  }

  #showFault({ message, code, hint, at }: Fault, statement: StatementText, failed?: StatementText): void {
    const { terminal } = this.#options;
    const script = this.#scripts.at(-1);
    const { red, bold, dim } = terminal.colors;
    const sentence = hint !== undefined && message.endsWith(` ${hint}`) ? message.slice(0, -hint.length - 1) : message;
    terminal.message(`${red(bold('error'))} ${dim(code)}: ${visible(sentence)}`);
    const showPlace = (line: number, column: number): void =>
      terminal.message(
        dim(`  at ${script === undefined ? `line ${line}, column ${column}` : `${script}:${line}:${column}`}`),
      );
    if (at === undefined && failed !== undefined) showPlace(failed.line, failed.column);
    if (at !== undefined) {
      const { line, column } = placeIn(statement, at);
      showPlace(line, column);
      const [text, mark] = renderCaret(statement.text, at).split('\n');
      terminal.message(`  ${text}\n  ${red(mark ?? '')}`);
    }
    if (hint !== undefined) terminal.message(`${bold('hint')}: ${visible(hint)}`);
  }
}

type Place = Pick<StatementText, 'line' | 'column'>;

/** Where a place in the text of a batch or statement is in the whole script. */
const placeIn = (text: Place, at: Place): Place => ({
  line: text.line + at.line - 1,
  column: at.line === 1 ? text.column + at.column - 1 : at.column,
});

/** A statement without its semicolon. */
const textOf = (statement: string | undefined): string | undefined => statement?.replace(/;\s*$/, '');

/** The statements before the first one that is at fault; none where the error does not name it. */
const beforeFault = ({ entity }: ServerFault, batch: Batch): readonly StatementText[] => {
  const { statements } = batch;
  const at = entity.millrace?.at;
  const place = at === undefined ? undefined : placeIn(batch, at);
  const failed =
    place === undefined
      ? statements.findIndex(({ text }) => text === textOf(entity.statementText))
      : statements.findLastIndex(
          ({ line, column }) => line < place.line || (line === place.line && column <= place.column),
        );
  return statements.slice(0, Math.max(0, failed));
};

/** Holds the first rows back for a moment, so that the widths of a table are found from more than one. */
async function* gathered(
  batches: AsyncIterable<readonly (readonly Cell[])[]>,
): AsyncGenerator<readonly (readonly Cell[])[]> {
  const source = batches[Symbol.asyncIterator]();
  const first: (readonly Cell[])[] = [];
  let next = source.next();
  let timer: NodeJS.Timeout | undefined;
  let deadline: Promise<'late'> | undefined;
  try {
    for (let open = true; open; ) {
      const step = await (deadline === undefined ? next : Promise.race([deadline, next]));
      if (step === 'late') break;
      if (step.done === true) open = false;
      else {
        for (const row of step.value) first.push(row);
        next = source.next();
        if (first.length >= gatherRows) break;
      }
      deadline ??= new Promise((resolve) => {
        timer = setTimeout(resolve, gatherMs, 'late');
      });
    }
  } catch (error) {
    if (first.length > 0) yield first;
    throw error;
  } finally {
    clearTimeout(timer);
  }
  try {
    if (first.length > 0) yield first;
    for (let step = await next; step.done !== true; step = await source.next()) yield step.value;
  } finally {
    // Where the reader left early, nobody awaits the end of what is still under way.
    next.catch(() => {});
    await source.return?.();
  }
}
