/** The scalar types there are. `../kinds.ts` says how to add one. */

import type { AnyTypeDefinition, TypeDefinition } from '../definition.ts';
import type { ScalarKind, ScalarType } from '../kinds.ts';
import { bigint } from './bigint.ts';
import { boolean } from './boolean.ts';
import { bytes } from './bytes.ts';
import { date } from './date.ts';
import { decimal } from './decimal.ts';
import { double } from './double.ts';
import { integer } from './integer.ts';
import { string } from './string.ts';
import { time } from './time.ts';
import { timestamp } from './timestamp.ts';

const definitions = {
  BOOLEAN: boolean,
  INTEGER: integer,
  BIGINT: bigint,
  DECIMAL: decimal,
  DOUBLE: double,
  STRING: string,
  BYTES: bytes,
  DATE: date,
  TIME: time,
  TIMESTAMP: timestamp,
} as const satisfies { readonly [K in ScalarKind]: TypeDefinition<K> };

export const scalars: Readonly<Record<ScalarKind, AnyTypeDefinition>> = definitions;

/** All definitions, in the order of the list. */
export const scalarDefinitions: readonly AnyTypeDefinition[] = Object.values(scalars);

/** What there is to know of a type. For the time when a query is built, not for each value. */
export const definitionOf = (type: ScalarType): AnyTypeDefinition => scalars[type.kind];
