/**
 * Topologies as modules: how a thread gets a topology that is not its own.
 *
 * A closure cannot be given to another thread, so each thread loads the module and gets the topology from it: its
 * default export is a `Topology`, or a function that makes one, with or without a promise. The function is called once
 * in each thread, with the `config` of the application, and has to make the same topology each time. The module may
 * export `onError` besides, the policies for records that cannot be read, processed or written (`record-errors.ts`).
 *
 * A module is loaded once per thread and URL: another version of it takes another process.
 */

import { messageOf, UserError } from '../../base/index.ts';
import type { Topology } from '../topology.ts';
import type { RecordErrorPolicies } from './record-errors.ts';

export interface TopologyModule {
  /** A file URL. */
  readonly url: string;
  /** What the module's function is called with; copied to each thread. */
  readonly config: unknown;
  /** Of a topology with sources by pattern: the topics that it reads. */
  readonly topics?: readonly string[];
}

export interface LoadedTopology {
  readonly topology: Topology;
  readonly onError: RecordErrorPolicies;
}

/** What a function of a module may be called with, and how a default export may look. */
interface Exports {
  readonly default?: unknown;
  readonly onError?: unknown;
}

/** By shape: the module may have the class from another copy of this package. */
export const isTopology = (value: unknown): value is Topology =>
  typeof value === 'object' && value !== null && 'subTopologies' in value && typeof value.subTopologies === 'function';

const isPolicies = (value: unknown): value is RecordErrorPolicies => typeof value === 'object' && value !== null;

const invalid = (url: string, why: string, cause?: unknown): UserError =>
  new UserError('STREAMS_MODULE_INVALID', `the module ${url} ${why}`, {
    hint: 'Its default export is a topology, or a function that answers one: export default () => builder.build();',
    ...(cause !== undefined && { cause }),
  });

export const loadTopology = async ({ url, config, topics }: TopologyModule): Promise<LoadedTopology> => {
  let exported: Exports;
  try {
    exported = (await import(url)) as Exports;
  } catch (error) {
    throw invalid(url, `cannot be loaded: ${messageOf(error)}`, error);
  }
  let made = exported.default;
  if (typeof made === 'function') {
    try {
      made = await (made as (config: unknown) => unknown)(config);
    } catch (error) {
      throw invalid(url, `could not make its topology: ${messageOf(error)}`, error);
    }
  }
  if (!isTopology(made)) throw invalid(url, 'exports no topology');
  const { onError = {} } = exported;
  if (!isPolicies(onError)) throw invalid(url, 'exports an onError that is not an object');
  const topology = topics === undefined ? made : made.over(topics);
  // A template is validated when its topics are known.
  return { topology: topology.patterns.length > 0 && topics === undefined ? topology : topology.validate(), onError };
};
