/** SET and UNSET: properties for the statements that follow in the same call. ALTER SYSTEM, which is refused. */

import { UserError } from '../../base/index.ts';
import { printString } from '../parser/print.ts';
import type { AlterSystem, SetProperty, UnsetProperty } from '../parser/statements/settings.ts';
import { propertyName } from '../settings.ts';
import type { Handler } from './statement.ts';

export const set: Handler<SetProperty> = ({ name, value, at }, context) => {
  const settings = context.settings.with(name, value, at);
  return { kind: 'settings', settings, answer: { kind: 'settings', properties: settings.toRecord() } };
};

export const unset: Handler<UnsetProperty> = ({ name, at }, context) => {
  const settings = context.settings.without(name, at);
  return { kind: 'settings', settings, answer: { kind: 'settings', properties: settings.toRecord() } };
};

/** What holds for the whole server is given when it starts. */
export const alterSystem: Handler<AlterSystem> = ({ name, value, at }) => {
  propertyName(name, at);
  throw new UserError('SQL_ALTER_SYSTEM', `the property "${name}" of the server cannot be changed while it runs`, {
    at,
    hint: `For the queries that are made next: SET ${printString(name)} = ${printString(value)};`,
  });
};
