/**
 * Runs a user's processor as an operator: (k, v) → whatever it forwards.
 *
 * Keys become values at the edge and bytes again where the processor forwards; a key that is sent on unchanged keeps
 * its bytes. State: the stores that the processor is connected to. The processor is made when the task starts and after
 * each rollback, so that nothing it holds outlives a transaction that was undone.
 */

import { type ByteWriter } from '../../base/index.ts';
import { forEachHeader, isEventTime } from '../../storage/index.ts';
import { asyncHint, isAsync, requireFunctions, requireSerdes } from '../given.ts';
import { ProcessorMisuse } from '../misuse.ts';
import type { Forward, Operator, OperatorContext, OperatorSupplier, Punctuation } from '../operator.ts';
import { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import {
  type FixedKeyContext,
  type FixedKeyProcessorSupplier,
  FixedKeyRecord,
  type ForwardedRecord,
  type ProcessorContext,
  type ProcessorRecord,
  type ProcessorSupplier,
  type PunctuationType,
  type RecordMetadata,
} from './processor.ts';
import { RecordHeaders } from './record-headers.ts';
import type { AnyStoreBuilder, StoreAccess } from './store-builder.ts';

export interface ProcessFields<KIn, KOut> {
  /** How the keys of its input are read. */
  readonly key: Serde<KIn>;
  /** How the keys that it forwards are written. Left out: as those of its input, and of their type. */
  readonly keyOut?: Serde<KOut>;
  /** Those that it is connected to; they become part of the topology. */
  readonly stores?: readonly AnyStoreBuilder[];
  /** It calls `schedule` in `process`, not only when it is made. */
  readonly schedules?: boolean;
}

/** For `Topology.addProcessor`: the operator that runs a user's processor. */
export function process<KIn, VIn, KOut, VOut, S extends AnyStoreBuilder>(
  supplier: ProcessorSupplier<KIn, VIn, KOut, VOut, S>,
  fields: ProcessFields<KIn, KOut> & { readonly keyOut: Serde<KOut> },
): OperatorSupplier<VIn, VOut>;
export function process<K, VIn, VOut, S extends AnyStoreBuilder>(
  supplier: ProcessorSupplier<K, VIn, K, VOut, S>,
  fields: Omit<ProcessFields<K, K>, 'keyOut'>,
): OperatorSupplier<VIn, VOut>;
export function process<KIn, VIn, KOut, VOut, S extends AnyStoreBuilder>(
  supplier: ProcessorSupplier<KIn, VIn, KOut, VOut, S>,
  fields: ProcessFields<KIn, KOut>,
): OperatorSupplier<VIn, VOut> {
  requireFunctions('process', { supplier });
  requireSerdes('process', fields, 'key');
  const { key } = fields;
  const once = made();
  return connected(fields, (context, forward) => {
    const scope = new Scope<KIn, KOut, VOut, S>(context, forward, fields);
    const outer: ProcessorContext<KOut, VOut, S> = scope.withForward((record, child) => scope.forward(record, child));
    return scope.run(
      () => once(supplier(outer)),
      (processor) => processor.init?.(outer),
      (processor, record: StreamRecord<VIn>) => processor.process(scope.received(record, key)),
    );
  });
}

/** The same for a processor that keeps the key. */
export const processValues = <K, VIn, VOut, S extends AnyStoreBuilder>(
  supplier: FixedKeyProcessorSupplier<K, VIn, VOut, S>,
  fields: Omit<ProcessFields<K, K>, 'keyOut'>,
): OperatorSupplier<VIn, VOut> => {
  requireFunctions('processValues', { supplier });
  requireSerdes('processValues', fields, 'key');
  const { key } = fields;
  const once = made();
  return connected(fields, (context, forward) => {
    const scope = new Scope<K, K, VOut, S>(context, forward, fields);
    const outer: FixedKeyContext<K, VOut, S> = scope.withForward((record: FixedKeyRecord<K, VOut>, child) => {
      if (!(record instanceof FixedKeyRecord)) throw notFixed();
      scope.forward(record, child);
    });
    return scope.run(
      () => once(supplier(outer)),
      (processor) => processor.init?.(outer),
      (processor, record: StreamRecord<VIn>) => {
        const { key: k, value, timestamp, headers } = scope.received(record, key);
        processor.process(FixedKeyRecord.received(k, value, timestamp, headers));
      },
    );
  });
};

const connected = <In, Out>(
  { stores = [], schedules = false }: Pick<ProcessFields<unknown, unknown>, 'stores' | 'schedules'>,
  supplier: OperatorSupplier<In, Out>,
): OperatorSupplier<In, Out> => Object.assign(supplier, { stores, schedules });

/** What one supplier has made: with the same processor for two tasks, or again after a rollback, what it holds would
 *  belong to neither. */
const made = (): (<P extends object>(processor: P) => P) => {
  const before = new WeakSet<object>();
  return (processor) => {
    if (typeof processor !== 'object' || processor === null || !('process' in processor))
      throw new ProcessorMisuse('PROCESSOR_INVALID', `the supplier of a processor has made ${String(processor)}`, {
        hint: 'It has to answer an object with a method process.',
      });
    for (const [name, method] of [
      ['process', processor.process],
      ['init', 'init' in processor ? processor.init : undefined],
    ] as const)
      if (isAsync(method))
        throw new ProcessorMisuse('PROCESSOR_INVALID', `the method ${name} of a processor cannot be async`, {
          hint: asyncHint,
        });
    if (before.has(processor))
      throw new ProcessorMisuse(
        'PROCESSOR_SHARED',
        'the supplier of a processor has answered one that it had made before',
        { hint: 'Make another one in each call: each task has its own, and a new one after a rollback.' },
      );
    before.add(processor);
    return processor;
  };
};

const notFixed = (): ProcessorMisuse =>
  new ProcessorMisuse(
    'PROCESSOR_FORWARD_INVALID',
    'a processor that keeps the key forwards records that it was given',
    {
      hint: 'Make the record of the one in hand: record.withValue(…).',
    },
  );

type Phase = 'making' | 'processing' | 'punctuating' | 'over';

/** What one processor sees of its task, and what it sends on. */
class Scope<KIn, KOut, VOut, S extends AnyStoreBuilder> implements StoreAccess {
  readonly #context: OperatorContext;
  readonly #forward: Forward<VOut>;
  readonly #children = new Map<string, Forward<VOut>>();
  readonly #builders: ReadonlyMap<string, AnyStoreBuilder>;
  readonly #stores = new Map<string, unknown>();
  readonly #atCommit: ((streamTime: number) => void)[] = [];
  readonly #keyOut: Serde<KOut>;
  /** Keys go out as they come in. */
  readonly #sameKeys: boolean;
  readonly #schedules: boolean;
  readonly #key: ByteWriter;
  readonly #out = new StreamRecord<VOut>();
  readonly #punctuators = new Set<() => void>();
  #phase: Phase = 'making';
  #turn = 0;
  #streamTime = Number.NEGATIVE_INFINITY;
  /** What is in hand: the record as it came, and what was made of its key and headers. */
  #record: StreamRecord<unknown> | undefined;
  #recordKey: KIn | null = null;
  #recordHeaders = RecordHeaders.empty;
  /** Time of what is forwarded without one. */
  #time = 0;

  constructor(context: OperatorContext, forward: Forward<VOut>, fields: ProcessFields<KIn, KOut>) {
    this.#context = context;
    this.#forward = forward;
    // Without a serde of its own the type of the key is that of the input.
    this.#keyOut = fields.keyOut ?? (fields.key as Serde<unknown> as Serde<KOut>);
    this.#sameKeys = (this.#keyOut as Serde<unknown>) === fields.key;
    this.#schedules = fields.schedules ?? false;
    this.#builders = new Map((fields.stores ?? []).map((builder) => [builder.name, builder]));
    this.#key = context.scratch();
  }

  // ---------------------------------------------------------------- its life

  run<P extends { close?(): void }, VIn>(
    make: () => P,
    init: (processor: P) => void,
    processWith: (processor: P, record: StreamRecord<VIn>) => void,
  ): Operator<VIn> {
    let processor: P | undefined;
    const close = (): void => {
      const closing = processor;
      processor = undefined;
      for (const cancel of this.#punctuators) cancel();
      this.#punctuators.clear();
      this.#turn++;
      this.#phase = 'over';
      try {
        closing?.close?.();
      } catch {
        // Whatever it wanted to put in order, nothing of it is used any more, and its task ends all the same.
      }
    };
    return {
      start: () => {
        this.#turn++;
        this.#phase = 'making';
        this.#streamTime = this.#context.streamTime();
        processor = make();
        init(processor);
        this.#phase = 'over';
      },
      process: (record) => {
        this.#turn++;
        this.#phase = 'processing';
        this.#record = record;
        this.#time = record.timestamp;
        this.#streamTime = this.#context.originTime(record.timestamp);
        try {
          processWith(processor as P, record);
        } finally {
          this.#record = undefined;
          this.#phase = 'over';
        }
      },
      flush: () => {
        this.#turn++;
        this.#record = undefined;
        const streamTime = this.#context.streamTime();
        for (const work of this.#atCommit) work(streamTime);
      },
      rollback: close,
      close,
    };
  }

  /** The record in hand as the processor gets it. */
  received<VIn>(record: StreamRecord<VIn>, serde: Serde<KIn>): ProcessorRecord<KIn, VIn> {
    const { keyBytes, keyStart, keyEnd, value, timestamp, headerBytes, headersAt } = record;
    const key = keyStart < 0 ? null : serde.read(keyBytes, keyStart, keyEnd);
    this.#recordKey = key;
    this.#recordHeaders = headersAt === 0 ? RecordHeaders.empty : headersOf(headerBytes, headersAt);
    return { key, value, timestamp, headers: this.#recordHeaders };
  }

  // ---------------------------------------------------------------- what it sees

  /** The context that the processor gets. */
  withForward<R>(forward: (record: R, child: string | undefined) => void): CommonMethods<S> & {
    forward(record: R, child?: string): void;
  } {
    const { applicationId, taskId } = this.#context;
    return {
      applicationId,
      taskId,
      recordMetadata: () => this.#recordMetadata(),
      currentStreamTimeMs: () => Math.max(-1, this.#streamTime),
      currentSystemTimeMs: () => this.#context.systemTime(),
      commit: () => this.#context.requestCommit(),
      getStateStore: (store: string | AnyStoreBuilder) => this.#store(store) as never,
      schedule: (everyMs, type, callback) => this.#schedule(everyMs, type, callback),
      forward,
    };
  }

  #recordMetadata(): RecordMetadata | undefined {
    const record = this.#record;
    const topic = this.#context.inputTopic();
    if (record === undefined || record.offset < 0 || topic === undefined) return undefined;
    return { topic, partition: record.partition, offset: record.offset };
  }

  #store(asked: string | AnyStoreBuilder): unknown {
    const name = typeof asked === 'string' ? asked : asked.name;
    const builder = this.#builders.get(name);
    if (builder === undefined) {
      throw new ProcessorMisuse('PROCESSOR_STORE_UNKNOWN', `the processor is not connected to a store "${name}"`, {
        hint: 'Name its builder in "stores" where the processor is added.',
      });
    }
    let store = this.#stores.get(name);
    if (store === undefined) this.#stores.set(name, (store = builder.open(this)));
    return store;
  }

  #schedule(everyMs: number, type: PunctuationType, callback: (time: number) => void): () => void {
    if (!(Number.isInteger(everyMs) && everyMs > 0)) {
      throw new ProcessorMisuse('PROCESSOR_SCHEDULE_INVALID', `a punctuator cannot be called every ${everyMs} ms`, {
        hint: 'Give a whole number of milliseconds above 0.',
      });
    }
    if (type !== 'stream time' && type !== 'wall clock') {
      throw new ProcessorMisuse('PROCESSOR_SCHEDULE_INVALID', `a punctuator cannot go by "${String(type)}"`, {
        hint: "Give 'stream time' or 'wall clock'.",
      });
    }
    if (typeof callback !== 'function' || isAsync(callback)) {
      throw new ProcessorMisuse(
        'PROCESSOR_SCHEDULE_INVALID',
        isAsync(callback) ? 'a punctuator cannot be async' : `a punctuator is a function, not ${String(callback)}`,
        { hint: asyncHint },
      );
    }
    if (this.#phase !== 'making' && !this.#schedules) {
      throw new ProcessorMisuse(
        'PROCESSOR_SCHEDULE_INVALID',
        'a punctuator is scheduled after the processor was made',
        {
          hint: 'Schedule it in the supplier or in init, or give the processor { schedules: true }.',
        },
      );
    }
    const punctuation: Punctuation = { everyMs, by: type };
    const stop = this.#context.schedule(punctuation, (time) => {
      this.#turn++;
      this.#phase = 'punctuating';
      this.#record = undefined;
      this.#recordHeaders = RecordHeaders.empty;
      this.#time = time;
      try {
        callback(time);
      } finally {
        this.#phase = 'over';
      }
    });
    const cancel = (): void => {
      this.#punctuators.delete(cancel);
      stop();
    };
    this.#punctuators.add(cancel);
    return cancel;
  }

  // ---------------------------------------------------------------- what it sends on

  forward(record: ForwardedRecord<KOut, VOut>, child: string | undefined): void {
    if (this.#phase !== 'processing' && this.#phase !== 'punctuating') {
      throw new ProcessorMisuse(
        'PROCESSOR_FORWARD_INVALID',
        'a record is forwarded outside of process and of punctuators',
      );
    }
    const send = child === undefined ? this.#forward : this.#child(child);
    const { timestamp = this.#time, headers = this.#recordHeaders } = record;
    if (!isEventTime(timestamp)) {
      throw new ProcessorMisuse(
        'PROCESSOR_FORWARD_INVALID',
        `a record cannot be forwarded with the timestamp ${timestamp}`,
        {
          hint: 'Give epoch milliseconds, a whole number that is not negative, and at most 2^51.',
        },
      );
    }
    const out = this.#out;
    const inHand = this.#record;
    this.#setKey(record.key ?? null, inHand);
    out.value = record.value ?? null;
    out.timestamp = timestamp;
    out.outdated = inHand?.outdated ?? false;
    this.#setHeaders(headers, inHand);
    out.partition = inHand === undefined ? -1 : inHand.partition;
    out.offset = inHand === undefined ? -1 : inHand.offset;
    send(out);
  }

  #child(name: string): Forward<VOut> {
    let child = this.#children.get(name);
    if (child === undefined) {
      child = this.#context.child<VOut>(name);
      this.#children.set(name, child);
    }
    return child;
  }

  /** A key that was not changed goes out as the bytes that came in. */
  #setKey(key: KOut | null, inHand: StreamRecord<unknown> | undefined): void {
    const out = this.#out;
    if (key === null) {
      out.keyStart = -1;
      out.keyEnd = -1;
      return;
    }
    // An object may have been changed since it was read.
    const unchanged =
      inHand !== undefined && this.#sameKeys && typeof key !== 'object' && Object.is(key, this.#recordKey);
    if (unchanged) {
      out.keyBytes = inHand.keyBytes;
      out.keyStart = inHand.keyStart;
      out.keyEnd = inHand.keyEnd;
      return;
    }
    const writer = this.#key;
    writer.reset();
    this.#keyOut.write(key, writer);
    out.keyBytes = writer.buffer;
    out.keyStart = 0;
    out.keyEnd = writer.length;
  }

  #setHeaders(headers: RecordHeaders, inHand: StreamRecord<unknown> | undefined): void {
    const out = this.#out;
    if (headers === RecordHeaders.empty) out.headersAt = 0;
    else if (headers === this.#recordHeaders && inHand !== undefined) {
      out.headerBytes = inHand.headerBytes;
      out.headersAt = inHand.headersAt;
    } else {
      out.headerBytes = headers.encoded();
      out.headersAt = 1;
    }
  }

  // ---------------------------------------------------------------- what its stores see

  store: StoreAccess['store'] = (name, kind) => this.#context.store(name, kind);
  scratch: StoreAccess['scratch'] = () => this.#context.scratch();
  turn: StoreAccess['turn'] = () => this.#turn;
  streamTime: StoreAccess['streamTime'] = () => this.#streamTime;
  atCommit: StoreAccess['atCommit'] = (work) => {
    this.#atCommit.push(work);
  };
}

type CommonMethods<S extends AnyStoreBuilder> = Omit<ProcessorContext<never, never, S>, 'forward'>;

/** A copy of the headers: those of a record are lent for the call. */
const headersOf = (bytes: Uint8Array, headersAt: number): RecordHeaders => {
  const end = forEachHeader(bytes, headersAt, bytes.length, undefined);
  const encoded = new Uint8Array(1 + end - headersAt);
  encoded.set(bytes.subarray(headersAt, end), 1);
  return RecordHeaders.ofEncoded(encoded);
};
