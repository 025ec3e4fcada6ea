/**
 * Schemas by id over a message port: how the readers of a worker thread ask the registry of the thread that has it.
 *
 * A question is the id; the answer names it, with the schema or with the reason why it could not be looked up.
 */

import { messageOf } from '../../base/index.ts';
import type { KnownSchema } from './schema.ts';

/** One end of a channel between two threads, as `MessagePort` of the platform is. */
export interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', receive: (message: unknown) => void): unknown;
}

interface Answer {
  readonly id: number;
  readonly schema?: KnownSchema | undefined;
  readonly fault?: string;
}

/** Answers what the other end asks. */
export const answerSchemas = (port: Port, lookUp: (id: number) => Promise<KnownSchema | undefined>): void => {
  port.on('message', (asked) => {
    const id = asked as number;
    lookUp(id).then(
      (schema) => port.postMessage({ id, schema } satisfies Answer),
      (error: unknown) => port.postMessage({ id, fault: messageOf(error) } satisfies Answer),
    );
  });
};

/** Asks the other end. */
export const askSchemas = (port: Port): ((id: number) => Promise<KnownSchema | undefined>) => {
  const waiting = new Map<number, ((answer: Answer) => void)[]>();
  port.on('message', (message) => {
    const answer = message as Answer;
    for (const take of waiting.get(answer.id) ?? []) take(answer);
    waiting.delete(answer.id);
  });
  return (id) =>
    new Promise((resolve, reject) => {
      const others = waiting.get(id);
      const take = ({ schema, fault }: Answer): void => {
        if (fault === undefined) resolve(schema);
        else reject(new Error(fault));
      };
      if (others !== undefined) {
        others.push(take);
        return;
      }
      waiting.set(id, [take]);
      port.postMessage(id);
    });
};
