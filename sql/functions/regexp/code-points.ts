/** Sets of code points, as sorted ranges that neither overlap nor touch: what a character class of a pattern means. */

export type Range = readonly [from: number, to: number];
export type CodePoints = readonly Range[];

export const lastCodePoint = 0x10ffff;

export const union = (...sets: readonly CodePoints[]): CodePoints => {
  const merged: [number, number][] = [];
  for (const [from, to] of sets.flat().sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
};

export const complement = (set: CodePoints): CodePoints => {
  const rest: Range[] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  return next > lastCodePoint ? rest : [...rest, [next, lastCodePoint]];
};

export const intersection = (a: CodePoints, b: CodePoints): CodePoints =>
  complement(union(complement(a), complement(b)));

/** Each character of the text. */
export const pointsOf = (text: string): CodePoints =>
  union(Array.from(text, (character): Range => [character.codePointAt(0) ?? 0, character.codePointAt(0) ?? 0]));

/** With each letter of ASCII the same letter in the other case. */
export const inBothCases = (set: CodePoints): CodePoints => {
  const shifted = (from: number, to: number, by: number): CodePoints =>
    intersection(set, [[from, to]]).map(([first, last]): Range => [first + by, last + by]);
  return union(set, shifted(0x41, 0x5a, 0x20), shifted(0x61, 0x7a, -0x20));
};
