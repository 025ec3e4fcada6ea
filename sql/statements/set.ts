/** SET and UNSET: properties for the statements that follow in the same call. */

import type { SetProperty, UnsetProperty } from '../parser/statements/settings.ts';
import type { Handler } from './statement.ts';

export const set: Handler<SetProperty> = ({ name, value, at }, context) => {
  const settings = context.settings.with(name, value, at);
  return { kind: 'settings', settings, answer: { kind: 'properties', properties: settings.toRecord() } };
};

export const unset: Handler<UnsetProperty> = ({ name, at }, context) => {
  const settings = context.settings.without(name, at);
  return { kind: 'settings', settings, answer: { kind: 'properties', properties: settings.toRecord() } };
};
