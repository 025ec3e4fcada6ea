/** SET and UNSET: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Position } from '../ast.ts';
import { printString } from '../print.ts';
import { Equal, keyword, StringText, unquote } from '../tokens.ts';
import { ShowGrammar } from './show.ts';
import type { UnsupportedForms } from './unsupported.ts';

/** `SET 'name' = 'value'`. */
export interface SetProperty {
  readonly kind: 'set';
  readonly name: string;
  readonly value: string;
  readonly at: Position;
}

/** `UNSET 'name'`. */
export interface UnsetProperty {
  readonly kind: 'unset';
  readonly name: string;
  readonly at: Position;
}

export type SettingsStatement = SetProperty | UnsetProperty;

/** What these statements begin with, for the error where no statement is found. */
export const settingsWords = ['SET', 'UNSET'] as const;

/** Forms of this family that are not supported. */
export const settingsUnsupported: UnsupportedForms = [['ALTER SYSTEM'], ['DEFINE'], ['UNDEFINE']];

export abstract class SettingsGrammar extends ShowGrammar {
  protected readonly settingsStatement: ParserMethod<[], SettingsStatement> = this.RULE('settingsStatement', () =>
    this.OR([
      { ALT: (): SettingsStatement => this.SUBRULE(this.#set) },
      { ALT: (): SettingsStatement => this.SUBRULE(this.#unset) },
    ]),
  );

  readonly #set: ParserMethod<[], SetProperty> = this.RULE('set', (): SetProperty => {
    const start = this.start();
    this.CONSUME(keyword.SET);
    const name = this.CONSUME(StringText);
    this.CONSUME(Equal);
    const value = this.CONSUME1(StringText);
    return { kind: 'set', name: unquote(name.image), value: unquote(value.image), at: this.since(start) };
  });

  readonly #unset: ParserMethod<[], UnsetProperty> = this.RULE('unset', (): UnsetProperty => {
    const start = this.start();
    this.CONSUME(keyword.UNSET);
    const name = this.CONSUME(StringText);
    return { kind: 'unset', name: unquote(name.image), at: this.since(start) };
  });
}

export const settingsPrinters = {
  set: ({ name, value }: SetProperty): string => `SET ${printString(name)} = ${printString(value)}`,
  unset: ({ name }: UnsetProperty): string => `UNSET ${printString(name)}`,
};
