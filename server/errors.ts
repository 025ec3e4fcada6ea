/**
 * Faults as HTTP: which status and which of ksqlDB's numbers an error gets.
 *
 * A user's fault is 400 with code, sentence, hint and position; the log's refusals, a full disk and a query that has
 * failed have numbers of their own; anything else is our bug: 500, the sentence without a stack, and the stack in the
 * server's log.
 */

import { messageOf, UserError } from '../base/index.ts';
import { LogError } from '../storage/index.ts';
import { type Entity, type ErrorEntity, errorCodes } from './protocol.ts';

export interface HttpFault {
  readonly status: number;
  readonly body: ErrorEntity;
}

export interface FaultContext {
  readonly statementText?: string;
  readonly entities?: readonly Entity[];
}

/** A fault of the request itself, found before any SQL is read. */
export class RequestError extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.name = 'RequestError';
    this.errorCode = errorCode;
  }
}

/** Faults with a code that are not the request's: the same request may succeed later. */
const serverSide: ReadonlyMap<string, number> = new Map([
  ['QUERY_NOT_RUNNING', errorCodes.serverError],
  ['QUERY_FAILED', errorCodes.serverError],
  ['SQL_CLOSED', errorCodes.shuttingDown],
  ['RUNTIME_CLOSED', errorCodes.shuttingDown],
]);

const generic = (error_code: number, message: string): HttpFault => ({
  status: Math.floor(error_code / 100),
  body: { '@type': 'generic_error', error_code, message },
});

export const faultOf = (error: unknown, context: FaultContext = {}): HttpFault => {
  if (error instanceof RequestError) return generic(error.errorCode, error.message);
  if (error instanceof UserError) {
    const { code, message, hint } = error;
    const status = serverSide.get(code);
    if (status !== undefined) {
      const { body, status: http } = generic(status, withHint(message, hint));
      return { status: http, body: { ...body, millrace: { code, ...(hint === undefined ? {} : { hint }) } } };
    }
    const [httpStatus, errorCode] =
      code === 'SQL_ASSERTION_FAILED' ? [417, errorCodes.assertionFailed] : [400, errorCodes.badStatement];
    const faults = error.others.map((other) => ({ ...detailsOf(other), message: withHint(other.message, other.hint) }));
    const millrace = { ...detailsOf(error), ...(faults.length === 0 ? {} : { faults }) };
    return {
      status: httpStatus,
      body: {
        '@type': 'statement_error',
        error_code: errorCode,
        message: withHint(message, hint),
        ...(context.statementText === undefined ? {} : { statementText: context.statementText }),
        entities: context.entities ?? [],
        millrace,
      },
    };
  }
  if (error instanceof LogError) {
    const code = error.kind === 'refused' ? errorCodes.badRequest : logFaultCode(error);
    const { body, status } = generic(code, withHint(error.message, error.hint));
    return { status, body: { ...body, millrace: { code: error.code } } };
  }
  return generic(errorCodes.serverError, messageOf(error));
};

const detailsOf = ({ code, hint, at }: UserError) => ({
  code,
  ...(hint === undefined ? {} : { hint }),
  ...(at === undefined ? {} : { at: { ...at } }),
});

/** The fault and the way out of it, as two sentences. */
const withHint = (message: string, hint: string | undefined): string =>
  hint === undefined ? message : `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}`;

const logFaultCode = (error: LogError): number =>
  error.code === 'LOG_DISK_FULL' ? errorCodes.storageFull : errorCodes.serverError;
