/**
 * sql: the language. Text comes in, statements are checked, planned and logged; what leaves are topologies for the
 * engine, rows, and errors that say what is wrong and where.
 *
 * The way of a query, in steps that all print themselves (EXPLAIN shows them): text -> tokens -> tree (`parser/`) ->
 * scope and types (`analyze/`) -> logical plan -> rules -> physical plan (`plan/`) -> topology (`compile/`). Statements
 * are one file each (`statements/`), the catalog is what they add up to (`catalog.ts`), a session plans a request in a
 * sandbox (`session.ts`), the statement log keeps what was decided (`statement-log.ts`). Read `facade.ts` first: it is
 * the interface that the server and the library use; `engine.ts` implements it.
 */

export type { Source } from './analyze/sources.ts';
export { applicationIdOf, applicationPrefix } from './application-id.ts';
export { Catalog, type PersistentQuery } from './catalog.ts';
export { type CompileEnvironment } from './compile/environment.ts';
export { keyReader, keyWriter, windowBytesOf } from './compile/keys.ts';
export { recordWriter } from './compile/record-writer.ts';
export { ScanRegistry } from './compile/scan-view.ts';
export { compileTopology } from './compile/topology.ts';

export { openSqlEngine, type SqlEngineOptions } from './engine.ts';
export * from './facade.ts';
export {
  type Accumulator,
  type AggregateDeclaration,
  type AggregateDefinition,
  type Call,
  define,
  defineAggregate,
  defineTable,
  type FunctionContext,
  type FunctionDefinition,
  type Lambda,
  type ScalarDeclaration,
  type ScalarDefinition,
  type TableDeclaration,
  type TableDefinition,
} from './functions/define.ts';
export {
  callMsOf,
  describeCall,
  type FunctionLimits,
  heapMbOf,
  loadGivenModules,
} from './functions/given-modules.ts';
export { builtInFunctions } from './functions/index.ts';
export {
  type FunctionModule,
  type LoadedModule,
  loadModule,
  type ModuleId,
  printModule,
  readModule,
  type UserAggregate,
  type UserFunction,
  type UserScalarFunction,
  type UserTableFunction,
} from './functions/module.ts';
export type { FunctionRegistry } from './functions/registry.ts';
export { remoteModule } from './functions/remote-module.ts';
export type { ParsedStatement, Statement } from './parser/statements/index.ts';
export { type PhysicalPlan, printPlan, type Step, sourcesOf, writePlan } from './plan/plan.ts';
export { readPlan } from './plan/read-plan.ts';
export { checkNotInternal } from './queries/internal-topics.ts';
export { NumberText } from './queries/json-values.ts';
export { objectOf } from './queries/typed-values.ts';
export { answerApi, schemaMediaType } from './registry/http-api.ts';
export { HttpRegistry } from './registry/http-registry.ts';
export { LocalRegistry } from './registry/local-registry.ts';
export { answerSchemas } from './registry/port.ts';
export type { SchemaRegistry } from './registry/registry.ts';
export { type RegistryPlace, registryPlaceOf } from './registry/registry-place.ts';
export { TopicStore } from './registry/topic-store.ts';
export { type PlannedStatement, type PlanStatement, Session, type SessionOptions } from './session.ts';
export { isKnownProperty, knownProperties, Settings } from './settings.ts';
export { statementTopic } from './statement-log.ts';
export { applyCommand, type Command, type Planned } from './statements/index.ts';
export type { TopicInfo, Topics } from './statements/statement.ts';
export { readStoredSources, type StoredSource, type StoredSources } from './stored-sources.ts';
export { EvaluationError } from './types/evaluation-error.ts';
export type { ScalarType } from './types/kinds.ts';
export { definitionOf } from './types/scalars/index.ts';
export { type Column, printSchema, type Schema } from './types/schema.ts';
export type { Slots } from './types/slots.ts';
export { textOf } from './types/text.ts';
export { describeType, isScalar, printType, type SqlType, type TypeDescription } from './types/type.ts';
export { arrayValue, mapValue, type Row, type Value } from './types/value.ts';
