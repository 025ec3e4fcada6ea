/** Functions on URLs and their parts. */

import { EvaluationError } from '../types/evaluation-error.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

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
