/**
 * POST /inserts-stream: rows in, acknowledgements out, over one request, both at once.
 *
 * The first line names the target, every later one is a row. The answer has one line for each row (with
 * `Accept: application/json` one element of an array), in the order of the rows; `ok` means on the disk. A row that
 * does not fit is refused by itself; a line that is not a JSON object ends the stream. All rows of one connection reach
 * each partition in order. What has arrived together is written together; some groups may be under way at once, and the
 * reader waits when they are many.
 */

import type { Writable } from 'node:stream';
import { messageOf } from '../../base/index.ts';
import type { Inserter, InsertOutcome } from '../../sql/index.ts';
import { acceptedType } from '../accept.ts';
import { lineGroups, objectField, parseObject, textField, withinTime } from '../body.ts';
import { drained } from '../drained.ts';
import { faultOf } from '../errors.ts';
import { startAnswer } from '../exchange.ts';
import { errorCodes, type InsertAcknowledgement, mediaTypes } from '../protocol.ts';
import type { Route } from '../route.ts';

/** Groups of rows that may wait for the disk at once, on one connection. */
const MAX_GROUPS_UNDER_WAY = 32;

export const insertsStreamRoute: Route = (app, { engine, limits }) => {
  app.post('/inserts-stream', async (request, reply) => {
    const mediaType = acceptedType(request.headers.accept, [mediaTypes.delimited, mediaTypes.json]);
    const groups = lineGroups(request.raw, limits.maxRowBytes);
    const first = await withinTime(groups.next(), limits.bodyTimeoutMs, 'the first line');
    const lines = first.done === true ? [] : first.value;
    const header = parseObject(lines[0] ?? '', 'the first line, which names the target,');
    const inserter = await engine.inserter(textField(header, 'target'), {
      properties: objectField(header, 'properties'),
    });

    reply.hijack();
    const out = startAnswer(reply.raw, { 'content-type': mediaType });
    reply.raw.flushHeaders();
    const acknowledgements = new Acknowledgements(inserter, out, mediaType === mediaTypes.json);
    try {
      await acknowledgements.take(lines.slice(1));
      for await (const group of groups) {
        if (out.destroyed) break;
        await acknowledgements.take(group);
      }
      await acknowledgements.written();
    } catch (error) {
      await acknowledgements.written().catch(() => {});
      acknowledgements.write([JSON.stringify(faultOf(error).body)]);
      request.log.warn({ route: '/inserts-stream', reason: messageOf(error) }, 'inserts ended');
    }
    acknowledgements.end();
    return reply;
  });
};

class Acknowledgements {
  readonly #inserter: Inserter;
  readonly #out: Writable;
  #sequence = 0;
  #underWay = 0;
  /** Resolves when the last group received has been answered: groups answer in order. Never rejects; `#failure`
   *  holds why. */
  #last: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #oneLess: (() => void) | undefined;

  /** One JSON array, instead of a line for each row. */
  readonly #asArray: boolean;
  #written = 0;

  constructor(inserter: Inserter, out: Writable, asArray: boolean) {
    this.#asArray = asArray;
    this.#inserter = inserter;
    this.#out = out;
  }

  /** Hands a group to the log; returns at once unless too much is under way. */
  async take(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const { rows, fault } = parseRows(lines, this.#sequence);
    const first = this.#sequence;
    this.#sequence += rows.length;
    this.#underWay++;
    this.#last = this.#answerInTurn(first, this.#inserter.insert(rows), this.#last);
    if (fault !== undefined) throw fault;
    while (this.#underWay >= MAX_GROUPS_UNDER_WAY) {
      await new Promise<void>((resolve) => {
        this.#oneLess = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#out.writableNeedDrain) await drained(this.#out);
  }

  async written(): Promise<void> {
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure;
  }

  write(answers: readonly string[]): void {
    if (answers.length === 0 || this.#out.destroyed) return;
    const before = this.#written === 0 ? '[' : ',';
    this.#written += answers.length;
    this.#out.write(this.#asArray ? before + answers.join(',') : `${answers.join('\n')}\n`);
  }

  end(): void {
    if (this.#out.destroyed) return;
    if (this.#asArray) this.#out.write(this.#written === 0 ? '[]' : ']');
    this.#out.end();
  }

  async #answerInTurn(
    first: number,
    outcomes: Promise<readonly InsertOutcome[]>,
    before: Promise<void>,
  ): Promise<void> {
    try {
      const [answered] = await Promise.all([outcomes, before]);
      if (this.#failure === undefined) this.write(answered.map((outcome, i) => acknowledgement(first + i, outcome)));
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    } finally {
      this.#underWay--;
      this.#oneLess?.();
    }
  }
}

/** The rows before the first line that is none, and its fault. */
const parseRows = (
  lines: readonly string[],
  sequence: number,
): { readonly rows: readonly Record<string, unknown>[]; readonly fault?: unknown } => {
  const rows: Record<string, unknown>[] = [];
  try {
    for (const line of lines) rows.push(parseObject(line, `row ${sequence + rows.length}`));
  } catch (fault) {
    return { rows, fault };
  }
  return { rows };
};

const acknowledgement = (seq: number, outcome: InsertOutcome): string => {
  if (outcome.ok) return `{"status":"ok","seq":${seq}}`;
  const { body } = faultOf(outcome.error);
  const refused: InsertAcknowledgement = {
    status: 'error',
    seq,
    error_code: body.error_code === errorCodes.badStatement ? errorCodes.badRequest : body.error_code,
    message: body.message,
  };
  return JSON.stringify(refused);
};
