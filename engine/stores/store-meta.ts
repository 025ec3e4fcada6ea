/** Small committed numbers beside a store's data, each an entry under its name (`layout.ts`). */

import { utf8Bytes } from '../../base/index.ts';
import { kinds, numberValue, readNumberValue } from './layout.ts';
import type { StoreMeta } from './state-store.ts';
import type { StoreCore } from './store-core.ts';

export class MetaEntries implements StoreMeta {
  readonly #core: StoreCore;
  readonly #names = new Map<string, Uint8Array>();

  constructor(core: StoreCore) {
    this.#core = core;
  }

  get(name: string): number | undefined {
    const core = this.#core;
    const key = this.#nameBytes(name);
    return core.get(kinds.meta, key, 0, key.length, 0) ? readNumberValue(core.valueBytes, core.valueStart) : undefined;
  }

  set(name: string, value: number): void {
    if (this.get(name) === value) return;
    const key = this.#nameBytes(name);
    this.#core.put(kinds.meta, key, 0, key.length, numberValue(value), 0, 8, 0);
  }

  #nameBytes(name: string): Uint8Array {
    let bytes = this.#names.get(name);
    if (bytes === undefined) {
      bytes = utf8Bytes(name);
      this.#names.set(name, bytes);
    }
    return bytes;
  }
}
