/** Threads: how the runtime starts a host in another one, and how messages travel within one. */

import type { HostLimits, SharedMemory } from './host-options.ts';
import type { FromHost, Post, Run, ToHost } from './protocol.ts';

/** A host in another thread. */
export interface RemoteHost {
  readonly post: Post<ToHost>;
  /** Ends the thread; what it was doing is lost. */
  terminate(): Promise<void>;
  /** The run that the host worked for last; 0: none, or not known. It can be asked also when the thread has ended. */
  atWork?(): Run;
}

/**
 * Calls of users' code that may never end, as a thread marks them: where such a call takes longer than a limit the
 * thread is ended, and where the thread's memory is exhausted the call is the likely cause. `call` is a number of the
 * builder's own, from 1 on.
 */
export interface UserCalls {
  begin(call: number): void;
  end(): void;
}

/** Why a thread has ended: a call of a user's code. */
export class UserCallError extends Error {
  /** The call did not end; else it was at work when the memory of the thread was exhausted. */
  readonly late: boolean;

  constructor(message: string, { late, cause }: { readonly late: boolean; readonly cause?: unknown }) {
    super(message, { cause });
    this.late = late;
  }
}

/** What a host in another thread gets at its start. */
export interface HostSettings {
  readonly limits: HostLimits;
  readonly hashSeed: number;
  readonly memory: SharedMemory;
  /** The host serves one query alone, for as long as it runs: its shards begin empty. */
  readonly alone: boolean;
}

export interface WorkerOptions {
  /** Threads that share the queries with a plan; 0: those run on the calling thread. Applications whose topology is a
   *  module have threads of their own. */
  readonly count: number;
  /** Starts a thread with a host in it. `died` is called once when it ends without being asked to. */
  spawn(thread: number, settings: HostSettings, receive: Post<FromHost>, died: (error: Error) => void): RemoteHost;
}

/** One direction of a messenger within a thread: in order, and never from within a call of the receiver's own. */
export const mailbox = <M>(deliver: (message: M) => void): Post<M> => {
  let waiting: M[] = [];
  return (message) => {
    waiting.push(message);
    if (waiting.length > 1) return;
    queueMicrotask(() => {
      const now = waiting;
      waiting = [];
      for (const one of now) deliver(one);
    });
  };
};

/** The memory of a batch that goes to another thread: it is transferred, unless both share it. */
export const buffersOf = ({ buffer }: Uint8Array): ArrayBuffer[] => (buffer instanceof ArrayBuffer ? [buffer] : []);
