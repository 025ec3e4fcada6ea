/** How a command ends: the exit codes, and the two faults that the terminal itself can meet. */

export const exitCode = {
  ok: 0,
  /** The command line makes no sense, or a file it names cannot be read. */
  usage: 1,
  /** No server answered, or the connection broke. */
  connection: 2,
  /** The server refused or failed a statement. */
  sql: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** The command line was understood, and what it asks for cannot be done. */
export class UsageFault extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'UsageFault';
    this.hint = hint;
  }
}

/** No answer from the server, or not the whole of it. */
export class ConnectionFault extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'ConnectionFault';
    this.hint = hint;
  }
}
