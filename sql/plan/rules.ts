/** The rewrites of the logical plan, in the order in which they are applied, once each. */

import type { LogicalNode } from './logical.ts';
import { foldConstants } from './rules/fold-constants.ts';
import { pruneColumns } from './rules/prune-columns.ts';
import { pushDownFilter } from './rules/push-down-filter.ts';

export type Rule = (plan: LogicalNode) => LogicalNode;

export const rules: readonly Rule[] = [foldConstants, pushDownFilter, pruneColumns];

export const applyRules = (plan: LogicalNode): LogicalNode => rules.reduce((rewritten, rule) => rule(rewritten), plan);
