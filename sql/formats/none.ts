/** NONE: no key at all. There are no columns, so nothing is written and nothing read. */

import { type Format, scanned } from './format.ts';

export const none: Format = {
  name: 'NONE',
  doc: 'No data: the key is not read, and written as null.',
  sides: ['key'],
  columns: 'none',
  named: false,
  wrapping: 'never',
  canonical: true,
  properties: [],
  unsupported: () => undefined,
  writer: () => ({ write: () => false }),
  reader: () => ({ read: () => false }),
  scanner: () => ({
    wanted: [],
    scan(_bytes, _starts, _ends, from, to, into) {
      into.status.fill(scanned.nullRecord, from, to);
    },
  }),
};
