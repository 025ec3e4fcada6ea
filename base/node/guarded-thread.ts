/**
 * Code that may never end, called synchronously: it runs in a thread of its own, for which the caller waits no longer
 * than a time. A thread that is late, or whose memory is exhausted, is ended; the next call starts another one.
 *
 * This file is both ends. In the thread it loads a module (`handler`), whose default export gets the requests, one at a
 * time, with the clock and randomness of the host, and may be asynchronous. Requests and answers are copied.
 */

import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { NoAnswer } from '../errors.ts';
import { systemClock } from './clock.ts';
import { systemRandom } from './random.ts';

export interface GuardedThreadOptions {
  /** URL of the module that answers. */
  readonly handler: string;
  /** Upper bound of the thread's JavaScript heap, in MiB. */
  readonly heapMb: number;
}

interface ThreadData {
  readonly role: 'millrace guarded thread';
  readonly handler: string;
  readonly port: MessagePort;
  /** One 32-bit word: the number of the last request that was answered. */
  readonly answered: SharedArrayBuffer;
}

type Answer = { readonly value: unknown } | { readonly error: string };

interface Running {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly answered: Int32Array;
  requests: number;
}

export class GuardedThread {
  readonly #options: GuardedThreadOptions;
  #running: Running | undefined;
  #started = 0;

  constructor(options: GuardedThreadOptions) {
    this.#options = options;
  }

  /** Of the thread that answers the next call, counted from 1 on: another number where it has to be started first. */
  get number(): number {
    return this.#running === undefined ? this.#started + 1 : this.#started;
  }

  /** The handler's answer. Throws an `Error` with the sentence of what the handler threw, and `NoAnswer` when there is
   *  none within the time: the thread is ended then. */
  call(request: unknown, limitMs: number): unknown {
    const running = (this.#running ??= this.#start());
    const number = ++running.requests;
    running.port.postMessage(request);
    if (Atomics.wait(running.answered, 0, number - 1, limitMs) === 'timed-out') {
      void this.end();
      throw new NoAnswer(`there was no answer within ${limitMs} ms`);
    }
    const answer = receiveMessageOnPort(running.port)?.message as Answer | undefined;
    if (answer === undefined) throw new NoAnswer('the thread ended without an answer');
    if ('error' in answer) throw new Error(answer.error);
    return answer.value;
  }

  #start(): Running {
    this.#started++;
    const { port1, port2 } = new MessageChannel();
    const answered = new SharedArrayBuffer(4);
    const { handler, heapMb } = this.#options;
    const data: ThreadData = { role: 'millrace guarded thread', handler, port: port2, answered };
    const worker = new Worker(new URL(import.meta.url), {
      workerData: data,
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    worker.unref();
    const running: Running = { worker, port: port1, answered: new Int32Array(answered), requests: 0 };
    const gone = (): void => {
      if (this.#running === running) this.#running = undefined;
    };
    // Nobody waits for it any more: a call that does is told that it is late.
    worker.on('error', gone);
    worker.on('exit', gone);
    return running;
  }

  async end(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.port.close();
    await running?.worker.terminate();
  }
}

const isThreadData = (data: unknown): data is ThreadData =>
  typeof data === 'object' && data !== null && 'role' in data && data.role === 'millrace guarded thread';

// ---------------------------------------------------------------- in the thread

type Handle = (request: unknown, world: { now(): number; random(): number }) => unknown;

const serve = ({ handler, port, answered }: ThreadData): void => {
  const word = new Int32Array(answered);
  const chance = systemRandom();
  const world = { now: () => systemClock.now(), random: () => chance.float() };
  const loading = import(handler) as Promise<{ readonly default: Handle }>;
  const answerTo = async (request: unknown): Promise<Answer> => {
    try {
      return { value: await (await loading).default(request, world) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  };
  let before: Promise<unknown> = Promise.resolve();
  port.on('message', (request: unknown) => {
    before = before.then(async () => {
      const answer = await answerTo(request);
      try {
        port.postMessage(answer);
      } catch {
        port.postMessage({ error: 'the answer is no value that can leave its thread' } satisfies Answer);
      }
      Atomics.add(word, 0, 1);
      Atomics.notify(word, 0);
    });
  });
};

if (!isMainThread && parentPort !== null && isThreadData(workerData)) serve(workerData);
