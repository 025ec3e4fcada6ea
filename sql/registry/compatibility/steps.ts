/** Bounds the comparison of two schemas. Alternatives are compared each with each, so that the comparison of two
 *  texts may take far more steps than they have characters. */

const most = 200_000;

export class Steps {
  #left = most;

  /** One step more. Throws a `RangeError` where there were too many. */
  take(): void {
    if (--this.#left < 0) throw new RangeError(`a comparison takes more than ${most} steps`);
  }
}
