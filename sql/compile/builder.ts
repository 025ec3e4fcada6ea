/**
 * The builder of a topology: what the steps of a plan are built with, and how one reads what is built below it.
 *
 * What a step has built is either a node that delivers rows, or a scan: a source with the stateless steps right above
 * it, which becomes a node only when the step that reads it is known, and with it what is read (`fuse.ts`).
 */

import { assert } from '../../base/index.ts';
import { filter, type StoreSpec, Topology } from '../../engine/index.ts';
import type { TypedExpression } from '../analyze/typed.ts';
import type { ColumnScope } from '../evaluate/closure.ts';
import { keyColumnsOf, keyFormatOf, type Step } from '../plan/plan.ts';
import type { SourceStep } from '../plan/steps/source.ts';
import { type StoreHashes, storeHashNumber } from '../plan/store-schema.ts';
import type { Column, Schema } from '../types/schema.ts';
import type { SqlType } from '../types/type.ts';
import type { Row } from '../types/value.ts';
import type { AlikeSteps } from './alike-steps.ts';
import type { CompileEnvironment } from './environment.ts';
import { fuse, type Scan, type ScanNeeds, substituted } from './fuse.ts';
import { columnScope, type Reading, type RecordValue } from './reading.ts';
import { scanSource } from './scan.ts';
import type { Share } from './shared-steps.ts';

/** A node that delivers rows. */
export interface Rows {
  readonly kind: 'rows';
  readonly node: string;
  readonly schema: Schema;
}

export type Built = Scan | Rows;

/** What a step behind a scan or a node reads: the node, and the form of its records. */
export interface Input {
  readonly node: string;
  readonly reading: Reading;
  readonly schema: Schema;
  /** For vectors. */
  readonly share?: Share;
}

/** The scope of what an input delivers: its value columns, and the key of the step that it stands for. */
export const scopeBehind = (step: Step, { schema, reading, share }: Input): ColumnScope =>
  columnScope({ ...schema, key: keyColumnsOf(step) }, keyFormatOf(step), reading, { share });

export const typesOf = (columns: readonly Column[]): readonly SqlType[] => columns.map((column) => column.type);

export class TopologyBuilder {
  readonly topology = new Topology();
  readonly environment: CompileEnvironment;
  /** What its scans may share with those of other queries. */
  readonly alike: { readonly step: SourceStep; readonly steps: AlikeSteps }[] = [];
  readonly #stores: StoreHashes;
  readonly #buildStep: (step: Step, builder: TopologyBuilder) => Built;

  constructor(
    stores: StoreHashes,
    environment: CompileEnvironment,
    buildStep: (step: Step, builder: TopologyBuilder) => Built,
  ) {
    this.#stores = stores;
    this.environment = environment;
    this.#buildStep = buildStep;
  }

  /** Builds the step, and before it the steps that feed it. */
  build(step: Step): Built {
    return this.#buildStep(step, this);
  }

  /** Adds a store with the hash of what it holds. */
  addStore(spec: StoreSpec): void {
    const hash = this.#stores[spec.name];
    assert(hash !== undefined, `the plan has no schema hash of the store ${spec.name}`);
    this.topology.addStore({ ...spec, schemaHash: storeHashNumber(hash) });
  }

  /** Makes the scan a node. */
  #scan(scan: Scan, needs: ScanNeeds = {}): Input {
    const { step } = scan;
    const environment = this.environment;
    const { alike, share, makeFused } = fuse(scan, needs, environment);
    this.alike.push({ step, steps: alike });
    this.topology.addSource<RecordValue>(step.id, {
      topic: step.topic,
      kind: step.kind === 'tableSource' ? 'table' : 'stream',
      supplier: scanSource(step, environment, { alike, makeFused }),
    });
    return needs.columns === undefined
      ? { node: step.id, reading: 'row', schema: scan.schema }
      : { node: step.id, reading: 'vectors', schema: step.schema, share };
  }

  /** What is built as a node that delivers rows. `takesSpan`: which of their texts may be spans. */
  rows(built: Built, takesSpan?: (place: number) => boolean): Input {
    if (built.kind === 'rows') return { node: built.node, reading: 'row', schema: built.schema };
    return this.#scan(built, takesSpan === undefined ? {} : { takesSpan });
  }

  /** Expressions over what is built, as something that can read them: in place where a scan allows it, else over
   *  rows. */
  read(
    built: Built,
    expressions: readonly TypedExpression[],
    needs: Omit<ScanNeeds, 'columns'>,
  ): { readonly input: Input; readonly expressions: readonly TypedExpression[] } {
    if (built.kind === 'scan') {
      const inPlace = expressions.map((expression) => substituted(expression, built.items, true));
      if (inPlace.every((expression) => expression !== undefined)) {
        return { input: this.#scan(built, { ...needs, columns: inPlace }), expressions: inPlace };
      }
      return { input: this.#scan(built, needs), expressions };
    }
    const input = this.rows(built);
    const { noNullValues = false, keys } = needs;
    if (!noNullValues && keys === undefined) return { input, expressions };
    const id = `${input.node}-Present`;
    this.topology.addProcessor<Row, Row>(
      id,
      (context, forward) => {
        const wanted = keys?.();
        return filter<Row>((record) => {
          if (noNullValues && record.value === null) return false;
          return wanted === undefined || wanted(record, context);
        })(context, forward);
      },
      [input.node],
    );
    return { input: { ...input, node: id }, expressions };
  }
}
