/**
 * `millrace repair`: lists what keeps queries of a data directory from starting, and repairs what its options name.
 *
 * It opens the directory itself, and so works only while no server does.
 */

import type { RepairFindings, RepairRequest } from '../millrace.ts';
import { exitCode, UsageFault } from './exit.ts';
import { reportFault } from './report.ts';
import { Terminal } from './terminal.ts';

export interface RepairOptions {
  readonly data: string;
  readonly resetQuery?: readonly string[];
  readonly acceptLoss?: readonly string[];
}

/** Gives the exit code: 0 when nothing is missing (any more), 3 when something is. */
export async function runRepair({ data, resetQuery = [], acceptLoss = [] }: RepairOptions): Promise<number> {
  const terminal = new Terminal(process.stdout, process.stderr);
  try {
    const { repair } = await import('../millrace.ts');
    const request: RepairRequest = { data, resetQueries: resetQuery, acceptLoss };
    const { done, left } = await repair(request);
    await terminal.write([...done, ...describe(left), ''].join('\n'));
    return left.queries.length + left.otherDamage.length === 0 ? exitCode.ok : exitCode.sql;
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: unknown };
    return reportFault(typeof hint === 'string' ? new UsageFault(message, hint) : error, terminal);
  }
}

function describe({ queries, otherDamage }: RepairFindings): readonly string[] {
  const lines: string[] = [];
  for (const { queryId, contradictions } of queries) {
    lines.push(`${queryId} cannot start:`);
    for (const { code, message, topic } of contradictions) lines.push(`  ${code}: ${message} (topic ${topic})`);
  }
  for (const { message, topic } of otherDamage) {
    lines.push(`Also damaged: ${message}${topic === undefined ? '' : ` (topic ${topic})`}`);
  }
  if (lines.length > 0) {
    lines.push(
      'Restore what is missing from a backup, or repeat this command with --reset-query QUERY (recompute it from its sources)',
      'or with --accept-loss TOPIC (go on without what is lost).',
    );
  } else lines.push('Nothing is missing: every query can start.');
  return lines;
}
