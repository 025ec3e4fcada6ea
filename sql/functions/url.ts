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

/** A URL by the grammar of RFC 3986, appendix B; characters that stand in no URL are a fault. */
const partsOf = (text: string): Parts => {
  if (/[\s"<>\\^`{|}]|%(?![\dA-Fa-f]{2})/.test(text)) throw new EvaluationError('the text is not a valid URL');
  const found = /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text);
  if (found === null) throw new EvaluationError('the text is not a valid URL');
  const [, protocol, authority, path, query, fragment] = found;
  const server = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority ?? '');
  const [, host, port] = server ?? [];
  return {
    protocol,
    host: host === '' ? undefined : host,
    port: port === undefined || port === '' ? undefined : Number(port),
    path: path === '' && authority === undefined ? undefined : path,
    query,
    fragment,
  };
};

const decoded = (part: string | undefined): string | null => (part === undefined ? null : decodeURIComponent(part));

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
        for (const parameter of (decoded(partsOf(text).query) ?? '').split('&')) {
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
        try {
          return decodeURIComponent(text.replaceAll('+', ' '));
        } catch (error) {
          throw new EvaluationError('the text is no encoded parameter of a URL', { cause: error });
        }
      },
    }),
  ],
};
