/**
 * The functions that are built in, by family. A new function is an entry in its family's file and needs no line here.
 *
 * `builtInFunctions()` makes a registry of its own for each caller, who may add functions to it.
 */

import { attr, collectList, collectSet, histogram, topK, topKDistinct, topKRows } from './aggregates/collections.ts';
import { max, min } from './aggregates/extremes.ts';
import { earliestByOffset, latestByOffset } from './aggregates/offsets.ts';
import { correlation, stddevSamp, stddevSample, sumList } from './aggregates/statistics.ts';
import { avg, count, sum } from './aggregates/sums.ts';
import { collections } from './collections.ts';
import { encoding } from './encoding.ts';
import { geo } from './geo.ts';
import { json } from './json.ts';
import { lambdas } from './lambda.ts';
import { math } from './math.ts';
import { nulls } from './nulls.ts';
import { type Family, FunctionRegistry } from './registry.ts';
import { strings } from './string.ts';
import { tables } from './table.ts';
import { time } from './time.ts';
import { url } from './url.ts';

export const families: readonly Family[] = [
  {
    category: 'AGGREGATE',
    functions: [
      count,
      sum,
      avg,
      min,
      max,
      earliestByOffset,
      latestByOffset,
      collectList,
      collectSet,
      topK,
      topKRows,
      topKDistinct,
      histogram,
      attr,
      stddevSamp,
      stddevSample,
      correlation,
      sumList,
    ],
  },
  tables,
  strings,
  math,
  nulls,
  time,
  collections,
  lambdas,
  json,
  url,
  geo,
  encoding,
];

export const builtInFunctions = (): FunctionRegistry => new FunctionRegistry(families);
