/** Functions on places on the globe, given by latitude and longitude in degrees. */

import { EvaluationError } from '../types/evaluation-error.ts';
import { define } from './define.ts';
import type { Family } from './registry.ts';

const kilometres = 6371;
const miles = 3959;
/** The radius of the globe by unit. A blank unit is kilometres. */
const radiusOf: ReadonlyMap<string, number> = new Map([
  ...['', 'km', 'kilometer', 'kilometers', 'kilometre', 'kilometres'].map((unit) => [unit, kilometres] as const),
  ...['mi', 'mile', 'miles'].map((unit) => [unit, miles] as const),
]);

const radians = (degrees: number, most: number): number => {
  if (Math.abs(degrees) <= most) return degrees * 0.017453292519943295;
  throw new EvaluationError(`${degrees} degrees are beyond ${most}`);
};

/** By the haversine formula, on a sphere. */
const distance = (lat1: number, lon1: number, lat2: number, lon2: number, unit: string | null = null): number => {
  const radius = radiusOf.get((unit ?? '').trim().toLowerCase());
  if (radius === undefined)
    throw new EvaluationError(`there is no unit of distance called '${unit}'; the units are KM and MILES`);
  const [a, b] = [radians(lat1, 90), radians(lat2, 90)];
  const across = Math.sin((radians(lon2, 180) - radians(lon1, 180)) / 2) ** 2;
  const along = Math.sin((b - a) / 2) ** 2;
  return 2 * radius * Math.asin(Math.min(1, Math.sqrt(along + Math.cos(a) * Math.cos(b) * across)));
};

export const geo: Family = {
  category: 'OTHER',
  functions: [
    define({
      signature: [
        'GEO_DISTANCE(DOUBLE, DOUBLE, DOUBLE, DOUBLE) -> DOUBLE',
        'GEO_DISTANCE(DOUBLE, DOUBLE, DOUBLE, DOUBLE, STRING) -> DOUBLE',
      ],
      doc: "The distance of two places, each latitude and longitude in degrees, in kilometres, or with 'MI' in miles.",
      nulls: 'own',
      examples: [
        ['GEO_DISTANCE(0, 0, 0, 0)', '0E0'],
        ["ROUND(GEO_DISTANCE(52.52E0, 13.405E0, 48.8566E0, 2.3522E0, 'KM'))", '877'],
        ['GEO_DISTANCE(0, 0, 0, NULL)', 'NULL'],
      ],
      body: (
        lat1: number | null,
        lon1: number | null,
        lat2: number | null,
        lon2: number | null,
        unit?: string | null,
      ) =>
        lat1 === null || lon1 === null || lat2 === null || lon2 === null
          ? null
          : distance(lat1, lon1, lat2, lon2, unit),
    }),
  ],
};
