/** The streams and tables of a log by its statements alone: for tools that look at a data directory, and start nothing
 *  in it. */

import { messageOf } from '../base/index.ts';
import type { Log } from '../storage/index.ts';
import { Catalog } from './catalog.ts';
import type { SourceDescription } from './facade.ts';
import { type StatementEntry, StatementLog, statementTopic } from './statement-log.ts';
import { fieldsOf } from './statements/describe.ts';
import { applyCommand, readCommand } from './statements/index.ts';

/** What DESCRIBE shows of a source, without what only a running server has. */
export type StoredSource = Pick<SourceDescription, 'name' | 'type' | 'windowType' | 'fields' | 'statement'> & {
  readonly writeQueries: readonly { readonly id: string }[];
};

export interface StoredSources {
  /** Sorted by name. */
  readonly sources: readonly StoredSource[];
  /** Why statements could not be applied, a sentence each. */
  readonly failures: readonly string[];
}

export const readStoredSources = async (log: Log): Promise<StoredSources> => {
  if ((await log.describeTopic(statementTopic)) === undefined) return { sources: [], failures: [] };
  const catalog = new Catalog();
  const failures: string[] = [];
  const statements = await StatementLog.open(log);
  try {
    for (const entry of await statements.read()) {
      try {
        if (entry.kind === 'unreadable') failures.push(`${entry.text}: ${entry.why}`);
        else applyCommand(catalog, readCommand((entry.data as StatementEntry).command));
      } catch (error) {
        failures.push(`${entry.text}: ${messageOf(error)}`);
      }
    }
  } finally {
    await statements.close();
  }
  const sources = catalog.sources().map(
    ({ name, kind, schema, statement }): StoredSource => ({
      name,
      type: kind === 'stream' ? 'STREAM' : 'TABLE',
      windowType: schema.windowed?.type ?? null,
      fields: fieldsOf(schema),
      statement,
      writeQueries: catalog.writersOf(name).filter((query) => query.kind !== 'source-table'),
    }),
  );
  return { sources, failures };
};
