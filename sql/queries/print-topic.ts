/**
 * PRINT: the records of a topic as lines for people, as they come, each with its time, key, value and partition. Before
 * the first line, and whenever records have shown that it is another one, a line tells the format of the keys and one
 * that of the values, as far as they can be guessed (`sql/formats/sniffed-format.ts`).
 */

import { closest, UserError } from '../../base/index.ts';
import { consumeRecords, type Log } from '../../storage/index.ts';
import { type FramedText, framedText } from '../formats/framed-text.ts';
import { SniffedFormat } from '../formats/sniffed-format.ts';
import { schemaIdAt } from '../formats/writer-schemas.ts';
import type { PrintTopic } from '../parser/statements/print.ts';
import type { SchemaRegistry } from '../registry/registry.ts';

export interface PrintOptions {
  readonly log: Log;
  readonly registry: SchemaRegistry;
  /** Ends the printing. */
  readonly signal: AbortSignal;
}

/** The lines, once the topic is known to be there. Without a LIMIT they end with the signal only. */
export const printTopic = async (
  { topic: { name, at }, fromBeginning, interval, limit }: PrintTopic,
  { log, registry, signal }: PrintOptions,
): Promise<() => AsyncGenerator<string, void, undefined>> => {
  if ((await log.describeTopic(name)) === undefined) {
    const names = (await log.describeTopics()).map((topic) => topic.name);
    const near = closest(name, names) ?? names.find((one) => one.toUpperCase() === name.toUpperCase());
    throw new UserError('SQL_UNKNOWN_TOPIC', `there is no topic called "${name}"`, {
      at,
      hint: near === undefined ? 'SHOW TOPICS; lists them. Case counts.' : `Did you mean "${near}"? Case counts.`,
    });
  }
  const every = interval?.count ?? 1;
  if (every < 1) {
    throw new UserError('SQL_PRINT', 'PRINT shows every n-th record, and n is at least 1', { at: interval?.at ?? at });
  }
  const most = limit?.count ?? Number.POSITIVE_INFINITY;

  return async function* lines() {
    const texts = new Map<number, FramedText | undefined>();
    const textOf = (id: number): FramedText | undefined => texts.get(id);
    const key = new SniffedFormat('key', textOf);
    const value = new SniffedFormat('value', textOf);
    let formats = '';
    let seen = 0;
    let shown = 0;
    if (shown >= most) return;
    for await (const record of consumeRecords(log, name, { from: fromBeginning ? 'earliest' : 'latest', signal })) {
      if (seen++ % every !== 0) continue;
      for (const bytes of [record.key, record.value]) {
        const id = bytes === null ? -1 : schemaIdAt(bytes, 0, bytes.length);
        if (id < 0 || texts.has(id)) continue;
        const schema = await registry.byId(id).catch(() => undefined);
        texts.set(id, schema && (await framedText(schema)));
      }
      const [shownKey, shownValue] = [key.read(record.key), value.read(record.value)];
      const now = `Key format: ${key.name}\nValue format: ${value.name}`;
      if (now !== formats) yield* now.split('\n');
      formats = now;
      const time = new Date(record.timestamp).toISOString().replace('T', ' ').replace('Z', ' Z');
      yield `rowtime: ${time}, key: ${shownKey}, value: ${shownValue}, partition: ${record.partition}`;
      if (++shown >= most) return;
    }
  };
};
