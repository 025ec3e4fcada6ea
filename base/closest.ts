/**
 * "Did you mean …": finds the name that somebody probably meant.
 *
 * The measure is the number of single edits (insert, delete, replace, swap two neighbours) between two words, without
 * regard to case. At most two edits count as close, only one for words of four letters or less, and none for a single
 * letter, so that a guess is never further off than the word is long. Of two that are equally close the one counts that
 * begins and ends more like the word: CONT is COUNT rather than COT.
 */

/** The candidate closest to a name; undefined when none is close. */
export function closestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toUpperCase();
  let best: string | undefined;
  let bestEdits = wanted.length <= 1 ? 1 : wanted.length <= 4 ? 2 : 3;
  let bestEnds = -1;
  for (const candidate of candidates) {
    const other = candidate.toUpperCase();
    const edits = editDistance(wanted, other, best === undefined ? bestEdits : bestEdits + 1);
    const limit = best === undefined ? bestEdits - 1 : bestEdits;
    if (edits > limit) continue;
    const ends = sharedEnds(wanted, other);
    if (edits < bestEdits || ends > bestEnds) {
      best = candidate;
      bestEdits = edits;
      bestEnds = ends;
    }
  }
  return best;
}

/** How many letters two words share at their beginning and at their end. */
function sharedEnds(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let start = 0;
  while (start < most && left[start] === right[start]) start++;
  let end = 0;
  while (end < most - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  return start + end;
}

/** The number of edits between two words, or `limit` as soon as it is clear that there are that many or more. */
export function editDistance(left: string, right: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let edits = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        edits = Math.min(edits, at(beforePrevious, column - 2) + 1);
      }
      current.push(edits);
      least = Math.min(least, edits);
    }
    if (least >= limit) return limit;
    beforePrevious = previous;
    previous = current;
  }
  return Math.min(at(previous, right.length), limit);
}

const at = (row: readonly number[], column: number): number => row[column] as number;
