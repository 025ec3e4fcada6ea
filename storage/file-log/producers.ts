/**
 * The producers of a file log. Of each transactional id there is one that may write; opening another one fences it. An
 * id that nobody has used for seven days is forgotten, unless its producer is still open.
 */

import type { Producer, ProducerOptions } from '../log.ts';
import { lastEpoch, ProducerSession } from '../producer-session.ts';
import type { Identity } from './coordinator.ts';
import { FileProducer, type ProducerHost } from './file-producer.ts';
import type { FilePartition } from './partition.ts';

export interface ProducersHost extends ProducerHost {
  /** Throws when the log accepts no writes. */
  checkWritable(): void;
  allPartitions(): Iterable<FilePartition>;
}

export class Producers {
  readonly #log: ProducersHost;
  /** The newest producer of each transactional id that was opened here. */
  readonly #newest = new Map<string, FileProducer>();
  /** What is being opened, by transactional id. */
  readonly #opening = new Map<string, Promise<Producer>>();

  constructor(log: ProducersHost) {
    this.#log = log;
  }

  async open({ transactionalId: id }: ProducerOptions): Promise<Producer> {
    const { coordinator } = this.#log;
    if (id === undefined) return this.#make(await coordinator.newProducerId(), 0, undefined);
    // Two that open the same id do so one after the other.
    const before = this.#opening.get(id) ?? Promise.resolve();
    const opened = before.then(
      () => this.#openTransactional(id),
      () => this.#openTransactional(id),
    );
    this.#opening.set(id, opened);
    const forget = (): void => {
      if (this.#opening.get(id) === opened) this.#opening.delete(id);
    };
    opened.then(forget, forget);
    return opened;
  }

  async #openTransactional(id: string): Promise<Producer> {
    const { coordinator } = this.#log;
    await this.#newest.get(id)?.fence();
    this.#log.checkWritable();
    const known = coordinator.identityOf(id);
    const { producerId, epoch } =
      known === undefined || known.epoch >= lastEpoch
        ? { producerId: await coordinator.newProducerId(), epoch: 0 }
        : { producerId: known.producerId, epoch: known.epoch + 1 };
    // Records of a former producer that are still open would look like the new one's own.
    this.#log.finishMarkers(producerId);
    coordinator.saveIdentity(id, { producerId, epoch });
    this.#expire();
    const producer = this.#make(producerId, epoch, id);
    this.#newest.set(id, producer);
    return producer;
  }

  #make(producerId: number, epoch: number, transactionalId: string | undefined): FileProducer {
    return new FileProducer(this.#log, new ProducerSession(producerId, epoch, transactionalId));
  }

  #expire(): void {
    const expired = this.#log.coordinator.expireIdentities((id, identity) => this.#isInUse(id, identity));
    for (const id of expired) this.#newest.delete(id);
  }

  #isInUse(id: string, { producerId }: Identity): boolean {
    if (this.#newest.get(id)?.isAlive === true) return true;
    for (const partition of this.#log.allPartitions()) {
      if (partition.hasPendingMarkers && partition.state.openFrom(producerId) >= 0) return true;
    }
    return false;
  }

  /** Waits for commits under way, and aborts what is open. */
  async abandonAll(): Promise<void> {
    await Promise.allSettled([...this.#newest.values()].map((producer) => producer.abandon()));
  }
}
