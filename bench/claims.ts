/** Every claim, in the order of the report. */

import { alikeQueries } from './alike-queries.ts';
import { avroFilterProject } from './avro-filter-project.ts';
import type { Claim } from './claim.ts';
import { countSum } from './count-sum.ts';
import { countSumCached } from './count-sum-cached.ts';
import { delimitedFilterProject } from './delimited-filter-project.ts';
import { explode } from './explode.ts';
import { filterProject } from './filter-project.ts';
import { foreignKeyJoin } from './foreign-key-join.ts';
import { hoppingSum } from './hopping-sum.ts';
import { housekeeping } from './housekeeping.ts';
import { hundredQueries } from './hundred-queries.ts';
import { idleRss } from './idle-rss.ts';
import { insert } from './insert.ts';
import { jsonValues } from './json-values.ts';
import { lambda } from './lambda.ts';
import { latency } from './latency.ts';
import { originTimes } from './origin-times.ts';
import { protobufFilterProject } from './protobuf-filter-project.ts';
import { restart } from './restart.ts';
import { restore } from './restore.ts';
import { sessionWindows } from './session-windows.ts';
import { spill } from './spill.ts';
import { start } from './start.ts';
import { storeRange } from './store-range.ts';
import { streamStreamJoin } from './stream-stream-join.ts';
import { streamStreamJoinSql } from './stream-stream-join-sql.ts';
import { streamTableJoin } from './stream-table-join.ts';
import { streamsRestart } from './streams-restart.ts';
import { suppress } from './suppress.ts';
import { tableTableJoin } from './table-table-join.ts';
import { tumblingSum } from './tumbling-sum.ts';
import { twoWorkers } from './two-workers.ts';
import { wordCount } from './word-count.ts';

export const claims: readonly Claim[] = [
  filterProject,
  delimitedFilterProject,
  avroFilterProject,
  protobufFilterProject,
  explode,
  lambda,
  countSum,
  countSumCached,
  housekeeping,
  tumblingSum,
  hoppingSum,
  sessionWindows,
  suppress,
  streamTableJoin,
  streamStreamJoin,
  streamStreamJoinSql,
  tableTableJoin,
  foreignKeyJoin,
  wordCount,
  storeRange,
  jsonValues,
  originTimes,
  twoWorkers,
  hundredQueries,
  alikeQueries,
  insert,
  latency,
  start,
  restart,
  streamsRestart,
  restore,
  spill,
  idleRss,
];
