/**
 * The port to the thread that owns the log: questions go out, answers and announcements come in.
 *
 * When the port closes, because the log was closed or its thread has ended, every open question fails with LOG_CLOSED,
 * and so does every later one.
 */

import { assert } from '../../base/index.ts';
import { closedError } from '../log-errors.ts';
import type { SharedAnnouncement, SharedAnswer, SharedMessage, SharedQuestion } from './shared-view.ts';

export interface OwnerListener {
  /** A topic was made or deleted. */
  announced(message: SharedAnnouncement): void;
  /** The log cannot be asked any more. Called once. */
  closed(): void;
}

interface OpenQuestion {
  readonly resolve: (answer: SharedAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class OwnerPort {
  readonly #port: MessagePort;
  readonly #listener: OwnerListener;
  readonly #open = new Map<number, OpenQuestion>();
  #nextRequest = 1;
  #awaited = 0;
  #closed = false;

  constructor(port: MessagePort, listener: OwnerListener) {
    this.#port = port;
    this.#listener = listener;
    port.addEventListener('message', (event: MessageEvent) => this.#receive(event.data as SharedMessage));
    port.addEventListener('close', () => this.close());
    port.start();
    port.unref();
  }

  #receive(message: SharedMessage): void {
    if (message.kind === 'created' || message.kind === 'deleted') {
      this.#listener.announced(message);
      return;
    }
    const question = this.#open.get(message.request);
    assert(question !== undefined || this.#closed, () => `nothing was asked with the number ${message.request}`);
    this.#open.delete(message.request);
    question?.resolve(message);
  }

  /** What the owner answers. Undefined when the topic that was asked about is gone. */
  async ask<K extends SharedQuestion['kind']>(
    kind: K,
    about: Extract<SharedQuestion, { kind: K }>['about'],
  ): Promise<Extract<SharedAnswer, { kind: K }> | undefined> {
    if (this.#closed) throw closedError();
    const request = this.#nextRequest++;
    const answer = await this.keepAwake(
      new Promise<SharedAnswer>((resolve, reject) => {
        this.#open.set(request, { resolve, reject });
        this.#port.postMessage({ kind, request, about });
      }),
    );
    if (answer.kind === 'gone') return undefined;
    assert(isOfKind(answer, kind), () => `a question about "${kind}" was answered with "${answer.kind}"`);
    return answer;
  }

  /** Keeps the thread alive until the promise has an outcome: neither a waiting word nor an idle port does. */
  async keepAwake<T>(awaited: Promise<T>): Promise<T> {
    if (this.#awaited++ === 0) this.#port.ref();
    try {
      return await awaited;
    } finally {
      if (--this.#awaited === 0) this.#port.unref();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    for (const { reject } of this.#open.values()) reject(closedError());
    this.#open.clear();
    this.#listener.closed();
  }
}

const isOfKind = <K extends SharedQuestion['kind']>(
  answer: SharedAnswer,
  kind: K,
): answer is Extract<SharedAnswer, { kind: K }> => answer.kind === kind;
