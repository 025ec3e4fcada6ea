/** Functions on URLs and their parts. */

import { EvaluationError } from '../types/evaluation-error.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

interface Parts {
  readonly protocol: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string | undefined;
  readonly query: string | undefined;
  readonly fragment: string | undefined;
}

const notUrl = (): never => {
  throw new EvaluationError('the text is not a valid URL');
};

/** A server: a name whose last label begins with a letter, an IPv4 address, or an IPv6 address between brackets; then
 *  perhaps a port. */
const server =
  /^(?:[^@]*@)?((?:[\dA-Za-z](?:[\dA-Za-z-]*[\dA-Za-z])?\.)*[A-Za-z](?:[\dA-Za-z-]*[\dA-Za-z])?\.?|\d{1,3}(?:\.\d{1,3}){3}|\[[\d.A-Fa-f]*:[\d:.A-Fa-f]*(?:%\w+)?\])(?::(\d*))?$/;

/**
 * A URL as java.net.URI takes it apart. Behind a protocol that no slash follows (`mailto:a@b`) there are no parts; an
 * authority that is not a server has no host and no port. A text with characters that no URL has is not a URL.
 */
const partsOf = (text: string): Parts => {
  if (/[\s\p{C}"<>\\^`{|}]|%(?![\dA-Fa-f]{2})/u.test(text)) return notUrl();
  const found = /^(?:([^/?#:]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (found === null) return notUrl();
  const [, protocol, authority, path = '', query, fragment] = found;
  if (/[[\]]/.test(path)) return notUrl();
  if (protocol !== undefined && !/^[A-Za-z][\w+.-]*$/.test(protocol)) return notUrl();
  if (protocol !== undefined && authority === undefined && !path.startsWith('/')) {
    if (path === '' && query === undefined) return notUrl();
    return { protocol, host: undefined, port: undefined, path: undefined, query: undefined, fragment };
  }
  if (authority === '' && path === '') return notUrl();
  const [, host, port = ''] = server.exec(authority ?? '') ?? [];
  const portNumber = Number(port);
  const known = host !== undefined && portNumber <= 2147483647;
  return {
    protocol,
    host: known ? host : undefined,
    port: known && port !== '' ? portNumber : undefined,
    path,
    query,
    fragment,
  };
};

/** Each run of escapes as UTF-8; bytes that are none become U+FFFD. */
const unescaped = (text: string): string =>
  text.replaceAll(/(?:%[\dA-Fa-f]{2})+/g, (run) =>
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      Uint8Array.from(run.slice(1).split('%'), (byte) => Number.parseInt(byte, 16)),
    ),
  );

const decoded = (part: string | undefined): string | null => (part === undefined ? null : unescaped(part));

const example = 'https://user@example.com:8080/a/b?x=1&y=%C3%BC&z#top';

/** Functions that give one part of a URL as text. */
const ofParts: readonly (readonly [
  name: string,
  doc: string,
  result: string,
  part: (parts: Parts) => string | null,
])[] = [
  ['PROTOCOL', 'protocol', 'https', ({ protocol }) => protocol ?? null],
  ['HOST', 'host', 'example.com', ({ host }) => host ?? null],
  ['PATH', 'path', '/a/b', ({ path }) => decoded(path)],
  ['QUERY', 'query', 'x=1&y=ü&z', ({ query }) => decoded(query)],
  ['FRAGMENT', 'fragment', 'top', ({ fragment }) => decoded(fragment)],
];

export const url: Family = {
  category: 'URL',
  functions: [
    define({
      signature: 'URL_ENCODE_PARAM(STRING) -> STRING',
      doc: 'The text as a parameter of a URL: form encoding, a blank is a plus.',
      nulls: 'propagate',
      examples: [["URL_ENCODE_PARAM('a b&c=ü*')", "'a+b%26c%3D%C3%BC*'"]],
      body: (text: string) =>
        encodeURIComponent(text.toWellFormed())
          .replaceAll('%20', '+')
          .replaceAll(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`),
    }),
    ...ofParts.map(([name, word, result, part]) =>
      define({
        signature: `URL_EXTRACT_${name}(STRING) -> STRING`,
        doc: `The ${word} of a URL; NULL when it has none.`,
        nulls: 'propagate',
        examples: [[`URL_EXTRACT_${name}('${example}')`, `'${result}'`]],
        body: (text: string) => part(partsOf(text)),
      }),
    ),
    define({
      signature: 'URL_EXTRACT_PORT(STRING) -> INT',
      doc: 'The port of a URL; NULL when it has none.',
      nulls: 'propagate',
      examples: [
        [`URL_EXTRACT_PORT('${example}')`, '8080'],
        ["URL_EXTRACT_PORT('https://example.com/')", 'NULL'],
      ],
      body: (text: string) => partsOf(text).port ?? null,
    }),
    define({
      signature: 'URL_EXTRACT_PARAMETER(STRING, STRING) -> STRING',
      doc: 'The value of a parameter in the query of a URL; empty when it has no value, NULL when it is not there.',
      nulls: 'propagate',
      examples: [
        [`URL_EXTRACT_PARAMETER('${example}', 'y')`, "'ü'"],
        [`URL_EXTRACT_PARAMETER('${example}', 'z')`, "''"],
        [`URL_EXTRACT_PARAMETER('${example}', 'q')`, 'NULL'],
      ],
      body: (text: string, name: string) => {
        const query = decoded(partsOf(text).query);
        if (query === null) return null;
        for (const parameter of query.split('&')) {
          const [key = '', ...value] = parameter.split('=');
          if (key === name) return value.join('=');
        }
        return null;
      },
    }),
    define({
      signature: 'URL_DECODE_PARAM(STRING) -> STRING',
      doc: 'The text that a parameter of a URL stands for.',
      nulls: 'propagate',
      examples: [["URL_DECODE_PARAM('a+b%26c%3D%C3%BC')", "'a b&c=ü'"]],
      body: (text: string) => {
        if (/%(?![\dA-Fa-f]{2})/.test(text)) throw new EvaluationError('the text is not an encoded parameter of a URL');
        return unescaped(text.replaceAll('+', ' '));
      },
    }),
  ],
};
