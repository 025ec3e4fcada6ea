/** Whether rows can be inserted into a source: by INSERT VALUES, or as JSON by a client. */

import { type Position, UserError } from '../../base/index.ts';
import type { Source } from '../analyze/sources.ts';
import { notRegistered, subjectOf } from '../registry/schema.ts';
import { checkNotInternal } from './internal-topics.ts';

export const checkInsertTarget = (source: Source, at?: Position): void => {
  if (source.readOnly) {
    throw new UserError('SQL_READ_ONLY', `"${source.name}" was created as a SOURCE and cannot be written`, { at });
  }
  if (source.schema.windowed !== undefined) {
    throw new UserError(
      'SQL_WINDOWED_SOURCE',
      `"${source.name}" is windowed, and rows cannot be inserted into windows`,
      {
        at,
        hint: 'Insert into the stream that the windows are made of.',
      },
    );
  }
  for (const side of ['key', 'value'] as const) {
    const { schema } = side === 'key' ? source.keyFormat : source.valueFormat;
    if (schema?.id !== notRegistered) continue;
    throw new UserError(
      'SQL_SCHEMA_INCOMPATIBLE',
      `"${source.name}" can be read only: the schema of its ${side} columns is not compatible with those of the subject "${subjectOf(source.topic, side)}"`,
      { at, hint: 'Create it again with columns that fit the registered schema.' },
    );
  }
  checkNotInternal(source.topic, 'written', at);
};
