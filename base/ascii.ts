/**
 * Short ASCII texts, made from their bytes without a call into the host: `String.fromCharCode` with one argument for
 * each byte takes 25 to 36 ns for up to 24 bytes, the host's latin1 slice about 60.
 */

import { Constants, code, codegenAllowed, joinCode, runCode } from './generated-code.ts';
import { readLatin1, readUtf8 } from './text.ts';

const longest = 24;

type ReadAscii = (bytes: Uint8Array, start: number, end: number) => string;

let readShort: ReadAscii | undefined;

/** The text of bytes that are known to be ASCII. */
export const readAscii: ReadAscii = (bytes, start, end) =>
  end - start > longest ? readLatin1(bytes, start, end) : (readShort ??= shortReader())(bytes, start, end);

/** As `readUtf8`, for texts that are mostly short and ASCII. */
export const readShortUtf8 = (bytes: Uint8Array, start: number, end: number): string => {
  if (end - start > longest) return readUtf8(bytes, start, end);
  let every = 0;
  for (let at = start; at < end; at++) every |= bytes[at] as number;
  return every < 128 ? readAscii(bytes, start, end) : readUtf8(bytes, start, end);
};

/** One case for each length. */
const shortReader = (): ReadAscii => {
  if (!codegenAllowed()) return readLatin1;
  const constants = new Constants();
  const fromUnits = constants.add(String.fromCharCode);
  const cases = Array.from({ length: longest + 1 }, (_, length) => {
    const units = Array.from({ length }, (__, i) => code`bytes[at + ${i}],`);
    return code`case ${length}: return k${fromUnits}(${joinCode(units)});`;
  });
  return runCode(
    code`return (bytes, at, end) => { switch (end - at) { ${joinCode(cases)} } };`,
    constants,
  ) as ReadAscii;
};
