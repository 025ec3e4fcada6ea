/**
 * The statement log: what was decided, in order, in a topic of one partition.
 *
 * An entry is one JSON record: `{version, text, properties, command, outcome}`. The command carries the physical plan,
 * so that a restart applies what was decided then and plans nothing again. An entry is durable before any of its
 * effects happens; its offset is the number that its query is named by. This process is the only writer.
 *
 * An append may answer "unknown". The end of the topic then shows whether the entry is there: it is, or it counts as
 * not written. Should it come after all, late, `news` finds it before the next statement is planned.
 */

import { assert, ByteWriter, messageOf, UserError, utf8Bytes } from '../base/index.ts';
import { BatchBuilder, type Log, LogError, type Producer, readTextRecords } from '../storage/index.ts';
import type { CommandOutcome } from './command-statuses.ts';
import type { Command } from './statements/index.ts';

export const statementTopic = '_millrace-statements';

export const entryVersion = 1;

export interface StatementEntry {
  readonly version: typeof entryVersion;
  readonly text: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly command: Command;
  /** What is told about the command; entries of older versions have none. */
  readonly outcome?: CommandOutcome;
}

/** An entry as it was found: parsed, or the reason why not. */
export type FoundEntry = {
  readonly offset: number;
  /** The statement. */
  readonly text: string;
  /** The whole entry as it is in the log. */
  readonly raw: string;
} & ({ readonly kind: 'entry'; readonly data: unknown } | { readonly kind: 'unreadable'; readonly why: string });

export class StatementLog {
  readonly #log: Log;
  readonly #producer: Producer;
  #next: number;
  #uncertain = false;

  private constructor(log: Log, producer: Producer, next: number) {
    this.#log = log;
    this.#producer = producer;
    this.#next = next;
  }

  /** Makes the topic in a new directory. Rejects with STATEMENT_LOG_LOST where there was one: without the topic it is
   *  not known which queries there are, and new ones would get the numbers of the lost ones. */
  static async open(log: Log): Promise<StatementLog> {
    if ((await log.describeTopic(statementTopic)) === undefined) {
      const lost = log.damage.find(({ topic }) => topic === statementTopic);
      if (lost !== undefined) throw statementsLost(lost.message);
      await log.createTopic({
        name: statementTopic,
        partitions: 1,
        configs: { 'retention.ms': '-1', 'max.message.bytes': '67108864' },
      });
    }
    const producer = await log.producer();
    const { end } = await log.offsets({ topic: statementTopic, partition: 0 });
    return new StatementLog(log, producer, end);
  }

  /** The number that the next entry will have. */
  get next(): number {
    return this.#next;
  }

  /** Every entry, in order. */
  read(): Promise<readonly FoundEntry[]> {
    return this.#read(0, this.#next);
  }

  /** Entries that came without an answer after all; none unless an answer was missed. */
  async news(): Promise<readonly FoundEntry[]> {
    if (!this.#uncertain) return [];
    const end = await this.#end();
    const found = await this.#read(this.#next, end);
    this.#next = end;
    this.#uncertain = false;
    return found;
  }

  async #end(): Promise<number> {
    return (await this.#log.offsets({ topic: statementTopic, partition: 0 })).end;
  }

  async #read(from: number, end: number): Promise<readonly FoundEntry[]> {
    const records = await readTextRecords(this.#log, statementTopic, from, end);
    return records.map(({ offset, value }) => parse(value ?? '', offset));
  }

  /** Appends all entries or none; answers with the number of the first when they are on the disk. Calls come one after
   *  another. */
  async append(entries: readonly StatementEntry[], timestamp: number): Promise<number> {
    const builder = new BatchBuilder();
    for (const entry of entries) {
      const value = utf8Bytes(JSON.stringify(entry));
      builder.append(noKey, -1, -1, value, 0, value.length, timestamp);
    }
    const number = this.#next;
    try {
      const target = { topic: statementTopic, partition: 0 };
      const { baseOffset, nextOffset } = await this.#producer.append(target, builder.finish(), 'durable');
      assert(baseOffset === number, `the entry was to be ${number} and became ${baseOffset}`);
      this.#next = nextOffset;
    } catch (error) {
      if (!(error instanceof LogError && error.kind === 'unknown')) throw error;
      this.#uncertain = true;
      // Where the end cannot be had either, the entry may be there: still unknown.
      const end = await this.#end().catch(() => number);
      if (end === number) throw error;
      this.#next = number + entries.length;
    }
    return number;
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

const statementsLost = (message: string): UserError =>
  new UserError('STATEMENT_LOG_LOST', `the statement log is lost, and with it every statement: ${message}`, {
    hint:
      'Restore it from a backup; or run "millrace repair --data DIR --accept-loss _millrace-statements" to begin without statements: ' +
      'all queries are forgotten with their state, the topics that they read and wrote stay.',
  });

const noKey = new ByteWriter(0).buffer;

const parse = (text: string, offset: number): FoundEntry => {
  try {
    const data = JSON.parse(text) as Partial<StatementEntry> | null;
    const shown = typeof data?.text === 'string' ? data.text : text.slice(0, 200);
    if (data?.version !== entryVersion) {
      return {
        kind: 'unreadable',
        offset,
        text: shown,
        raw: text,
        why: `the entry has version ${String(data?.version)}, and this build reads version ${entryVersion}`,
      };
    }
    return { kind: 'entry', offset, text: shown, raw: text, data };
  } catch (error) {
    const why = messageOf(error);
    return {
      kind: 'unreadable',
      offset,
      text: text.slice(0, 200),
      raw: text,
      why: `the entry is not valid JSON: ${why}`,
    };
  }
};
