/**
 * "Did you mean …": finds the name that somebody probably meant.
 *
 * The measure is the number of single edits (insert, delete, replace, swap two neighbours) between two words, without
 * regard to case. At most two edits count as close, and only one for words of four letters or less, so that a guess is
 * never further off than the word is long.
 */

/** The candidate closest to a name, the first of those equally close; undefined when none is close. */
export function closestName(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toUpperCase();
  let best: string | undefined;
  let bestEdits = wanted.length <= 4 ? 2 : 3;
  for (const candidate of candidates) {
    const edits = editDistance(wanted, candidate.toUpperCase(), bestEdits);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
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
