/**
 * Who may call the server: checks that keep foreign web pages out.
 *
 * A browser sends what any page asks it to send, also to servers that only its user can reach. Three checks stop that:
 *
 * - A POST must have a JSON content type: before a browser sends that to another origin, it asks the server.
 * - An Origin, which browsers send and tools do not, must be on the list of allowed origins. A server on the loopback
 *   interface also allows the pages of that interface.
 * - The Host must be an address or a name that the server is known by. Any other name may have been made to point here,
 *   so that a page of that name counts as one of ours (DNS rebinding).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { RequestError } from './errors.ts';
import { authorityOf } from './exchange.ts';
import { errorCodes, mediaTypes } from './protocol.ts';

export interface AccessRules {
  /** Reached over the loopback interface only. */
  readonly loopbackOnly: boolean;
  /** Origins of web pages that may call the server, such as `https://console.example.com`; `*` allows every one. */
  readonly allowedOrigins: readonly string[];
  /** Host names, without a port, that the server may be called by; `*` allows every one. Always allowed are the names
   *  of the loopback interface and, on a network, every address. */
  readonly allowedHosts: readonly string[];
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);
const jsonType = /^application\/(json|vnd\.(ksql(api)?|schemaregistry)[.+\w-]*)\s*(;|$)/i;

/** Throws a `RequestError` unless the request may go on. Allowed origins get the headers that their browsers ask
 *  for. */
export const checkAccess = (request: IncomingMessage, response: ServerResponse, rules: AccessRules): void => {
  const { host, origin, 'content-type': type } = request.headers;
  for (const name of new Set([authorityOf(request), host])) if (name !== undefined) checkHost(name, rules);
  if (origin !== undefined) checkOrigin(origin, response, rules);
  if (request.method === 'POST' && !jsonType.test(type ?? '')) {
    const sent = type === undefined ? 'no content type' : `the content type "${type}"`;
    throw new RequestError(
      errorCodes.unsupportedMediaType,
      `the request has ${sent}, and the server accepts JSON only. Send it with the header "Content-Type: ${mediaTypes.json}".`,
    );
  }
};

/** Whether a browser asks what it may send: answered with headers alone. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;

const checkHost = (host: string, { loopbackOnly, allowedHosts }: AccessRules): void => {
  const name = withoutPort(host);
  if (loopbackNames.has(name) || isListed(allowedHosts, name)) return;
  // A foreign page cannot be served from an address: only names can be made to point elsewhere.
  if (!loopbackOnly && isIP(name.replace(/^\[|\]$/g, '')) !== 0) return;
  const where = loopbackOnly
    ? 'This server answers on the loopback interface only'
    : 'This server answers on a network';
  const names = loopbackOnly ? 'localhost' : 'its address';
  throw new RequestError(
    errorCodes.forbidden,
    `"${host}" is not a name of this server. ${where}: call it by ${names}, or start it with --allow-host ${name}.`,
  );
};

const checkOrigin = (origin: string, response: ServerResponse, { loopbackOnly, allowedOrigins }: AccessRules): void => {
  if (!isListed(allowedOrigins, origin) && !(loopbackOnly && loopbackNames.has(withoutPort(hostOf(origin))))) {
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

const isListed = (allowed: readonly string[], value: string): boolean =>
  allowed.some((one) => one === '*' || one.toLowerCase() === value.toLowerCase());

/** node:http2 sends an IPv6 address without the brackets that separate it from the port. */
const withoutPort = (host: string): string => {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return isIP(name) === 6 ? `[${name}]` : name;
};

const hostOf = (origin: string): string => {
  try {
    return new URL(origin).host;
  } catch {
    return origin;
  }
};
