/** Time patterns, zones and casts of text to TIMESTAMP: what Java's DateTimeFormatter makes of them in ksqlDB.
 *  `failed`: the column is NULL. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EvaluationError } from '../../../sql/types/evaluation-error.ts';
import { parseTimestamp, printTimestamp } from '../../../sql/types/time/text.ts';
import type { Value } from '../../../sql/types/value.ts';
import { evaluate, faultOf } from '../evaluate/support.ts';

const failed = 'failed';

const valueOf = (sql: string): Value => {
  try {
    return evaluate(sql);
  } catch (error) {
    if (error instanceof EvaluationError) return failed;
    throw error;
  }
};

type Rule = readonly [expression: string, value: Value];

const rules = (name: string, table: readonly Rule[]): void => {
  describe(name, () => {
    test.each(table)('%s', (sql, wanted) => expect(valueOf(sql)).toEqual(wanted));
  });
};

rules('reading', [
  ["PARSE_TIMESTAMP('PM','a')", 64800000],
  ["PARSE_TIMESTAMP('AM','a')", 21600000],
  ["PARSE_TIMESTAMP('PM 30','a m')", 45000000],
  ["PARSE_TIMESTAMP('PM 30','a s')", 43230000],
  ["PARSE_TIMESTAMP('2020-01-01 PM','yyyy-MM-dd a')", 1577901600000],
  ["PARSE_TIMESTAMP('3 PM','h a')", 54000000],
  ["PARSE_TIMESTAMP('3 PM 15','h a H')", 54000000],
  ["PARSE_TIMESTAMP('3 PM 3','h a H')", failed],
  ["PARSE_TIMESTAMP('12','k')", 43200000],
  ["PARSE_TIMESTAMP('24','k')", 0],
  ["PARSE_TIMESTAMP('24','H')", 0],
  ["PARSE_TIMESTAMP('24:01','H:m')", failed],
  ["PARSE_TIMESTAMP('2020-01-01 24:00','yyyy-MM-dd HH:mm')", 1577923200000],
  ["PARSE_TIMESTAMP('2020-01 24:00','yyyy-MM HH:mm')", 1577836800000],
  ["PARSE_TIMESTAMP('0','h')", 0],
  ["PARSE_TIMESTAMP('13','h')", failed],
  ["PARSE_TIMESTAMP('0','k')", 0],
  ["PARSE_TIMESTAMP('5','h')", 18000000],
  ["PARSE_TIMESTAMP('12','h')", 0],
  ["PARSE_TIMESTAMP('75','m')", failed],
  ["PARSE_TIMESTAMP('30','m')", 1800000],
  ["PARSE_TIMESTAMP('30','s')", 30000],
  ["PARSE_TIMESTAMP('5','S')", 500],
  ["PARSE_TIMESTAMP('5','n')", 0],
  ["PARSE_TIMESTAMP('5000000','n')", 5],
  ["PARSE_TIMESTAMP('5000','A')", 5000],
  ["PARSE_TIMESTAMP('3600000 1','A H')", 3600000],
  ["PARSE_TIMESTAMP('3600000 2','A H')", failed],
  ["PARSE_TIMESTAMP('5000000000','N')", 5000],
  ["PARSE_TIMESTAMP('31','d')", 2592000000],
  ["PARSE_TIMESTAMP('30-02','d-M')", failed],
  ["PARSE_TIMESTAMP('31-02-2020','d-M-yyyy')", 1582934400000],
  ["PARSE_TIMESTAMP('32-02-2020','d-M-yyyy')", failed],
  ["PARSE_TIMESTAMP('366','D')", failed],
  ["PARSE_TIMESTAMP('365','D')", 31449600000],
  ["PARSE_TIMESTAMP('2020 366','yyyy D')", 1609372800000],
  ["PARSE_TIMESTAMP('2021 366','yyyy D')", failed],
  ["PARSE_TIMESTAMP('0','D')", failed],
  ["PARSE_TIMESTAMP('Mon','E')", -259200000],
  ["PARSE_TIMESTAMP('Thu','E')", 0],
  ["PARSE_TIMESTAMP('Sun','E')", 259200000],
  ["PARSE_TIMESTAMP('Mon 5','E d')", -2332800000],
  ["PARSE_TIMESTAMP('Mon 5 3','E d M')", 3024000000],
  ["PARSE_TIMESTAMP('Mon 2020','E yyyy')", 1577664000000],
  ["PARSE_TIMESTAMP('2020-05-11 Mon','yyyy-MM-dd E')", 1589155200000],
  ["PARSE_TIMESTAMP('2020-05-11 Tue','yyyy-MM-dd E')", failed],
  ["PARSE_TIMESTAMP('2020-05-11 2','yyyy-MM-dd Q')", 1589155200000],
  ["PARSE_TIMESTAMP('2020-05-11 3','yyyy-MM-dd Q')", failed],
  ["PARSE_TIMESTAMP('5 3','M Q')", 10368000000],
  ["PARSE_TIMESTAMP('2020 BC','yyyy G')", -125880652800000],
  ["PARSE_TIMESTAMP('2020 AD','yyyy G')", 1577836800000],
  ["PARSE_TIMESTAMP('2020-03-04 BC','yyyy-MM-dd G')", -125875296000000],
  ["PARSE_TIMESTAMP('BC','G')", -124302816000000],
  ["PARSE_TIMESTAMP('-2020','uuuu')", -125912275200000],
  ["PARSE_TIMESTAMP('-2020','yyyy')", failed],
  ["PARSE_TIMESTAMP('0000','yyyy')", failed],
  ["PARSE_TIMESTAMP('0000','uuuu')", -62167219200000],
  ["PARSE_TIMESTAMP('+12020','uuuu')", 317147356800000],
  ["PARSE_TIMESTAMP('12020','uuuu')", failed],
  ["PARSE_TIMESTAMP('+2020','uuuu')", failed],
  ["PARSE_TIMESTAMP('12020','u')", 317147356800000],
  ["PARSE_TIMESTAMP('+2020','u')", failed],
  ["PARSE_TIMESTAMP('20','yy')", 1577836800000],
  ["PARSE_TIMESTAMP('2020','yy')", failed],
  ["PARSE_TIMESTAMP('99','uu')", 4070908800000],
  ["PARSE_TIMESTAMP('2020 20','yyyy yy')", 1577836800000],
  ["PARSE_TIMESTAMP('2020 21','yyyy yy')", failed],
  ["PARSE_TIMESTAMP('2020 2020','yyyy uuuu')", 1577836800000],
  ["PARSE_TIMESTAMP('2020 2021','yyyy uuuu')", failed],
  // Two offsets that differ; a region beside an offset counts.
  ["PARSE_TIMESTAMP('2020-01-01 +0100 +02','yyyy-MM-dd xx X')", failed],
  ["PARSE_TIMESTAMP('2020-01-01 +0100 +01','yyyy-MM-dd xx X')", 1577833200000],
  ["PARSE_TIMESTAMP('2020-01-01 +0100 +02','yyyy-MM-dd xx[ XXX][ X]')", failed],
  ["PARSE_TIMESTAMP('2020-01-01 +0100 UTC','yyyy-MM-dd xx VV')", 1577836800000],
  ["PARSE_TIMESTAMP('2020-01-01 Europe/Berlin +05:00','yyyy-MM-dd VV XXX')", 1577833200000],
  ["PARSE_TIMESTAMP('+02','X')", -7200000],
  ["PARSE_TIMESTAMP('1970-01-01 00 +02','yyyy-MM-dd HH X')", -7200000],
  ["PARSE_TIMESTAMP('Z','X')", 0],
  ["PARSE_TIMESTAMP('z','X')", 0],
  ["PARSE_TIMESTAMP('+00','x')", 0],
  ["PARSE_TIMESTAMP('Z','x')", failed],
  ["PARSE_TIMESTAMP('+0200','Z')", -7200000],
  ["PARSE_TIMESTAMP('+02:00','ZZZZZ')", -7200000],
  ["PARSE_TIMESTAMP('GMT+2','O')", -7200000],
  ["PARSE_TIMESTAMP('GMT+02:00','OOOO')", -7200000],
  ["PARSE_TIMESTAMP('GMT','O')", 0],
  ["PARSE_TIMESTAMP('GMT+2:30','O')", -9000000],
  ["PARSE_TIMESTAMP('UTC','z')", 0],
  ["PARSE_TIMESTAMP('PST','z')", 28800000],
  ["PARSE_TIMESTAMP('PDT','z')", 28800000],
  ["PARSE_TIMESTAMP('2020-07-01 CET','yyyy-MM-dd z')", 1593554400000],
  ["PARSE_TIMESTAMP('2020-07-01 Europe/Berlin','yyyy-MM-dd z')", 1593554400000],
  ["PARSE_TIMESTAMP('2020-07-01 Europe/Berlin','yyyy-MM-dd VV')", 1593554400000],
  ["PARSE_TIMESTAMP('2020-07-01 +01:00','yyyy-MM-dd VV')", 1593558000000],
  ["PARSE_TIMESTAMP('2020-07-01 Z','yyyy-MM-dd VV')", 1593561600000],
  ["PARSE_TIMESTAMP('2021-03-28 02:30','yyyy-MM-dd HH:mm','Europe/Berlin')", 1616895000000],
  ["PARSE_TIMESTAMP('2021-10-31 02:30','yyyy-MM-dd HH:mm','Europe/Berlin')", 1635640200000],
  ["PARSE_TIMESTAMP('2021-03-28 02:30 Europe/Berlin','yyyy-MM-dd HH:mm VV')", 1616895000000],
  ["PARSE_TIMESTAMP('2021-10-31 02:30 Europe/Berlin','yyyy-MM-dd HH:mm VV')", 1635640200000],
  ["PARSE_TIMESTAMP('  5','pppd')", 345600000],
  ["PARSE_TIMESTAMP('5','pppd')", failed],
  ["PARSE_TIMESTAMP('20200511','yyyyMMdd')", 1589155200000],
  ["PARSE_TIMESTAMP('202005111234','yyyyMMddHHmm')", 1589200440000],
  ["PARSE_TIMESTAMP('+120200511','yyyyMMdd')", 317158675200000],
  ["PARSE_TIMESTAMP('20200511123456789','yyyyMMddHHmmssSSS')", 1589200496789],
  ["PARSE_TIMESTAMP('123','Hmm')", 4980000],
  ["PARSE_TIMESTAMP('1234','Hmm')", 45240000],
  ["PARSE_TIMESTAMP('12','Hm')", failed],
  ["PARSE_TIMESTAMP('2020-05-11','yyyy-MM-dd[ HH:mm]')", 1589155200000],
  ["PARSE_TIMESTAMP('2020-05-11 1','yyyy-MM-dd[ HH:mm][ H]')", 1589158800000],
  ["PARSE_TIMESTAMP('2020-05-11 12','[yyyy-MM-dd HH:mm][yyyy-MM-dd HH]')", 1589198400000],
  ["PARSE_TIMESTAMP('may 5 2020','MMM d yyyy')", 1588636800000],
  ["PARSE_TIMESTAMP('MAY 5 2020','LLL d yyyy')", 1588636800000],
  ["PARSE_TIMESTAMP('Q2 2020','QQQ yyyy')", 1577836800000],
  ["PARSE_TIMESTAMP('x''y','''x''''''''y''')", failed],
  ["STRINGTODATE('2020-01-01 10','yyyy-MM-dd HH')", 18262],
  ["STRINGTODATE('2020-01','yyyy-MM')", failed],
  ["STRINGTODATE('2020-02-30','yyyy-MM-dd')", 18321],
  ["STRINGTODATE('2020-02-28 24:00','yyyy-MM-dd HH:mm')", 18321],
  ["PARSE_TIMESTAMP('2020-07-01 UTC+1', 'yyyy-MM-dd VV')", failed],
  ["PARSE_TIMESTAMP('2020-07-01 europe/berlin', 'yyyy-MM-dd VV')", 1593554400000],
  ["PARSE_TIMESTAMP('2020-07-01 utc+01:00', 'yyyy-MM-dd VV')", 1593558000000],
  ["PARSE_TIMESTAMP('GMT-048000', 'z-SSSSSS')", 48],
  ["PARSE_TIMESTAMP('Etc/GMT+5 00', 'VV H')", 18000000],
  // ksqlDB cannot read long names: its parsers have no language.
  ["PARSE_TIMESTAMP('Monday, 11 May 2020', 'EEEE, d MMMM yyyy')", 1589155200000],
]);

rules('writing', [
  [
    "FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'G GGGG GGGGG Q QQ QQQ QQQQ QQQQQ')",
    'AD Anno Domini A 2 02 Q2 2nd quarter 2',
  ],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1609459200000),'w ww W F e Y YY YYYY D g')", '1 01 1 1 6 2021 21 2021 1 59215'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1577836799999),'w W Y')", '1 5 2020'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1483228799999),'w W Y')", '53 5 2016'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1483228800000),'w W Y')", '1 1 2017'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0),'B a K k h H n N A S SSSSSSSSS')", 'midnight AM 0 24 12 0 0 0 0 0 000000000'],
  [
    "FORMAT_TIMESTAMP(FROM_UNIXTIME(1),'n N A S SSS SSSSSSSSS nnnnnnnnnn')",
    '1000000 1000000 1 0 001 001000000 0001000000',
  ],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'ppppH pppMMM')", '  21 May'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'pMMM')", failed],
  [
    "FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz v vvvv VV O OOOO X XX XXX XXXX XXXXX x xx xxx Z ZZZZ ZZZZZ','America/Los_Angeles')",
    'PDT Pacific Daylight Time PT Pacific Time America/Los_Angeles GMT-7 GMT-07:00 -07 -0700 -07:00 -0700 -07:00 -07 -0700 -07:00 -0700 GMT-07:00 -07:00',
  ],
  [
    "FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz v vvvv VV O OOOO X XX XXX XXXX XXXXX x xx xxx Z ZZZZ ZZZZZ','Europe/Berlin')",
    'CEST Central European Summer Time CET Central European Time Europe/Berlin GMT+2 GMT+02:00 +02 +0200 +02:00 +0200 +02:00 +02 +0200 +02:00 +0200 GMT+02:00 +02:00',
  ],
  [
    "FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','Asia/Kolkata')",
    'IST India Standard Time Asia/Kolkata GMT+5:30',
  ],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','+05:30')", '+05:30 +05:30 +05:30 GMT+5:30'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','UTC+5')", 'UTC+05:00 UTC+05:00 UTC+05:00 GMT+5'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','Z')", 'Z Z Z GMT'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','UTC')", 'UTC Coordinated Universal Time UTC GMT'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','GMT')", 'GMT Greenwich Mean Time GMT GMT'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z zzzz VV O','Etc/GMT+5')", 'GMT-05:00 GMT-05:00 Etc/GMT+5 GMT-5'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z','Asia/Calcutta')", 'IST'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'VV','US/Pacific')", 'US/Pacific'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'z','+1')", '+01:00'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'XXX','+18')", '+18:00'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250),'XXXXX','-07:52:58')", '-07:52:58'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(-62135596800000),'y u yyyy uuuu yy G')", '1 1 0001 0001 01 AD'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(-62135596800001),'y u yyyy uuuu yy uu G')", '1 0 0001 0000 01 00 BC'],
  [
    "FORMAT_TIMESTAMP(FROM_UNIXTIME(-3000000000000),'XXXXX xx z O Z','America/Los_Angeles')",
    '-07:52:58 -0752 PST GMT-7:52:58 -0752',
  ],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(8640000000000000),'yyyy-MM-dd HH:mm','Europe/Berlin')", '+275760-09-13 02:00'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(9007199254740991),'yyyy-MM-dd HH:mm','Europe/Berlin')", '+287396-10-12 10:59'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(-9007199254740991),'yyyy-MM-dd HH:mm','Europe/Berlin')", '+283458-03-21 15:54'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0),'')", ''],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0),'[yyyy')", '1970'],
  ["DATETOSTRING(3,'yyyy-MM-dd')", '1970-01-04'],
  ["DATETOSTRING(3,'E')", 'Sun'],
  ["TIMESTAMPTOSTRING(0,'VV z')", 'UTC UTC'],
  ["CONVERT_TZ(FROM_UNIXTIME(0),'UTC','+01:00')", 3600000],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1583020800000), 'z', 'Pacific/Apia')", 'WSDT'],
  // As Java 19 and later count: in sevens from the first of the month.
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(1589234313250), 'F')", '2'],
]);

rules('casts', [
  ["CAST('2020' AS TIMESTAMP)", 1577836800000],
  ["CAST('2020-' AS TIMESTAMP)", failed],
  ["CAST('20200' AS TIMESTAMP)", failed],
  ["CAST('+20200' AS TIMESTAMP)", 575283254400000],
  ["CAST('+2020' AS TIMESTAMP)", failed],
  ["CAST('-2020' AS TIMESTAMP)", failed],
  ["CAST('202' AS TIMESTAMP)", failed],
  ["CAST('2020-1-1' AS TIMESTAMP)", failed],
  ["CAST('2020-02-30' AS TIMESTAMP)", 1582934400000],
  ["CAST('2020-02-32' AS TIMESTAMP)", failed],
  ["CAST('2020-04-31T10' AS TIMESTAMP)", 1588240800000],
  ["CAST('2020-01T10' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01T' AS TIMESTAMP)", 1577836800000],
  ["CAST('2020-01-01T1' AS TIMESTAMP)", 1577872800000],
  ["CAST('2020-01-01T10:' AS TIMESTAMP)", 1577872800000],
  ["CAST('2020-01-01T10:3' AS TIMESTAMP)", 1577874600000],
  ["CAST('2020-01-01T10:30:15.' AS TIMESTAMP)", 1577874615000],
  ["CAST('2020-01-01T10:30:15.5' AS TIMESTAMP)", 1577874615500],
  ["CAST('2020-01-01T10:30:15.5555' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01T24' AS TIMESTAMP)", 1577923200000],
  ["CAST('2020-01-01T24:00:00.000Z' AS TIMESTAMP)", 1577923200000],
  ["CAST('2020-01-01T24:00:00.001' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01T10Z' AS TIMESTAMP)", 1577872800000],
  ["CAST('2020-01-01TZ' AS TIMESTAMP)", 1577836800000],
  ["CAST('2020-01-01T10z' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01T10+1' AS TIMESTAMP)", 1577869200000],
  ["CAST('2020-01-01T10+01:00' AS TIMESTAMP)", 1577869200000],
  ["CAST('2020-01-01T10-0100' AS TIMESTAMP)", 1577876400000],
  ["CAST('2020-01-01T10Z+01:00' AS TIMESTAMP)", 1577869200000],
  ["CAST('2020-01-01T10+19' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01t10' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01 10:00' AS TIMESTAMP)", failed],
  ["CAST(' 2020-01-01 ' AS TIMESTAMP)", 1577836800000],
  ["CAST('2020-01-01Z' AS TIMESTAMP)", failed],
  ["CAST('2020-01-01T10:00:00.000 ' AS TIMESTAMP)", 1577872800000],
  ["CAST('0000-01-01' AS TIMESTAMP)", failed],
  ["CAST('0001-01-01' AS TIMESTAMP)", -62135596800000],
  ['CAST(FROM_UNIXTIME(-62135596800001) AS STRING)', '0001-12-31T23:59:59.999'],
  ['CAST(FROM_UNIXTIME(253402300800000) AS STRING)', '+10000-01-01T00:00:00.000'],
]);

test.each([
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'R')", 'mean nothing'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'aa')", 'mean nothing'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy]')", 'closes a bracket that is not open'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'yyyy''')", 'has a quote that is not closed'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), '{')", 'which is reserved'],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'z', 'PST')", "there is no time zone called 'PST'"],
  ["FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'z', 'europe/berlin')", "there is no time zone called 'europe/berlin'"],
  ["CONVERT_TZ(FROM_UNIXTIME(0), 'UTC', '+19')", "there is no time zone called '+19'"],
  ["PARSE_TIMESTAMP('2020-1', 'YYYY-w')", 'is only for writing'],
  ["PARSE_TIMESTAMP('M', 'MMMMM')", 'is only for writing'],
  ["DATETOSTRING(3, 'HH')", 'names a time or a zone'],
  ["EXTRACTJSONFIELD('{}', 'a')", "the JSON path 'a' is not of the form $.name[0]"],
])('the constants of %s are refused before the query runs', (sql, why) => {
  const fault = faultOf(() => evaluate(sql));
  expect(fault).toContain('SQL_BAD_CONSTANT');
  expect(fault).toContain(why);
});

test('a pattern that comes with the row fails that row', () => {
  expect(valueOf("FORMAT_TIMESTAMP(FROM_UNIXTIME(0), 'R' || '')")).toBe(failed);
  expect(valueOf("PARSE_TIMESTAMP('1', 'y', 'Nowhere' || '')")).toBe(failed);
});

test('every TIMESTAMP of our era prints as text that stands for it', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: Number.MAX_SAFE_INTEGER }), (ms) => {
      expect(parseTimestamp(printTimestamp(ms))).toBe(ms);
      if (ms < 253_402_300_800_000) expect(printTimestamp(ms)).toBe(new Date(ms).toISOString().slice(0, -1));
    }),
  );
});

test('what Date cannot hold is printed too', () => {
  expect(printTimestamp(Number.MAX_SAFE_INTEGER)).toBe('+287396-10-12T08:59:00.991');
  expect(printTimestamp(-1e15)).toBe('+29720-04-05T22:13:20.000');
});
