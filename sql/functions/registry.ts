/**
 * The functions that a statement can name, and those that a plan names.
 *
 * A name belongs to one kind of functions. Which overload of it a call means is decided in `overloads.ts`; a plan names
 * the overload that was chosen, by its signature.
 */

import { assert, closest, type Position, UserError, unreachable } from '../../base/index.ts';
import type { SqlType } from '../types/type.ts';
import type { AggregateDefinition, FunctionDefinition, ScalarDefinition, TableDefinition } from './define.ts';
import { type LoadedModule, type ModuleId, type ModulePlace, printModule } from './module.ts';
import { notFunctions } from './not-functions.ts';
import { type CallShape, chooseOverload, type Overload, type Resolution } from './overloads.ts';

export interface Family {
  /** As SHOW FUNCTIONS and the documentation head it. */
  readonly category: string;
  readonly functions: readonly FunctionDefinition[];
}

export interface RegisteredFunction {
  readonly name: string;
  readonly kind: FunctionDefinition['kind'];
  readonly category: string;
  readonly overloads: readonly Overload[];
  /** The name of the module of user functions that it belongs to. */
  readonly module?: string;
}

/** The function that a plan means: of a module of users, or built in. */
export interface FunctionRef {
  readonly name: string;
  readonly signature: string;
  readonly module?: ModuleId | undefined;
}

interface Entry<D extends FunctionDefinition> {
  readonly category: string;
  readonly overloads: Overload<D>[];
  /** The name of the module of user functions that it belongs to. */
  readonly module?: string;
}

type Entries<D extends FunctionDefinition> = Map<string, Entry<D>>;

export class FunctionRegistry {
  /** What statements can name; a name is in one of the three. */
  readonly #scalars: Entries<ScalarDefinition> = new Map();
  readonly #aggregates: Entries<AggregateDefinition> = new Map();
  readonly #tables: Entries<TableDefinition> = new Map();
  /** What plans can name, by module and version, in the order in which they were added. */
  readonly #modules = new Map<string, { readonly module: LoadedModule; readonly bySignature: Map<string, Overload> }>();

  constructor(families: readonly Family[] = []) {
    for (const family of families) for (const each of family.functions) this.add(each, family.category);
  }

  /** Adds a function, or overloads to a function of the same name and kind. */
  add(definition: FunctionDefinition, category = 'OTHER'): void {
    switch (definition.kind) {
      case 'scalar':
        return this.#add(this.#scalars, definition, category);
      case 'aggregate':
        return this.#add(this.#aggregates, definition, category);
      case 'table':
        return this.#add(this.#tables, definition, category);
      default:
        return unreachable(definition);
    }
  }

