/** The rewrites of the logical plan, in the order in which they are applied, once each. */

import { type LogicalNode, printLogical } from '../analyze/logical.ts';
import type { SourceCatalog } from '../analyze/sources.ts';
import type { Rule } from './rule.ts';
import { foldConstants } from './rules/fold-constants.ts';
import { pruneColumns } from './rules/prune-columns.ts';
import { pushDownFilter } from './rules/push-down-filter.ts';

export const rules: readonly Rule[] = [foldConstants, pushDownFilter, pruneColumns];

/** By what a plan is rewritten. */
export interface Rewriting {
  /** The sources as they are when the query is planned. */
  readonly catalog: SourceCatalog;
  /** All of them when left out. A test compares what a query gives with other ones, or with none. */
  readonly rules?: readonly Rule[] | undefined;
}

/** A plan after a rule. */
export interface RewriteStep {
  readonly rule: string;
  readonly plan: LogicalNode;
}

export interface Rewritten {
  readonly plan: LogicalNode;
  /** The plan after each rule, in order. */
  readonly trace: readonly RewriteStep[];
}

export const applyRules = (plan: LogicalNode, { catalog, rules: chosen = rules }: Rewriting): Rewritten => {
  const trace: RewriteStep[] = [];
  let rewritten = plan;
  for (const rule of chosen) {
    rewritten = rule.rewrite(rewritten, { catalog });
    trace.push({ rule: rule.name, plan: rewritten });
  }
  return { plan: rewritten, trace };
};

/** The trace as text: the plan after each rule that changed it, under the rule's name. */
export const printTrace = (plan: LogicalNode, trace: readonly RewriteStep[]): string => {
  const parts: string[] = [];
  let before = printLogical(plan);
  for (const step of trace) {
    const after = printLogical(step.plan);
    if (after !== before) parts.push(`Rewritten by ${step.rule}\n${after}`);
    before = after;
  }
  return parts.length === 0 ? 'Rewritten by no rule' : parts.join('\n\n');
};
