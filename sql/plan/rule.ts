/** What a rewrite rule of the logical plan is. */

import type { LogicalNode } from '../analyze/logical.ts';
import type { SourceCatalog } from '../analyze/sources.ts';

/** What a rule may use besides the plan. */
export interface RuleContext {
  /** The sources as they are when the query is planned. */
  readonly catalog: SourceCatalog;
}

export interface Rule {
  /** Shown by EXPLAIN, as in `Rewritten by push down filter`. */
  readonly name: string;
  /** A plan that delivers the same rows under the same schema; pure. A plan that the rule has nothing to do with comes
   *  back as it is. */
  rewrite(plan: LogicalNode, context: RuleContext): LogicalNode;
}
