/** The formats there are. A new one is a file beside this one and a line here. */

import { closest, type Position, UserError } from '../../base/index.ts';
import type { Format } from './format.ts';
import { json } from './json.ts';
import { kafka } from './kafka.ts';
import { none } from './none.ts';

export const formats: readonly Format[] = [json, kafka, none];

/** The format of this name, without regard to case. */
export const formatNamed = (name: string, at?: Position): Format => {
  const upper = name.toUpperCase();
  const found = formats.find((format) => format.name === upper);
  if (found !== undefined) return found;
  const names = formats.map((format) => format.name);
  const near = closest(upper, names);
  throw new UserError('SQL_UNKNOWN_FORMAT', `there is no format called "${name}"`, {
    at,
    hint: near === undefined ? `The formats are ${names.join(', ')}.` : `Did you mean "${near}"?`,
  });
};
