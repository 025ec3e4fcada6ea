/**
 * What two ways of running the same statements over the same records have to have in common. Nothing here depends on
 * what the right result is: each check compares the results of two runs.
 *
 * | check           | one run                           | the other                                         |
 * | --------------- | --------------------------------- | ------------------------------------------------- |
 * | rules           | plans rewritten by the rules      | plans as they were analyzed                       |
 * | plain           | generated code                    | its plain forms                                   |
 * | partitions      | one partition                     | three: the same records for each key, in order    |
 * | batches         | a record at a time                | many at a time                                    |
 * | where           | a query without its WHERE         | the queries WHERE p, NOT p and p IS NULL          |
 * | insert          | two queries that write one stream | each of them alone                                |
 * | late            | a record at a time                | a query that starts when its topics are full      |
 * | restart         | without a pause                   | stopped and started again in the middle           |
 * | restore         | without a pause                   | the same, with its state restored from changelogs |
 * | pulls           | a pull query                      | the same without rules, without generated code;   |
 * |                 |                                   | queries that are made of it (`pulls/`)            |
 * | pull-partitions | a pull query on one partition     | the same on three                                 |
 *
 * The first six run in the test driver, the others in the engine, on a log in memory.
 */

import { batches } from './batches.ts';
import type { Check } from './case.ts';
import { insert } from './insert.ts';
import { late } from './late.ts';
import { partitions } from './partitions.ts';
import { plain } from './plain.ts';
import { pullPartitions } from './pulls/pull-partitions.ts';
import { pulls } from './pulls/pulls.ts';
import { restart, restore } from './restart.ts';
import { rules } from './rules.ts';
import { where } from './where.ts';

export const checks: Readonly<Record<string, Check>> = {
  rules,
  plain,
  partitions,
  batches,
  where,
  insert,
  late,
  restart,
  restore,
  pulls,
  'pull-partitions': pullPartitions,
};
