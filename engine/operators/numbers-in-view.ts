/** Numbers that are read and written where they lie, in a view of their memory: the same bytes as their serdes read and
 *  write, in one load or two instead of one for each byte. Accumulators are mostly such numbers. */

import { ByteWriter, readViewI64, writeViewF64, writeViewI64 } from '../../base/index.ts';
import type { Serde } from '../serde.ts';
import { float64, int64 } from '../serdes.ts';

export interface InView<T> {
  readonly read: (view: DataView, at: number) => T;
  /** What the serde refuses is refused, and nothing is written. */
  readonly write: (view: DataView, at: number, value: T) => void;
}

const scratch = new ByteWriter(8);

/** Writes what has no short way, or refuses it. */
const writeBytes = <T>(serde: Serde<T>, view: DataView, at: number, value: T): void => {
  scratch.reset();
  serde.write(value, scratch);
  view.setBigInt64(at, scratch.view().getBigInt64(0));
};

const int64InView: InView<number | bigint> = {
  read(view, at) {
    const value = readViewI64(view, at);
    return Number.isSafeInteger(value) ? value : view.getBigInt64(at);
  },
  write(view, at, value) {
    if (typeof value === 'number' && Number.isSafeInteger(value)) writeViewI64(view, at, value);
    else writeBytes(int64, view, at, value);
  },
};

const float64InView: InView<number> = {
  read: (view, at) => view.getFloat64(at),
  write(view, at, value) {
    if (typeof value === 'number') writeViewF64(view, at, value);
    else writeBytes(float64, view, at, value);
  },
};

const inViews = new Map<object, object>([
  [int64, int64InView],
  [float64, float64InView],
]);

/** Undefined: the serde goes by bytes only. One that is made of another one is another one. */
export const inViewOf = <T>(serde: Serde<T>): InView<T> | undefined =>
  // The compiler does not follow which serde it is.
  inViews.get(serde) as InView<T> | undefined;
