/** `docs/conformance.md`: how many cases run, pass, fail and are skipped, by reason. Written by `npm run conformance --
 *  DIR --update`. */

import type { Outcome } from './runner.ts';

export const conformanceReport = (outcomes: readonly Outcome[]): string => {
  const count = (result: Outcome['result']): number => outcomes.filter((one) => one.result === result).length;
  const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip')];
  return `# Conformance

How many of the published query cases of ksqlDB Millrace passes. A case is statements and records that go in, and the
records, or the rejection, that have to come out. The cases are not part of this repository; with a folder of them,
\`npm run conformance -- DIR\` runs them, and with \`--update\` it writes this page. A case that fails and is not in
[failing.txt](../test/conformance/failing.txt) fails the build.

| cases | run | pass | fail | skipped |
| ---: | ---: | ---: | ---: | ---: |
| ${outcomes.length} | ${passed + failed} | ${passed} | ${failed} | ${skipped} |

Of all cases ${percent(passed, outcomes.length)} pass${skipped === 0 ? '' : `; of those that run ${percent(passed, passed + failed)}`}.
${skipped === 0 ? '' : skippedCases(outcomes)}
## Failing

| cases | reason |
| ---: | --- |
${table(outcomes.filter(({ result }) => result === 'fail').map(({ why = '' }) => failureKind(why)))}

The cases of the list fail because of these rules; [differences.md](differences.md) has the reason of each that is on
purpose:

- EMIT FINAL sends every window that closes, however far time moves at once (five cases);
- a record of a stream join with GRACE PERIOD that comes after its window has closed is joined with none any more (two);
- the columns behind * over a join with PARTITION BY (one);
- the order of a map's entries (one), and arithmetic with NULL inside a lambda (one);
- statements that have several faults are refused for another one: a MAP with keys that are not STRING (two);
- a NULL of BYTES in PROTOBUF is read back as no bytes, as PROTOBUF defines it (one).
`;
};

const skippedCases = (outcomes: readonly Outcome[]): string => `
## Skipped

A case is skipped when it needs a server, or is for other versions of ksqlDB only
([the rules](../test/conformance/skip-rule.ts)).

| cases | reason |
| ---: | --- |
${table(outcomes.filter(({ result }) => result === 'skip').map(({ why = '' }) => why))}
`;

const percent = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`;

/** Failures by kind: an error's sentence is kept, a difference between values is one kind. */
const failureKind = (why: string): string => {
  const [first = ''] = why.split('\n');
  if (
    /^(?:rejected for something else|not rejected for the fault|the error does not name|nothing was rejected)/.test(
      first,
    )
  ) {
    return 'the rejection is for another fault, or missing';
  }
  return /^[A-Z]+_[A-Z_]+: /.test(first) ? first : 'the output differs';
};

const table = (reasons: readonly string[]): string => {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const rows = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  if (rows.length === 0) return '| 0 | none |';
  return rows.map(([reason, cases]) => `| ${cases} | ${reason.replaceAll('|', '\\|')} |`).join('\n');
};
