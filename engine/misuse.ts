/** What code of a user asks of its context or its stores, and cannot have: a failure of the record in hand, as anything
 *  else that it throws (`processing-error.ts`). */

import { UserError } from '../base/index.ts';

export class ProcessorMisuse extends UserError {}
