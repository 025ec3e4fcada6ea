import { systemClock } from '../../base/node/index.ts';
import { openDelayedLog, openMemoryLog } from '../../storage/index.ts';
import { logSuite } from './conformance/log-suite.ts';

logSuite('memory', async () => ({ log: await openMemoryLog({ clock: systemClock, timers: systemClock }) }));

logSuite('delayed', async () => ({ log: await openDelayedLog({ timers: systemClock, seed: 7, maxDelayMs: 1 }) }));
