/** Values that are made of a text once and kept; of more than `most` the one that was used longest ago is dropped. */
export class Kept<V> {
  readonly #most: number;
  readonly #values = new Map<string, V>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string, make: () => V): V {
    const values = this.#values;
    const known = values.has(key);
    const value = known ? (values.get(key) as V) : make();
    if (known) values.delete(key);
    else if (values.size >= this.#most) values.delete(values.keys().next().value as string);
    values.set(key, value);
    return value;
  }
}
