/** Changes that others wait for. A wait that follows a look at something goes by the count from before the look, so
 *  that no change in between is missed. */
export class Changes {
  #count = 0;
  #waiting: (() => void)[] = [];

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Something has changed. */
  changed(): void {
    this.#count++;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Answers when there were more than `count` of them: by default, at the next one. */
  after(count = this.#count): Promise<void> {
    if (this.#count > count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