  #add<D extends FunctionDefinition>(entries: Entries<D>, definition: D, category: string): void {
    for (const signature of definition.signatures) {
      const { name, text } = signature;
      const known = this.get(name);
      assert(known === undefined || known.kind === definition.kind, `${name} is already a function of another kind`);
      const entry = entries.get(name) ?? { category, overloads: [] };
      assert(
        entry.overloads.every((other) => other.signature.text !== text),
        `${text} is declared twice`,
      );
      entry.overloads.push({ signature, definition });
      entries.set(name, entry);
    }
  }

  /** Adds the functions of a module. New statements get them in the place of those of other versions of the module;
   *  plans get the version that they name. Raises FUNCTION_MODULE_CONFLICT, and adds nothing, when a name is taken. */
  addModule(module: LoadedModule): void {
    const { name } = module;
    const overloads = overloadsOf(module);
    for (const { signature } of overloads) {
      const taken = this.get(signature.name);
      if (taken === undefined || taken.module === name) continue;
      const owner = taken.module === undefined ? 'SQL' : `the module ${taken.module}`;
      throw conflict(module, `${signature.name} is already a function of ${owner}`);
    }
    this.addModuleForPlans(module);
    for (const entries of [this.#scalars, this.#aggregates, this.#tables]) {
      for (const [former, entry] of entries) if (entry.module === name) entries.delete(former);
    }
    for (const definition of module.functions) this.#addOfModule(module, definition);
  }

  #addOfModule(module: LoadedModule, definition: FunctionDefinition): void {
    switch (definition.kind) {
      case 'scalar':
        return addOverloads(this.#scalars, module, definition);
      case 'aggregate':
        return addOverloads(this.#aggregates, module, definition);
      case 'table':
        return addOverloads(this.#tables, module, definition);
      default:
        return unreachable(definition);
    }
  }

  /** Adds the functions of a module for plans alone, which name their version: other modules may have functions of the
   *  same names. Raises FUNCTION_MODULE_CONFLICT when this version is there. */
  addModuleForPlans(module: LoadedModule): void {
    const id = printModule(module);
    if (this.#modules.has(id)) throw conflict(module, 'a module of this name and version is already loaded');
    const bySignature = new Map<string, Overload>();
    const kinds = new Map<string, FunctionDefinition['kind']>();
    for (const overload of overloadsOf(module)) {
      const { name, text } = overload.signature;
      if (bySignature.has(text)) throw conflict(module, `${text} is declared twice`);
      bySignature.set(text, overload);
      const { kind } = overload.definition;
      if ((kinds.get(name) ?? kind) !== kind) throw conflict(module, `${name} is a function of two kinds`);
      kinds.set(name, kind);
    }
    this.#modules.set(id, { module, bySignature });
  }

  /** The modules that were added, in their order. */
  modules(): readonly LoadedModule[] {
    return Array.from(this.#modules.values(), ({ module }) => module);
  }

  /** Where other threads find the modules that a plan names. Raises FUNCTION_MODULE_MISSING for one that is not
   *  loaded. */
  placesOf(ids: readonly ModuleId[]): readonly ModulePlace[] {
    if (ids.length === 0) return [];
    const all = this.modules();
    return ids.map((id) => {
      this.checkModule(id);
      const number = all.findIndex((module) => printModule(module) === printModule(id));
      const { name, version, url, limited = false } = all[number] as LoadedModule;
      return { name, version, url, limited, number };
    });
  }

  /** Raises FUNCTION_MODULE_MISSING unless this version of the module is loaded. */
  checkModule(id: ModuleId): void {
    if (this.#modules.has(printModule(id))) return;
    const others = [...this.#modules.keys()].filter((other) => other.startsWith(`${id.name} `));
    throw missing(
      `the module ${printModule(id)} is not loaded${others.length > 0 ? `; of this module there is ${others.join(', ')}` : ''}`,
    );
  }

  /** All functions, by name. */
  list(): readonly RegisteredFunction[] {
    const names = [this.#scalars, this.#aggregates, this.#tables].flatMap((entries) => [...entries.keys()]);
    return names.sort().flatMap((name) => this.get(name) ?? []);
  }

  get(name: string): RegisteredFunction | undefined {
    const upper = name.toUpperCase();
    const scalar = this.#scalars.get(upper);
    if (scalar !== undefined) return { name: upper, kind: 'scalar', ...scalar };
    const aggregate = this.#aggregates.get(upper);
    if (aggregate !== undefined) return { name: upper, kind: 'aggregate', ...aggregate };
    const table = this.#tables.get(upper);
    return table === undefined ? undefined : { name: upper, kind: 'table', ...table };
  }

  /** The function; raises SQL_UNKNOWN_FUNCTION where there is none. */
  require(name: string, at?: Position): RegisteredFunction {
    const found = this.get(name);
    if (found === undefined) throw this.#unknown(name, at);
    return found;
  }

  isAggregate(name: string): boolean {
    return this.#aggregates.has(name.toUpperCase());
  }

  isTableFunction(name: string): boolean {
    return this.#tables.has(name.toUpperCase());
  }

  /** Chooses the overload of a scalar function; arguments may be converted. */
  resolve(call: CallShape): Resolution<ScalarDefinition> {
    const { at } = call;
    const name = call.name.toUpperCase();
    const entry = this.#scalars.get(name);
    if (entry !== undefined) return chooseOverload(entry.overloads, call, true);
    if (this.#tables.has(name)) {
      throw new UserError('SQL_TABLE_FUNCTION', `the table function ${name} cannot be used here`, {
        at,
        hint: 'Table functions stand in the SELECT list of a query over a stream.',
      });
    }
    if (this.#aggregates.has(name)) {
      throw new UserError('SQL_AGGREGATE_MISPLACED', `${name} is an aggregate and cannot be used here`, {
        at,
        hint: 'Aggregates stand in SELECT and HAVING of a query with GROUP BY, and not inside one another.',
      });
    }
    throw this.#unknown(call.name, at);
  }

  /** Chooses the overload of a table function, as of a scalar one. */
  resolveTableFunction(call: CallShape): Resolution<TableDefinition> {
    const entry = this.#tables.get(call.name.toUpperCase());
    assert(entry !== undefined, `${call.name} is not a table function`);
    return chooseOverload(entry.overloads, call, true);
  }

  /** Chooses the overload of an aggregate; arguments are not converted. */
  resolveAggregate(name: string, args: readonly (SqlType | null)[], at?: Position): Resolution<AggregateDefinition> {
    const entry = this.#aggregates.get(name.toUpperCase());
    assert(entry !== undefined, `${name} is not an aggregate`);
    return chooseOverload(entry.overloads, { name, args, at }, false);
  }

  /** The overload that a plan names. */
  scalar({ name, signature, module }: FunctionRef): Overload<ScalarDefinition> {
    if (module === undefined) return overloadOf(this.#scalars, name, signature);
    const { definition, ...found } = this.#ofModule(module, signature);
    if (definition.kind !== 'scalar') throw otherKind(module, signature);
    return { ...found, definition };
  }

  table({ name, signature, module }: FunctionRef): Overload<TableDefinition> {
    if (module === undefined) return overloadOf(this.#tables, name, signature);
    const { definition, ...found } = this.#ofModule(module, signature);
    if (definition.kind !== 'table') throw otherKind(module, signature);
    return { ...found, definition };
  }

  aggregate({ name, signature, module }: FunctionRef): Overload<AggregateDefinition> {
    if (module === undefined) return overloadOf(this.#aggregates, name, signature);
    const { definition, ...found } = this.#ofModule(module, signature);
    if (definition.kind !== 'aggregate') throw otherKind(module, signature);
    return { ...found, definition };
  }

  #ofModule(module: ModuleId, signature: string): Overload {
    this.checkModule(module);
    const found = this.#modules.get(printModule(module))?.bySignature.get(signature);
    if (found === undefined) throw missing(`the module ${printModule(module)} has no function ${signature}`);
    return found;
  }

  /** What does here what a function of this name does in another dialect. */
  #calledElsewhere(name: string): string | undefined {
    for (const known of this.list()) {
      for (const { definition } of known.overloads) {
        for (const other of definition.elsewhere ?? []) {
          if (other === name) return known.name;
          if (other[0] === name) return other[1];
        }
      }
    }
    return Object.hasOwn(notFunctions, name) ? notFunctions[name] : undefined;
  }

  #unknown(name: string, at: Position | undefined): UserError {
    const upper = name.toUpperCase();
    const elsewhere = this.#calledElsewhere(upper);
    const near = closest(
      upper,
      this.list().map((known) => known.name),
    );
    return new UserError('SQL_UNKNOWN_FUNCTION', `there is no function called "${name}"`, {
      at,
      hint:
        elsewhere !== undefined
          ? `Use ${elsewhere}.`
          : near !== undefined
            ? `Did you mean "${near}"?`
            : 'SHOW FUNCTIONS lists them all.',
    });
  }
}

const addOverloads = <D extends FunctionDefinition>(
  entries: Entries<D>,
  { name, version }: LoadedModule,
  definition: D,
): void => {
  for (const signature of definition.signatures) {
    const entry = entries.get(signature.name) ?? { category: name, overloads: [], module: name };
    entries.set(signature.name, entry);
    entry.overloads.push({ signature, definition, module: { name, version } });
  }
};

const overloadsOf = ({ name, version, functions }: LoadedModule): readonly Overload[] =>
  functions.flatMap((definition) =>
    definition.signatures.map((signature) => ({ signature, definition, module: { name, version } })),
  );

const conflict = (module: LoadedModule, why: string): UserError =>
  new UserError('FUNCTION_MODULE_CONFLICT', `the function module ${printModule(module)} (${module.url}): ${why}`);

const overloadOf = <D extends FunctionDefinition>(
  entries: Entries<D>,
  name: string,
  signature: string,
): Overload<D> => {
  const found = entries.get(name)?.overloads.find((overload) => overload.signature.text === signature);
  if (found !== undefined) return found;
  throw new UserError('SQL_UNKNOWN_FUNCTION', `this build has no function ${signature}`, {
    hint: 'The plan was made with other functions: register them before it is applied.',
  });
};

const otherKind = (module: ModuleId, signature: string): UserError =>
  missing(`in the module ${printModule(module)} ${signature} is a function of another kind`);

const missing = (sentence: string): UserError =>
  new UserError('FUNCTION_MODULE_MISSING', sentence, {
    hint: 'The query was made with its functions: load that version too, or create the query again.',
  });
