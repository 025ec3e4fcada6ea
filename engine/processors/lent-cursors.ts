/**
 * Cursors over an ordered store for the iterators of one processor.
 *
 * An iterator has a cursor of its own until it has ended or was left, so that iterators may be nested. One that was
 * neither (a caller that took the first entry and forgot it) gives its cursor back when the processor's call is over:
 * from then on it may not be used.
 */

import { ProcessorMisuse } from '../misuse.ts';
import type { OrderedCursor, OrderedStore } from '../stores/store.ts';

interface Loan {
  readonly cursor: OrderedCursor;
  /** Undefined: it is free. */
  turn: number | undefined;
}

export class LentCursors {
  readonly #store: OrderedStore;
  readonly #turn: () => number;
  readonly #loans: Loan[] = [];

  constructor(store: OrderedStore, turn: () => number) {
    this.#store = store;
    this.#turn = turn;
  }

  /** Begins with `fetch`, which positions the cursor, and reads an entry of each place that the cursor comes to;
   *  undefined: it is left out. */
  iterate<Entry>(
    fetch: (cursor: OrderedCursor) => void,
    read: (cursor: OrderedCursor) => Entry | undefined,
  ): IterableIterator<Entry, undefined> {
    const turn = this.#turn();
    let loan = this.#loans.find((one) => one.turn === undefined || one.turn !== turn);
    if (loan === undefined) this.#loans.push((loan = { cursor: this.#store.cursor(), turn }));
    loan.turn = turn;
    fetch(loan.cursor);
    return new StoreIterator(loan, turn, this.#turn, this.#store.name, read);
  }
}

class StoreIterator<Entry> implements IterableIterator<Entry, undefined> {
  #loan: Loan | undefined;
  readonly #turn: number;
  readonly #now: () => number;
  readonly #store: string;
  readonly #read: (cursor: OrderedCursor) => Entry | undefined;

  constructor(
    loan: Loan,
    turn: number,
    now: () => number,
    store: string,
    read: (cursor: OrderedCursor) => Entry | undefined,
  ) {
    this.#loan = loan;
    this.#turn = turn;
    this.#now = now;
    this.#store = store;
    this.#read = read;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Entry, undefined> {
    const loan = this.#loan;
    if (loan === undefined) return { done: true, value: undefined };
    if (this.#now() !== this.#turn) {
      throw new ProcessorMisuse(
        'STORE_ITERATOR_OVER',
        `an iterator over the store "${this.#store}" is used after the call in which it was made`,
        { hint: 'Take what is needed of it before process, or the punctuator, returns.' },
      );
    }
    while (loan.cursor.next()) {
      const value = this.#read(loan.cursor);
      if (value !== undefined) return { done: false, value };
    }
    return this.return();
  }

  return(): IteratorResult<Entry, undefined> {
    if (this.#loan !== undefined && this.#now() === this.#turn) this.#loan.turn = undefined;
    this.#loan = undefined;
    return { done: true, value: undefined };
  }
}
