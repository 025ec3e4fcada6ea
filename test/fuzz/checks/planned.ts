/** Statements as they were planned, with the schemas that they registered. */

import { WriterSchemas } from '../../../sql/formats/writer-schemas.ts';
import { builtInFunctions, type PhysicalPlan, type Session, type SessionOptions } from '../../../sql/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import { CaseSchemas } from '../../conformance/schemas.ts';
import { session } from '../../sql/support/planning.ts';
import type { Case } from './case.ts';

export const functions = builtInFunctions();

/** Statements as they were planned, ready to run. */
export class Planned {
  readonly plans: PhysicalPlan[] = [];
  readonly session: Session;
  readonly schemas: CaseSchemas;

  constructor(sources: string, rules?: SessionOptions['rules']) {
    this.schemas = new CaseSchemas({ topics: [], statements: [] });
    this.session = session({}, functions, { schemas: this.schemas, rules });
    this.add(sources);
  }

  /** Raises a `UserError` for what is refused. */
  add(text: string): void {
    for (const statement of parseStatements(text)) {
      const { planned } = this.session.plan(statement);
      if (planned.kind !== 'command') continue;
      const command = this.schemas.register(planned.command, planned.schemas ?? []);
      if (command !== planned.command && 'source' in command) this.session.catalog.add(command.source);
      if (command.kind === 'create-as' || command.kind === 'insert-as') this.plans.push(command.query.plan);
    }
  }

  /** Of its own for each run: formats keep what they have made of a schema by these. */
  writers(): WriterSchemas {
    const own = new WriterSchemas(() => Promise.resolve(undefined));
    for (let id = 1, known = this.schemas.byId(id); known !== undefined; known = this.schemas.byId(++id)) {
      own.add(known);
    }
    return own;
  }
}

export const planned = (
  { sources, queries }: Pick<Case, 'sources' | 'queries'>,
  rules?: SessionOptions['rules'],
): Planned => {
  const all = new Planned(sources, rules);
  for (const query of queries) all.add(query);
  return all;
};
