/** BYTES: any bytes; base64 as text. Ordered as Java's `ByteBuffer` has it: byte by byte, each with its sign. */

import { base64, parseBase64 } from '../../../base/index.ts';
import type { TypeDefinition } from '../definition.ts';

export const bytes: TypeDefinition<'BYTES', 'bytes'> = {
  kind: 'BYTES',
  words: ['BYTES'],
  elsewhere: ['BLOB', 'BINARY', 'VARBINARY', 'BYTEA'],
  parameters: [],
  parametersFault: undefined,
  carrier: 'bytes',
  logical: false,
  accepts: undefined,
  ordered: true,
  numeric: undefined,
  comparedWith: [],
  // FROM_BYTES names the encoding of the text; CAST does not guess one.
  text: { print: base64, printMember: base64, printed: undefined, grade: 'strict', parse: parseBase64 },
  casts: { to: {}, from: {} },
  // A program may change what it gave, or what it was given.
  object: {
    read: (given) => (given instanceof Uint8Array ? new Uint8Array(given) : undefined),
    make: (value) => new Uint8Array(value),
  },
};
