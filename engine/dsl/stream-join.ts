/** The nodes and stores of a join of two streams; names as Kafka Streams has them. */

import type { OperatorContext } from '../operator.ts';
import { joinStreamSelf } from '../operators/join-stream-self.ts';
import { joinStreamStream, sideOfJoin } from '../operators/join-stream-stream.ts';
import { joinRetention } from '../operators/join-times.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { storeSpec } from '../stores/store-spec.ts';
import { broughtTogether } from './brought-together.ts';
import { assertCombinable, type Graph, serdeFor } from './graph.ts';
import type { JoinWindows } from './join-windows.ts';
import type { StreamJoined } from './options.ts';
import { keyOf, type StreamParts } from './parts.ts';

export type StreamJoinKind = 'inner' | 'left' | 'outer';

export type StreamJoiner<K, V, R, V2> = (left: V | null, right: R | null, key: K | null) => V2 | null;

interface Sides<K, V, R> {
  readonly left: StreamParts<K, V>;
  readonly right: StreamParts<K, R>;
  readonly leftRow: Serde<V>;
  readonly rightRow: Serde<R>;
  /** Both are one stream. */
  readonly same: boolean;
}

/** `as` names the repartitions of sides whose key may have changed. */
const sidesOf = <K, V, R, V2>(
  left: StreamParts<K, V>,
  right: StreamParts<K, R>,
  kind: StreamJoinKind,
  as: string,
  { left: givenLeft, right: givenRight }: StreamJoined<V, R, V2>,
): Sides<K, V, R> => {
  const where = 'the join of two streams';
  const leftRow = serdeFor('left', where, givenLeft, left.value);
  const rightRow = serdeFor('right', where, givenRight, right.value);
  const same = left.node === right.node;
  const nullKeys = (kept: boolean): 'keep' | 'drop' => (kept ? 'keep' : 'drop');
  const together = broughtTogether(left, `${as}-left`, { value: leftRow, nullKeys: nullKeys(kind !== 'inner') });
  // One stream goes through one repartition: its values are the same on both sides.
  const other = same
    ? { ...together, value: right.value }
    : broughtTogether(right, `${as}-right`, { value: rightRow, nullKeys: nullKeys(kind === 'outer') });
  return { left: together, right: other, leftRow, rightRow, same };
};

export const joinStreams = <K, V, R, V2>(
  leftParts: StreamParts<K, V>,
  rightParts: StreamParts<K, R>,
  joiner: StreamJoiner<K, V, R, V2>,
  windows: JoinWindows,
  kind: StreamJoinKind,
  options: StreamJoined<V, R, V2>,
): StreamParts<K, V2> => {
  const { graph, key } = leftParts;
  const { name } = options;
  assertCombinable(leftParts, rightParts, 'a join');
  const names = namesOf(graph, kind, name, options.store);
  const sides = sidesOf(leftParts, rightParts, kind, name ?? names.merge, options);
  const join = (left: V | null, right: R | null, record: StreamRecord<V2>, _context: OperatorContext): V2 | null =>
    joiner(left, right, keyOf(key, record));
  graph.add((topology) => {
    const retention = joinRetention(windows);
    const { left, right, leftRow, rightRow, same } = sides;
    if (same && kind === 'inner') {
      const retentionMs = Math.max(retention.left, retention.right);
      topology.addStore(storeSpec(names.leftStore, 'ordered', [key.serde, leftRow], retentionMs));
      const side = { store: names.leftStore, row: leftRow };
      topology.addProcessor(
        names.merge,
        // Both sides are the same stream: V is R.
        joinStreamSelf<V, V2>({
          side,
          times: windows,
          join: (a, b, record, context) => join(a, b as never, record, context),
        }),
        [left.node],
        { stores: [names.leftStore] },
      );
      return;
    }
    topology.addStore(storeSpec(names.leftStore, 'ordered', [key.serde, leftRow], retention.left));
    topology.addStore(storeSpec(names.rightStore, 'ordered', [key.serde, rightRow], retention.right));
    const alone = kind === 'inner' ? undefined : names.sharedStore;
    if (alone !== undefined) topology.addStore(storeSpec(alone, 'ordered', [key.serde, 'alone']));
    topology.addProcessor(names.left, sideOfJoin<V>('left'), [left.node]);
    topology.addProcessor(names.right, sideOfJoin<R>('right'), [right.node]);
    const supplier = joinStreamStream<V, R, V2>({
      left: { store: names.leftStore, row: leftRow },
      right: { store: names.rightStore, row: rightRow },
      times: windows,
      outer: ({ inner: 'none', left: 'left', outer: 'both' } as const)[kind],
      ...(alone === undefined ? {} : { alone }),
      join,
    });
    topology.addProcessor(names.merge, supplier, [names.left, names.right], {
      stores: [names.leftStore, names.rightStore, ...(alone === undefined ? [] : [alone])],
    });
  });
  return { ...sides.left, node: names.merge, value: options.value };
};

interface Names {
  readonly left: string;
  readonly right: string;
  readonly merge: string;
  readonly leftStore: string;
  readonly rightStore: string;
  readonly sharedStore: string;
}

/** Kafka Streams counts a node for each side's window and each side's join, and one where both come together. */
const namesOf = (graph: Graph, kind: StreamJoinKind, name: string | undefined, store: string | undefined): Names => {
  const suffixed = (suffix: string, prefix: string): string =>
    name === undefined ? graph.name(prefix) : `${name}${suffix}`;
  const left = suffixed('-this-windowed', 'KSTREAM-WINDOWED');
  const right = suffixed('-other-windowed', 'KSTREAM-WINDOWED');
  const thisPrefix = kind === 'outer' ? 'KSTREAM-OUTERTHIS' : 'KSTREAM-JOINTHIS';
  const thisJoin = graph.name(thisPrefix);
  const otherJoin = graph.name(kind === 'inner' ? 'KSTREAM-JOINOTHER' : 'KSTREAM-OUTEROTHER');
  const merge = suffixed('-merge', 'KSTREAM-MERGE');
  const storeOf = (generated: string, suffix: string): string =>
    `${store === undefined ? generated : `${store}${suffix}`}-store`;
  return {
    left,
    right,
    merge,
    leftStore: storeOf(thisJoin, kind === 'outer' ? '-outer-this-join' : '-this-join'),
    rightStore: storeOf(otherJoin, kind === 'inner' ? '-other-join' : '-outer-other-join'),
    sharedStore: storeOf(
      `KSTREAM-OUTERSHARED${thisJoin.slice(thisPrefix.length)}`,
      kind === 'outer' ? '-outer-shared-join' : '-left-shared-join',
    ),
  };
};
