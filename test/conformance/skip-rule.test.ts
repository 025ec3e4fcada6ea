/** What is left out, and what is not. */

import { expect, test } from 'vitest';
import { skipReason } from './skip-rule.ts';

test.each([
  [{}, undefined],
  [{ responses: [] }, 'interface: the case asks a server, and this runner has none'],
  [{ versions: { max: '7.9.9' } }, 'version: for versions up to 7.9.9'],
  [{ versions: { max: '8.0.0' } }, undefined],
  [{ versions: { min: '8.0.1' } }, 'version: for versions from 8.0.1'],
  [{ versions: { min: '8.0.0', max: '8.0.0' } }, undefined],
  [{ versions: { min: '6' } }, undefined],
])('%j', (one, reason) => expect(skipReason(one)).toBe(reason));
