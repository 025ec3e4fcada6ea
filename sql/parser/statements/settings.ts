/** SET and UNSET, ALTER SYSTEM, DEFINE and UNDEFINE: the trees, the grammar, and the way back to text. */

import type { ParserMethod } from 'chevrotain';
import type { Position } from '../ast.ts';
import { printString } from '../print.ts';
import { Equal, keyword, PlainName, StringText, unquote } from '../tokens.ts';
import { AssertGrammar } from './assert.ts';

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

/** `ALTER SYSTEM 'name' = 'value'`. */
export interface AlterSystem {
  readonly kind: 'alter-system';
  readonly name: string;
  readonly value: string;
  readonly at: Position;
}

/** `DEFINE name = 'value'`: what `${name}` stands for from here on. */
export interface Define {
  readonly kind: 'define';
  readonly name: string;
  readonly value: string;
  readonly at: Position;
}

/** `UNDEFINE name`. */
export interface Undefine {
  readonly kind: 'undefine';
  readonly name: string;
  readonly at: Position;
}

export type SettingsStatement = SetProperty | UnsetProperty | AlterSystem | Define | Undefine;

/** What these statements begin with, for the error where no statement is found. */
export const settingsWords = ['SET', 'UNSET', 'DEFINE', 'UNDEFINE'] as const;

export abstract class SettingsGrammar extends AssertGrammar {
  protected readonly settingsStatement: ParserMethod<[], SettingsStatement> = this.RULE('settingsStatement', () =>
    this.OR([
      { ALT: (): SettingsStatement => this.SUBRULE(this.#set) },
      { ALT: (): SettingsStatement => this.SUBRULE(this.#unset) },
      { ALT: (): SettingsStatement => this.SUBRULE(this.#define) },
      { ALT: (): SettingsStatement => this.SUBRULE(this.#undefine) },
    ]),
  );

  protected readonly alterSystem: ParserMethod<[], AlterSystem> = this.RULE('alterSystem', (): AlterSystem => {
    const start = this.start();
    this.CONSUME(keyword.ALTER);
    this.CONSUME(keyword.SYSTEM);
    const name = this.CONSUME(StringText);
    this.CONSUME(Equal);
    const value = this.CONSUME1(StringText);
    return { kind: 'alter-system', name: unquote(name.image), value: unquote(value.image), at: this.since(start) };
  });

  readonly #define: ParserMethod<[], Define> = this.RULE('define', (): Define => {
    const start = this.start();
    this.CONSUME(keyword.DEFINE);
    const name = this.CONSUME(PlainName);
    this.CONSUME(Equal);
    const value = this.CONSUME(StringText);
    return { kind: 'define', name: name.image, value: unquote(value.image), at: this.since(start) };
  });

  readonly #undefine: ParserMethod<[], Undefine> = this.RULE('undefine', (): Undefine => {
    const start = this.start();
    this.CONSUME(keyword.UNDEFINE);
    const name = this.CONSUME(PlainName);
    return { kind: 'undefine', name: name.image, at: this.since(start) };
  });

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
  'alter-system': ({ name, value }: AlterSystem): string => `ALTER SYSTEM ${printString(name)} = ${printString(value)}`,
  define: ({ name, value }: Define): string => `DEFINE ${name} = ${printString(value)}`,
  undefine: ({ name }: Undefine): string => `UNDEFINE ${name}`,
};
