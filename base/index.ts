/**
 * base: what every other layer builds on; it has no notion of a stream.
 *
 * Errors and asserts, bytes (writer, readers at a position, hashes), text, the checksum, keys that sort as their
 * values, and the three things that must be injected: time (`clock.ts`), randomness (`random.ts`) and disks
 * (`files.ts`). Nothing here imports the platform; `base/node/` holds Node's own forms of it. Read `errors.ts` and
 * `bytes.ts` first.
 */

export { readAscii, readShortUtf8 } from './ascii.ts';
export { base64, parseBase64 } from './base64.ts';
export { Bits } from './bits.ts';
export { BufferPool } from './buffer-pool.ts';
export {
  ByteWriter,
  Copier,
  type Cursor,
  compareBytes,
  copyBytes,
  copyViewed,
  equalBytes,
  fingerprint,
  fromHex,
  hashBytes,
  murmur2,
  newCursor,
  partitionOfKey,
  readBigI64,
  readF32,
  readF64,
  readI16,
  readI32,
  readI64,
  readU32,
  readUnsignedVarint,
  readVarint,
  readVarlong,
  readViewI64,
  toHex,
  writeBigI64,
  writeF64,
  writeI16,
  writeI32,
  writeI64,
  writeViewF32,
  writeViewF64,
  writeViewI64,
} from './bytes.ts';
export { type Clock, ManualClock, type Timers } from './clock.ts';
export { closestName, closestName as closest, editDistance } from './closest.ts';
export { copyOf, useChunks } from './copies.ts';
export { crc32c, plainCrc32c, useNativeCrc32c } from './crc32c.ts';
export {
  AssertionError,
  assert,
  messageOf,
  NoAnswer,
  type Position,
  UserError,
  type UserErrorDetails,
  unreachable,
} from './errors.ts';
export {
  FileError,
  type FileStat,
  type FileSystem,
  joinPath,
  type LockResult,
  type OpenFile,
  parentOf,
  readWholeFile,
  replaceFile,
  writeFully,
} from './files.ts';
export {
  type Code,
  Constants,
  code,
  codegenAllowed,
  joinCode,
  noCode,
  runCode,
  useGeneratedCode,
} from './generated-code.ts';
export { hash48 } from './hash48.ts';
export { firstNotBefore, itemAt } from './indexed.ts';
export {
  expectBytesCode,
  fractionDigitsCode,
  jsonBytesCode,
  jsonNumberCode,
  jsonTextCode,
  powersOfTen,
  skipNumberCode,
  wholeDigitsCode,
} from './json-code.ts';
export { isCount, JsonFault, JsonFields, parseJson } from './json-fields.ts';
export { JsonReader } from './json-reader.ts';
export { md5 } from './md5.ts';
export { readOrderedI64, readViewOrderedI64, writeOrderedI64 } from './ordered-key.ts';
export { Random } from './random.ts';
export { compileRegex, type Regex, type RegexEngine, type RegexMatcher, useRegexEngine } from './regex.ts';
export {
  isAscii,
  type NativeText,
  plainText,
  readLatin1,
  readUtf8,
  shortened,
  useNativeText,
  utf8Bytes,
  utf8Length,
  utf8Text,
  writeLatin1,
  writeUtf8,
} from './text.ts';
export { asciiText } from './text-cache.ts';
