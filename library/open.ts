/** Opens a data directory. Everything native is injected here: files, clock, checksums, LevelDB, threads. The layers
 *  below use interfaces only. */

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { GuardedThread, installNative, systemClock, systemRandom } from '../base/node/index.ts';
import { isPassingShard, Runtime } from '../engine/index.ts';
import { type LaunchedThreads, workerThreads } from '../engine/runtime/worker.ts';
import { openLevelShard } from '../engine/stores/level-store.ts';
import {
  answerSchemas,
  builtInFunctions,
  callMsOf,
  describeCall,
  HttpRegistry,
  heapMbOf,
  LocalRegistry,
  loadGivenModules,
  openSqlEngine,
  registryPlaceOf,
  TopicStore,
} from '../sql/index.ts';
import type { FileLog } from '../storage/file-log/index.ts';
import { instanceIdIn, openLog } from './data-directory.ts';
import { describeEvent } from './events.ts';
import type { Millrace } from './interface.ts';
import { launchThreads, workerBuilder } from './launch.ts';
import { type LoadModules, OpenMillrace } from './open-millrace.ts';
import { checkedOptions, type OpenOptions } from './options.ts';

/** Where records go that a query had to leave out: one JSON row each, written in the query's own transaction. */
export const PROCESSING_LOG_TOPIC = 'millrace_processing_log';

/** Rows about dropped records are kept for a week, the newest GiB of them at most. */
const processingLogConfigs = { 'retention.ms': '604800000', 'retention.bytes': '1073741824' };

/** The module that answers in the guarded thread. */
const moduleService = import.meta.resolve(
  import.meta.url.endsWith('.ts') ? '../sql/functions/module-service.ts' : '../sql/functions/module-service.js',
);

/** Rejects with a `UserError` when options make no sense, and when the directory cannot be used: DATA_DIR_LOCKED,
 *  DATA_DIR_NEWER, DATA_DIR_UNREADABLE. */
export const open = (options: OpenOptions): Promise<Millrace> => openWith(options);

/** As `open`, with threads that were launched for this directory before; they are ended where it fails. */
export const openWith = async (options: OpenOptions, threads?: LaunchedThreads): Promise<Millrace> => {
  installNative();
  let launched = threads;
  let guarded: GuardedThread | undefined;
  let log: FileLog | undefined;
  try {
    const { workers, stateMemoryBytes } = checkedOptions(options);
    const { data, commitIntervalMs } = options;
    const directory = resolve(data);
    const { place, properties } = registryPlaceOf(options.schemaRegistry, options.properties);
    const functions = builtInFunctions();
    const { functionLimits } = options;
    guarded = functionLimits && new GuardedThread({ handler: moduleService, heapMb: heapMbOf(functionLimits) });
    const thread = guarded;
    const loadModules: LoadModules = (given) =>
      loadGivenModules({
        given,
        workers,
        limits: functionLimits,
        thread,
        urlOfPath: (path) => pathToFileURL(resolve(path)).href,
      });
    for (const module of await loadModules(options.functions ?? [])) functions.addModule(module);
    const random = systemRandom();
    const state = join(directory, 'state');
    launched ??= launchThreads(directory, workers, functionLimits && heapMbOf(functionLimits));
    log = await openLog(directory, random);
    if ((await log.describeTopic(PROCESSING_LOG_TOPIC)) === undefined)
      await log.createTopic({ name: PROCESSING_LOG_TOPIC, partitions: 1, configs: processingLogConfigs });
    mkdirSync(state, { recursive: true });
    for (const name of readdirSync(state)) {
      // Copies of what is in the changelogs, of which a start makes no use.
      if (isPassingShard(Number(/^shard-(\d+)$/.exec(name)?.[1] ?? -1))) rmSync(join(state, name), { recursive: true });
    }
    const registry =
      place === undefined
        ? new LocalRegistry(new TopicStore(log, () => systemClock.now()))
        : new HttpRegistry({ ...place, fetch, timers: systemClock });
    /** A worker's end of a channel over which it asks for schemas. */
    const builderPort = (): MessagePort => {
      const { port1, port2 } = new MessageChannel();
      answerSchemas(port1, (id) => registry.byId(id));
      // A channel that waits is no reason for the process to go on.
      port1.unref();
      return port2;
    };
    const runtime = new Runtime({
      log,
      clock: systemClock,
      timers: systemClock,
      random,
      instanceId: instanceIdIn(state, random),
      soon: setImmediate,
      openShard: (shard, onDamage) => openLevelShard(state, shard, { onDamage }),
      processingLog: PROCESSING_LOG_TOPIC,
      onEvent: (event) => options.onEvent?.(describeEvent(event)),
      workers: workerThreads({
        count: workers,
        log,
        state,
        builder: workerBuilder,
        builderPort,
        launched,
        ...(functionLimits && {
          heapMb: heapMbOf(functionLimits),
          userCalls: {
            limitMs: callMsOf(functionLimits),
            describe: (call) => describeCall(functions.modules(), call),
          },
        }),
      }),
      limits: { stateBytes: stateMemoryBytes, ...(commitIntervalMs === undefined ? {} : { commitIntervalMs }) },
    });
    const engine = await openSqlEngine({
      log,
      runtime,
      clock: systemClock,
      timers: systemClock,
      random,
      functions,
      registry,
      settings: properties,
      ...(options.push === undefined ? {} : { push: options.push }),
    });
    return new OpenMillrace(directory, log, runtime, engine, { launched, guarded }, loadModules);
  } catch (error) {
    await launched?.end();
    await guarded?.end();
    await log?.close();
    throw error;
  }
};
