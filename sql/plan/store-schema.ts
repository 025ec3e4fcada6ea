/**
 * What the stores of a plan hold, as hashes in the plan.
 *
 * The hash of a store covers the version of the row encoding, the format, names and types of its key, its window, and
 * the names and types of the row's columns; for aggregates the function of each call and the types of its slots; where
 * an entry is more than a row, what it is. A plan
 * that runs is never changed, nor are its hashes: a build that would keep something else in a store refuses the plan
 * when it compiles it (`checkStores`), and the engine compares the hash with the one that the store was
 * written under.
 */

import { hash48, UserError } from '../../base/index.ts';
import type { AggregateCall } from '../analyze/logical.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { rowEncodingVersion } from '../types/row-encoding.ts';
import type { Column } from '../types/schema.ts';
import { printType, type SqlType } from '../types/type.ts';
import { allSteps, keyedSchema, keyFormatOf, type PhysicalPlan, type Step, storedBy } from './plan.ts';
import type { Stored } from './steps/definition.ts';

/** Hashes by the name of the store: 48 bits each, in hexadecimal digits. */
export type StoreHashes = Readonly<Record<string, string>>;

const describedColumn = ({ name, type }: Column): readonly unknown[] => [name, printType(type)];

const describedCall = ({ function: name, slots }: AggregateCall): readonly unknown[] => [name, slots.map(printType)];

/** Without the id of its schema, which is given to it when the plan is made already. */
const describedFormat = ({ schema, ...choice }: FormatChoice): unknown =>
  schema === undefined ? choice : { ...choice, schema: { ...schema, id: undefined } };

const hashOf = ({ of, accumulators, holds, form }: Stored<Step>): string => {
  const { key, value, windowed } = keyedSchema(of);
  const text = JSON.stringify({
    encoding: rowEncodingVersion,
    key: { format: describedFormat(keyFormatOf(of)), columns: key.map(describedColumn), windowed },
    row: holds ?? accumulators?.map(describedCall) ?? value.map(describedColumn),
    form,
  });
  return hash48(text).toString(16).padStart(12, '0');
};

export const storeHashesOf = (root: Step): StoreHashes =>
  Object.fromEntries(
    allSteps(root)
      .flatMap(storedBy)
      .map((stored) => [stored.store, hashOf(stored)]),
  );

/** The hash as the engine keeps it: a safe integer. */
export const storeHashNumber = (hash: string): number => Number.parseInt(hash, 16);

/** Throws `SQL_PLAN_STATE` where this build would keep other rows than the plan says. `slotsOf`: what it keeps for a
 *  call of an aggregate. */
export const checkStores = (
  { root, stores }: PhysicalPlan,
  slotsOf: (call: AggregateCall) => readonly SqlType[],
): void => {
  for (const stored of allSteps(root).flatMap(storedBy)) {
    for (const call of stored.accumulators ?? []) {
      const [planned, built] = [call.slots, slotsOf(call)].map((slots) => slots.map(printType).join(', '));
      if (planned !== built) {
        throw misread(`for ${call.signature} the plan keeps the types ${planned}, and this build ${built}`);
      }
    }
    const own = hashOf(stored);
    const planned = stores[stored.store];
    if (own !== planned) {
      throw misread(`the store "${stored.store}" has the schema hash ${planned} in the plan, and ${own} in this build`);
    }
  }
};

/** Throws `SQL_PLAN_UNREADABLE` where a store of the plan has no hash. */
export const checkStoreHashes = ({ root, stores }: PhysicalPlan): void => {
  for (const { store } of allSteps(root).flatMap(storedBy)) {
    if (/^[0-9a-f]{12}$/.test(String(stores?.[store]))) continue;
    throw new UserError('SQL_PLAN_UNREADABLE', `the plan has no schema hash of its store "${store}"`);
  }
};

const misread = (what: string): UserError =>
  new UserError('SQL_PLAN_STATE', `this build would misread the state of the query: ${what}`, {
    hint:
      'Run the version of Millrace that the query was created with; or drop the query and create it again: it is then ' +
      'computed from what its sources still have.',
  });
