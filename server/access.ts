/**
 * Who may talk to the server: checks that keep web pages of strangers out of it.
 *
 * A browser sends what any page asks it to, also to servers that only its user can reach. Three checks stop that. A
 * POST must have a JSON content type: browsers ask the server first before they send that across origins. An Origin,
 * which browsers name and tools do not, must be on the allow list; a server on the loopback interface also allows pages
 * that it reaches there itself. And such a server must be called by a loopback name: a foreign Host is a name that was
 * made to point here (DNS rebinding).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestError } from './errors.ts';
import { errorCodes, mediaTypes } from './protocol.ts';

export interface AccessRules {
  /** Reached over the loopback interface only. */
  readonly loopbackOnly: boolean;
  /** Origins of web pages that may call the server, such as `https://console.example.com`; `*` allows every one. */
  readonly allowedOrigins: readonly string[];
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);
const jsonType = /^application\/(json|vnd\.ksql(api)?[.+\w-]*)\s*(;|$)/i;

/** Throws a `RequestError` unless the request may go on. Allowed origins get the headers that their browsers ask for.
 *  */
export const checkAccess = (request: IncomingMessage, response: ServerResponse, rules: AccessRules): void => {
  const { host, origin, 'content-type': type } = request.headers;
  if (rules.loopbackOnly && host !== undefined && !isLoopback(host)) {
    throw new RequestError(
      errorCodes.forbidden,
      `this server answers on the loopback interface only, and "${host}" is another name. Call it as localhost, or start it with --host to serve a network.`,
    );
  }
  if (origin !== undefined) checkOrigin(origin, response, rules);
  if (request.method === 'POST' && !jsonType.test(type ?? '')) {
    const sent = type === undefined ? 'no content type' : `the content type "${type}"`;
    throw new RequestError(
      errorCodes.unsupportedMediaType,
      `the request has ${sent}, and the server takes JSON. Send it with the header "Content-Type: ${mediaTypes.json}".`,
    );
  }
};

/** Whether a browser asks what it may send: answered with headers alone. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;

const checkOrigin = (origin: string, response: ServerResponse, { loopbackOnly, allowedOrigins }: AccessRules): void => {
  const listed = allowedOrigins.some((allowed) => allowed === '*' || allowed.toLowerCase() === origin.toLowerCase());
  if (!listed && !(loopbackOnly && isLoopback(hostOf(origin)))) {
    throw new RequestError(
      errorCodes.forbidden,
      `web pages of "${origin}" may not call this server. Start it with --allow-origin ${origin} to let them.`,
    );
  }
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-methods', 'GET, POST');
  response.setHeader('access-control-allow-headers', 'content-type, accept');
  response.setHeader('vary', 'origin');
};

const isLoopback = (host: string): boolean => loopbackNames.has(host.replace(/:\d+$/, '').toLowerCase());

const hostOf = (origin: string): string => {
  try {
    return new URL(origin).host;
  } catch {
    return origin;
  }
};
