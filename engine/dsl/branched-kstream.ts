/**
 * A stream that is split: each record goes to the first branch whose predicate takes it.
 *
 *   const { large, small } = orders
 *     .split()
 *     .branch('large', (_key, order) => order !== null && order.amount >= 1000)
 *     .defaultBranch('small');
 */

import { UserError } from '../../base/index.ts';
import { requireFunctions } from '../given.ts';
import { type Branch, branch } from '../operators/branch.ts';
import { passThrough } from '../operators/pass-through.ts';
import type { KStream } from './kstream.ts';
import type { Without } from './options.ts';
import { keyOf, type StreamParts } from './parts.ts';

/** The branches by their names; `Values` has the type of the values of each. */
export type Branches<K, Values> = { readonly [Name in keyof Values]: KStream<K, Values[Name]> };

/** What branches so far have left has values of type `Rest`. */
export class BranchedKStream<K, V, Values = unknown, Rest = V> {
  readonly #parts: StreamParts<K, V>;
  /** Before the name of each branch, in the name of its node. */
  readonly #prefix: string;
  readonly #branches: Branch<V>[] = [];
  readonly #streams = new Map<string, KStream<K, V>>();
  #ended = false;

  /** For `KStream.split`. The branches are wired when the topology is built, when all of them are known. */
  constructor(parts: StreamParts<K, V>, name: string | undefined) {
    const { graph, node: parent } = parts;
    const node = graph.name('KSTREAM-BRANCH', name);
    this.#parts = { ...parts, node };
    this.#prefix = `${node}-`;
    graph.add((topology) => topology.addProcessor(node, branch(this.#branches), [parent]));
  }

  /** A branch of the records that the predicate takes, of those that no branch before has taken. A type guard narrows
   *  the type of their values, and of those that are left. */
  branch<Name extends string, W extends Rest>(
    name: Name,
    takes: (key: K | null, value: Rest | null) => value is W,
  ): BranchedKStream<K, V, Values & Record<Name, W>, Without<Rest, W>>;
  branch<Name extends string>(
    name: Name,
    takes: (key: K | null, value: Rest | null) => boolean,
  ): BranchedKStream<K, V, Values & Record<Name, Rest>, Rest>;
  branch(name: string, takes: (key: K | null, value: Rest | null) => boolean): object {
    requireFunctions('branch', { takes });
    const { graph, key, node: parent } = this.#parts;
    if (this.#ended) throw invalid('a branch cannot follow the default branch');
    if (this.#streams.has(name)) throw invalid(`two branches are called "${name}"`);
    const node = this.#prefix + name;
    this.#branches.push({ child: node, takes: (record) => takes(keyOf(key, record), record.value as Rest | null) });
    graph.add((topology) => topology.addProcessor(node, passThrough<V>(), [parent]));
    this.#streams.set(name, graph.make.stream({ ...this.#parts, node }));
    // Its type names one branch more.
    return this;
  }

  /** A last branch, of the records that no other takes. */
  defaultBranch<Name extends string>(name: Name): Branches<K, Values & Record<Name, Rest>> {
    return this.branch(name, (): boolean => true).noDefaultBranch();
  }

  /** Records that no branch takes are left out. */
  noDefaultBranch(): Branches<K, Values> {
    this.#ended = true;
    return Object.fromEntries(this.#streams) as Branches<K, Values>;
  }
}

const invalid = (message: string): UserError => new UserError('DSL_BRANCH_INVALID', message);
