/**
 * The prompt: lines are read until a semicolon completes a statement, which is then run.
 *
 * Ctrl-C ends the query that runs; with none running it throws away what was typed so far. Either way, lines that wait
 * are dropped. Ctrl-D on an empty line leaves, and so do the words `exit`, `quit` and `\q`. Lines that come while a
 * statement runs (a pasted script) wait until it is done. Tab completes the word, or shows what can stand there.
 */

import { createInterface, type Interface } from 'node:readline';
import { exitCode } from './exit.ts';
import { joinLines, maxHistory, readHistory, writeHistory } from './history.ts';
import type { Session } from './session.ts';
import { splitStatements } from './statements.ts';
import type { Terminal } from './terminal.ts';

const firstPrompt = 'millrace> ';
const nextPrompt = '       -> ';

const leave = /^\s*(?:exit|quit|\\q)\s*;?\s*$/i;
const help = /^\s*(?:help|\\\?|\\h)\s*;?\s*$/i;
/** A command of other terminals, such as `\d`: no statement begins with a backslash. */
const unknownCommand = /^\s*\\\S*/;

const helpText = `A statement ends with a semicolon and may go over several lines.

  SHOW STREAMS; SHOW TABLES; SHOW TOPICS; SHOW QUERIES; SHOW FUNCTIONS;
  DESCRIBE name;                        columns, formats, topic
  SELECT … FROM name;                   what is there now
  SELECT … FROM name EMIT CHANGES;      what comes, as it comes; Ctrl-C ends it
  CREATE STREAM|TABLE name (…) WITH (…);
  CREATE STREAM|TABLE name AS SELECT …; keeps running in the server
  INSERT INTO name VALUES (…);  DROP STREAM|TABLE name;  TERMINATE id;
  SET 'auto.offset.reset' = 'earliest'; read from the beginning
  PRINT topic FROM BEGINNING;           records as they lie in a topic
  DEFINE name = 'value';                what \${name} stands for from here on
  RUN SCRIPT 'file';                    statements of a file

exit, quit, \\q or Ctrl-D leaves.`;

export interface PromptStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Where statements are remembered. */
  readonly historyFile: string;
}

/** What the line editor calls with the words that can stand in the place of the one that is typed. */
type Offered = (error: null, found: [words: string[], typed: string]) => void;

/** Runs until the user leaves; gives the exit code. */
export async function runPrompt(session: Session, terminal: Terminal, streams: PromptStreams): Promise<number> {
  const file = streams.historyFile;
  let history = readHistory(file);
  /** The lines of the statement that is being typed. */
  let typed: string[] = [];
  const offer = async (line: string, done: Offered): Promise<void> => {
    const [words, word] = await session.complete([...typed, line].join('\n'));
    done(null, [[...words], word]);
  };
  const editor = createInterface({
    input: streams.input,
    output: streams.output,
    terminal: true,
    prompt: firstPrompt,
    history: [...history],
    historySize: maxHistory,
    removeHistoryDuplicates: true,
    completer: (line: string, done: Offered) => {
      void offer(line, done);
    },
  });
  editor.on('history', (entries) => {
    history = entries;
  });

  let running: AbortController | undefined;
  /** Lines that came while a statement runs. */
  const waiting: string[] = [];

  editor.on('SIGINT', () => {
    waiting.length = 0;
    if (running !== undefined) {
      running.abort();
      return;
    }
    if (typed.length === 0 && editor.line === '') terminal.message('\n(Ctrl-D or \\q leaves.)');
    else terminal.message('^C');
    typed = [];
    clearLine(editor);
    editor.setPrompt(firstPrompt);
    editor.prompt();
  });

  editor.prompt();
  let leaves = false;
  for await (const line of linesOf(editor, waiting)) {
    const first = typed.length === 0;
    if (first && leave.test(line)) {
      leaves = true;
      break;
    }
    if (first && help.test(line)) terminal.message(helpText);
    else if (first && unknownCommand.test(line)) {
      terminal.message(`There is no command ${unknownCommand.exec(line)?.[0].trim()}. "help" shows what there is.`);
    } else {
      typed.push(line);
      const { statements, rest } = splitStatements(typed.join('\n'));
      if (statements.length > 0) {
        const entry = joinLines(typed);
        if (entry !== undefined && typed.length > 1) replaceNewest(history, typed, entry);
        writeHistory(file, history);
        for (const statement of statements) {
          running = new AbortController();
          const code = await session.run({ ...statement, line: 1, column: 1 }, running.signal);
          const interrupted = running.signal.aborted;
          running = undefined;
          if (code !== exitCode.ok || interrupted) break;
        }
      }
      // A comment or a blank alone is nothing to go on with.
      if (statements.length > 0 || rest === undefined) typed = rest === undefined ? [] : [rest.text];
    }
    editor.setPrompt(typed.length === 0 ? firstPrompt : nextPrompt);
    editor.prompt();
  }
  // Ctrl-D leaves the cursor behind the prompt.
  if (!leaves) terminal.message('');
  editor.close();
  writeHistory(file, history);
  return exitCode.ok;
}

/** The lines of the editor, also those that come while nobody asks; ends when the input does. */
async function* linesOf(editor: Interface, waiting: string[]): AsyncGenerator<string> {
  let closed = false;
  let wake: (() => void) | undefined;
  editor.on('line', (line) => {
    waiting.push(line);
    wake?.();
  });
  editor.on('close', () => {
    closed = true;
    wake?.();
  });
  for (;;) {
    const line = waiting.shift();
    if (line !== undefined) yield line;
    else if (closed) return;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

/** Replaces the lines of a statement by one entry of the history. */
function replaceNewest(history: string[], lines: readonly string[], entry: string): void {
  for (const line of lines.toReversed()) if (history[0] === line) history.shift();
  history.unshift(entry);
}

/** Clears the line. */
function clearLine(editor: Interface): void {
  editor.write(null, { ctrl: true, name: 'e' });
  editor.write(null, { ctrl: true, name: 'u' });
}
