/** What one node of a topology sees of the task that it runs in. */

import { assert, ByteWriter, UserError } from '../../base/index.ts';
import type { BeforeUse } from '../before-images.ts';
import type { DropReason, Forward, OperatorContext, Punctuation, TopicWriter } from '../operator.ts';
import type { OperatorTime } from '../operator-time.ts';
import { type RecordOrigin, takeHeaders } from '../origin-time.ts';

import type { StreamRecord } from '../record.ts';
import type { StateStore } from '../stores/state-store.ts';
import type { OperatorStores, StoreKind } from '../stores/store.ts';
import { isOfKind, storeKinds } from '../stores/store-kinds.ts';

/** What all nodes of a task share. */
export interface TaskScope {
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  readonly cachesResults: boolean;
  /** Shared by all tasks of the thread; to be read only. */
  readonly globals: ReadonlyMap<string, StateStore>;
  /** Of the record that is being processed. */
  readonly origin: RecordOrigin;
  readonly schedule: (punctuation: Punctuation, callback: (time: number) => void) => () => void;
  readonly drop: (node: string, reason: DropReason, record: StreamRecord<unknown>, detail: string) => void;
  /** A node has thrown: throws as well, or answers where the record is passed over. Undefined: nothing can be passed
   *  over. */
  readonly failed: (node: string, record: StreamRecord<unknown> | undefined, error: unknown) => void;
  readonly inputTopic: () => string | undefined;
  readonly requestCommit: () => void;
  readonly systemTime: () => number;
}

export interface NodeScope extends TaskScope {
  /** Name of the node. */
  readonly name: string;
  readonly time: OperatorTime;
  /** Those that the node declared. */
  readonly stores: ReadonlyMap<string, StateStore | undefined>;
  /** As the node declared it. */
  readonly before: BeforeUse | undefined;
  readonly sendsBefore: boolean;
  /** A child reads the values that it gets of this node. */
  readonly readsValues: boolean;
  /** Of a sink. */
  readonly openOutput: ((topic: string, ownTime: boolean) => TopicWriter) | undefined;
  /** Of a dynamic sink. */
  readonly openTopic: ((topic: string) => TopicWriter | 'asked' | undefined) | undefined;
  /** Called when the node first asks for time. */
  readonly usesTime: (time: OperatorTime) => void;
  /** As the node declared it. */
  readonly schedules: boolean;
  /** By name. */
  readonly children: ReadonlyMap<string, Forward<unknown>>;
}

export class NodeContext implements OperatorContext {
  readonly applicationId: string;
  readonly taskId: string;
  readonly partition: number;
  readonly sendsBefore: boolean;
  readonly readsValues: boolean;
  readonly cachesResults: boolean;
  readonly #scope: NodeScope;
  readonly #time: OperatorTime;
  readonly #origin: RecordOrigin;
  readonly #headers = new ByteWriter(64);
  #timeUsed = false;
  #made = false;

  constructor(scope: NodeScope) {
    this.applicationId = scope.applicationId;
    this.taskId = scope.taskId;
    this.partition = scope.partition;
    this.sendsBefore = scope.sendsBefore;
    this.readsValues = scope.readsValues;
    this.cachesResults = scope.cachesResults;
    this.#scope = scope;
    this.#time = scope.time;
    this.#origin = scope.origin;
  }

  store<K extends StoreKind>(name: string, kind: K): OperatorStores[K] {
    const own = this.#scope.stores.get(name);
    const store = own ?? this.#scope.globals.get(name);
    assert(store !== undefined, `the node ${this.#scope.name} did not declare that it uses the store ${name}`);
    assert(isOfKind(store, kind), `the store ${name} is a ${store.kind} store, not a ${kind} store`);
    if (own !== undefined) this.#time.keepIn(own.meta);
    if (storeKinds[kind].retention !== 'none') this.#useTime();
    return store;
  }

  #useTime(): void {
    if (this.#timeUsed) return;
    this.#timeUsed = true;
    this.#scope.usesTime(this.#time);
  }

  child<V>(name: string): Forward<V> {
    const child = this.#scope.children.get(name);
    if (child === undefined) {
      throw new UserError('TOPOLOGY_UNKNOWN_NODE', `the node "${this.#scope.name}" has no child "${name}"`, {
        hint: `Its children are: ${[...this.#scope.children.keys()].join(', ') || 'none'}.`,
      });
    }
    return child;
  }

  output(topic: string, { ownTime = false }: { readonly ownTime?: boolean } = {}): TopicWriter {
    const { openOutput, name } = this.#scope;
    assert(openOutput !== undefined, `the node ${name} is not a sink, but opens the topic ${topic}`);
    return openOutput(topic, ownTime);
  }

  topicWriter(topic: string): TopicWriter | 'asked' | undefined {
    const { openTopic, name } = this.#scope;
    assert(openTopic !== undefined, `the node ${name} is not a dynamic sink, but opens the topic ${topic}`);
    return openTopic(topic);
  }

  keepOrigin(): () => void {
    const origin = this.#origin;
    const { carried, time } = origin;
    return () => {
      origin.carried = carried;
      origin.time = time;
    };
  }

  takeHeaders(record: StreamRecord<unknown>, bytes: Uint8Array, headersAt: number): void {
    if (headersAt === 0) {
      record.headersAt = 0;
      this.#origin.time = Number.NEGATIVE_INFINITY;
    } else this.#origin.time = takeHeaders(record, bytes, headersAt, this.#headers);
  }

  originTime(timestamp: number): number {
    if (!this.#timeUsed) this.#useTime();
    return this.#time.observe(timestamp, this.#origin);
  }

  mixesOrigins(): boolean {
    return this.#time.mixed;
  }

  streamTime(): number {
    if (!this.#timeUsed) this.#useTime();
    return this.#time.streamTime;
  }

  reachedTime(): number {
    if (!this.#timeUsed) this.#useTime();
    return this.#time.reached(this.#origin);
  }

  drop(reason: DropReason, record: StreamRecord<unknown>, detail: string): void {
    this.#scope.drop(this.#scope.name, reason, record, detail);
  }

  failed(record: StreamRecord<unknown>, error: unknown): void {
    this.#scope.failed(this.#scope.name, record, error);
  }

  usesBefore(use: BeforeUse): void {
    const { before, name } = this.#scope;
    assert(
      before === use,
      `the row before is ${use} by the node ${name}, which declared that it is ${before ?? 'not'}`,
    );
  }

  schedule(punctuation: Punctuation, callback: (time: number) => void): () => void {
    const { schedule, schedules, name } = this.#scope;
    assert(!this.#made || schedules, `the node ${name} schedules a punctuator later than it has declared`);
    return schedule(punctuation, callback);
  }

  /** The processor is being made, or started: it may schedule; or no longer. */
  making(goesOn: boolean): void {
    this.#made = !goesOn;
  }

  inputTopic(): string | undefined {
    return this.#scope.inputTopic();
  }

  requestCommit(): void {
    this.#scope.requestCommit();
  }

  systemTime(): number {
    return this.#scope.systemTime();
  }

  scratch(): ByteWriter {
    return new ByteWriter(256);
  }
}
