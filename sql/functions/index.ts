/**
 * The functions that are built in, by family. A new function, an aggregate too, is an entry in its family's file and
 * needs no line here; an aggregate that its family's list leaves out does not compile.
 *
 * `builtInFunctions()` makes a registry of its own for each caller, who may add functions to it.
 */

import { collectionAggregates } from './aggregates/collections.ts';
import { extremeAggregates } from './aggregates/extremes.ts';
import { offsetAggregates } from './aggregates/offsets.ts';
import { statisticAggregates } from './aggregates/statistics.ts';
import { sumAggregates } from './aggregates/sums.ts';
import { bytes, conversions } from './bytes.ts';
import { arrays, maps } from './collections.ts';
import { encoding } from './encoding.ts';
import { geo } from './geo.ts';
import { json } from './json.ts';
import { lambdas } from './lambda.ts';
import { math } from './math.ts';
import { keys, nulls } from './nulls.ts';
import { regularExpressions } from './regexp.ts';
import { type Family, FunctionRegistry } from './registry.ts';
import { strings } from './string.ts';
import { tables } from './table.ts';
import { time } from './time.ts';
import { url } from './url.ts';

export const families: readonly Family[] = [
  {
    category: 'AGGREGATE',
    functions: [
      ...sumAggregates,
      ...extremeAggregates,
      ...offsetAggregates,
      ...collectionAggregates,
      ...statisticAggregates,
    ],
  },
  tables,
  strings,
  encoding,
  bytes,
  conversions,
  regularExpressions,
  math,
  nulls,
  time,
  arrays,
  maps,
  lambdas,
  json,
  url,
  keys,
  geo,
];

export const builtInFunctions = (): FunctionRegistry => new FunctionRegistry(families);
