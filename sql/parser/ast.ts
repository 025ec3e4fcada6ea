/**
 * The abstract syntax tree: what the parser makes of a text, as plain data that is never changed. Here are queries,
 * expressions and types; the trees of statements are in `statements/`, one file for each family.
 *
 * Every node is a member of a union, told apart by `kind`, and has its place in the text (`at`). Three laws hold for
 * every tree that the parser builds:
 *
 * - names are already resolved: an unquoted identifier is in upper case, a quoted one as it was written, quotes gone;
 * - nothing is checked beyond the grammar: a name may be unknown, a type wrong, a property misspelt;
 * - a tree is at most `limits.maxDepth` (see `words.ts`) nodes deep, so that a plain recursion over it is safe. A chain
 *   of ANDs or of ORs is one node with many operands; a chain of `+` is as deep as it is long.
 *
 * `print.ts` turns a tree back into canonical text, and parsing that text gives the same tree, places aside.
 */

import type { Position } from '../../base/index.ts';
import type { ArithmeticOperator } from '../types/definition.ts';
import type { ScalarKind } from '../types/kinds.ts';

export type { Position } from '../../base/index.ts';

/** A name with its place: of a source, a column, an alias, a query. */
export interface Identifier {
  readonly name: string;
  readonly at: Position;
}

export type SourceKind = 'stream' | 'table';

/** The units that a duration may have. Singular and plural mean the same and come out as the plural. */
export type TimeUnit = 'MILLISECONDS' | 'SECONDS' | 'MINUTES' | 'HOURS' | 'DAYS';

/** `10 SECONDS`. */
export interface Duration {
  readonly amount: number;
  readonly unit: TimeUnit;
  readonly at: Position;
}

// ---------------------------------------------------------------------------------------------------- expressions

export type Literal =
  | { readonly kind: 'null'; readonly at: Position }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly at: Position }
  /** Exact within 64 bits: a number while that is a safe integer, a bigint beyond. A sign before the digits belongs
   *  to the literal, so that the least BIGINT can be written. */
  | { readonly kind: 'integer'; readonly value: number | bigint; readonly at: Position }
  /** A literal with a point and no exponent. The text is kept as written, since its digits are its type. */
  | { readonly kind: 'decimal'; readonly text: string; readonly at: Position }
  /** A literal with an exponent. */
  | { readonly kind: 'double'; readonly value: number; readonly at: Position }
  /** `bound`: it is the value of a parameter. */
  | { readonly kind: 'string'; readonly value: string; readonly bound?: true; readonly at: Position };

/** `!=` comes out as `<>`. */
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export interface CaseBranch {
  readonly when: Expression;
  readonly then: Expression;
}

export interface MapEntry {
  readonly key: Expression;
  readonly value: Expression;
}

export interface StructEntry {
  readonly name: string;
  readonly value: Expression;
  readonly at: Position;
}

export type Expression =
  | Literal
  /** `name` or `source.name`. Pseudo columns such as ROWTIME, and parameters of a lambda, are columns here too. */
  | { readonly kind: 'column'; readonly source?: string | undefined; readonly name: string; readonly at: Position }
  /** `base->name`. */
  | { readonly kind: 'field'; readonly base: Expression; readonly name: string; readonly at: Position }
  /** `base[index]` of an array or a map. */
  | { readonly kind: 'subscript'; readonly base: Expression; readonly index: Expression; readonly at: Position }
  /** `name(args)`. `star` marks the form `COUNT(*)`, which has no arguments. */
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Expression[];
      readonly star: boolean;
      readonly at: Position;
    }
  /** A sign before anything but a number literal. */
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Expression; readonly at: Position }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: Position;
    }
  /** `left || right`. */
  | { readonly kind: 'concat'; readonly left: Expression; readonly right: Expression; readonly at: Position }
  | {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: Position;
    }
  /** `left IS [NOT] DISTINCT FROM right`; `negated` is true where NOT stands. */
  | {
      readonly kind: 'distinct-from';
      readonly negated: boolean;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: Position;
    }
  /** Two or more operands, joined by the same word, evaluated from left to right. */
  | {
      readonly kind: 'logical';
      readonly operator: 'AND' | 'OR';
      readonly operands: readonly Expression[];
      readonly at: Position;
    }
  | { readonly kind: 'not'; readonly operand: Expression; readonly at: Position }
  | {
      readonly kind: 'between';
      readonly negated: boolean;
      readonly operand: Expression;
      readonly low: Expression;
      readonly high: Expression;
      readonly at: Position;
    }
  | {
      readonly kind: 'in';
      readonly negated: boolean;
      readonly operand: Expression;
      readonly values: readonly Expression[];
      readonly at: Position;
    }
  | {
      readonly kind: 'like';
      readonly negated: boolean;
      readonly operand: Expression;
      readonly pattern: Expression;
      readonly escape?: string | undefined;
      readonly at: Position;
    }
  | { readonly kind: 'is-null'; readonly negated: boolean; readonly operand: Expression; readonly at: Position }
  /** `CASE WHEN … THEN … [ELSE …] END`; at least one branch. */
  | {
      readonly kind: 'case';
      readonly branches: readonly CaseBranch[];
      readonly otherwise?: Expression | undefined;
      readonly at: Position;
    }
  /** `CASE operand WHEN … THEN … [ELSE …] END`; at least one branch. */
  | {
      readonly kind: 'simple-case';
      readonly operand: Expression;
      readonly branches: readonly CaseBranch[];
      readonly otherwise?: Expression | undefined;
      readonly at: Position;
    }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: TypeNode; readonly at: Position }
  /** `ARRAY[…]`. */
  | { readonly kind: 'array'; readonly elements: readonly Expression[]; readonly at: Position }
  /** `MAP(k := v, …)`. */
  | { readonly kind: 'map'; readonly entries: readonly MapEntry[]; readonly at: Position }
  /** `STRUCT(name := e, …)`. */
  | { readonly kind: 'struct'; readonly fields: readonly StructEntry[]; readonly at: Position }
  /** `x => body` or `(x, y) => body`; only among the arguments of a call, after all that are not lambdas. */
  | {
      readonly kind: 'lambda';
      readonly parameters: readonly string[];
      readonly body: Expression;
      readonly at: Position;
    }
  /** A bare unit as argument of a call: `DATEADD(DAYS, 1, d)`. The singular words DAY, HOUR, MINUTE and SECOND are not
   *  reserved and come as columns: where no source has a column of that name, the analysis makes the unit of it. */
  | { readonly kind: 'unit'; readonly unit: TimeUnit; readonly at: Position }
  | { readonly kind: 'at-time-zone'; readonly operand: Expression; readonly zone: string; readonly at: Position };

/** One kind of expression: `ExpressionOf<'call'>`. */
export type ExpressionOf<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>;

// ---------------------------------------------------------------------------------------------------------- types

/** INT is INTEGER and VARCHAR (with or without a length, which has no effect) is STRING here. */
export type BaseTypeName = ScalarKind;

export interface StructTypeField {
  readonly name: string;
  readonly type: TypeNode;
  readonly at: Position;
}

export type TypeNode =
  | { readonly kind: 'base-type'; readonly name: BaseTypeName; readonly at: Position }
  | { readonly kind: 'decimal-type'; readonly precision: number; readonly scale: number; readonly at: Position }
  | { readonly kind: 'array-type'; readonly element: TypeNode; readonly at: Position }
  | { readonly kind: 'map-type'; readonly key: TypeNode; readonly value: TypeNode; readonly at: Position }
  | { readonly kind: 'struct-type'; readonly fields: readonly StructTypeField[]; readonly at: Position }
  /** A name that is none of the built-in ones: a custom type, or a mistake. */
  | { readonly kind: 'named-type'; readonly name: string; readonly at: Position };

// -------------------------------------------------------------------------------------------------------- queries

export type SelectItem =
  | {
      readonly kind: 'expression-item';
      readonly expression: Expression;
      readonly alias?: Identifier | undefined;
      readonly at: Position;
    }
  /** `*` or `source.*`. */
  | { readonly kind: 'all-columns'; readonly source?: string | undefined; readonly at: Position }
  /** `base->*`: every field of a struct. */
  | { readonly kind: 'all-fields'; readonly base: Expression; readonly at: Position };

/** A source after FROM or JOIN, with the name that the query calls it by. */
export interface SourceReference {
  readonly kind: 'source';
  /** The alias of a subquery, the empty text where it has none. */
  readonly name: string;
  readonly alias?: Identifier | undefined;
  /** `(SELECT …)` in the place of a name. */
  readonly subquery?: Query | undefined;
  readonly at: Position;
}

export type JoinType = 'inner' | 'left' | 'right' | 'full';

/** `WITHIN d` has `before` and `after` equal. */
export interface JoinWithin {
  readonly before: Duration;
  readonly after: Duration;
  readonly grace?: Duration | undefined;
  readonly at: Position;
}

export interface Join {
  readonly type: JoinType;
  readonly source: SourceReference;
  readonly within?: JoinWithin | undefined;
  readonly on: Expression;
  readonly at: Position;
}

export type WindowClause =
  | {
      readonly kind: 'tumbling';
      readonly name?: string | undefined;
      readonly size: Duration;
      readonly retention?: Duration | undefined;
      readonly grace?: Duration | undefined;
      readonly at: Position;
    }
  | {
      readonly kind: 'hopping';
      readonly name?: string | undefined;
      readonly size: Duration;
      readonly advance: Duration;
      readonly retention?: Duration | undefined;
      readonly grace?: Duration | undefined;
      readonly at: Position;
    }
  | {
      readonly kind: 'session';
      readonly name?: string | undefined;
      readonly gap: Duration;
      readonly retention?: Duration | undefined;
      readonly grace?: Duration | undefined;
      readonly at: Position;
    };

/** A list of expressions behind GROUP BY or PARTITION BY; at least one. */
export interface ByClause {
  readonly expressions: readonly Expression[];
  readonly at: Position;
}

export interface EmitClause {
  readonly kind: 'changes' | 'final';
  readonly at: Position;
}

/** LIMIT or OFFSET. */
export interface LimitClause {
  readonly count: number;
  readonly at: Position;
}

export interface DistinctClause {
  readonly at: Position;
}

export interface OrderTerm {
  /** A whole number is the position of a column in the SELECT list. */
  readonly expression: Expression;
  readonly descending: boolean;
  /** Left out: last where the order ascends, first where it descends. */
  readonly nulls?: 'first' | 'last' | undefined;
  readonly at: Position;
}

/** ORDER BY; at least one term. */
export interface OrderClause {
  readonly terms: readonly OrderTerm[];
  readonly at: Position;
}

/** What UNION puts behind the rows of the query before it. The query has no ORDER BY, EMIT, LIMIT, OFFSET or UNION of
 *  its own. */
export interface UnionMember {
  readonly all: boolean;
  readonly query: Query;
  readonly at: Position;
}

/** One SELECT. Joins are in the order of the text and are evaluated from the left. Without `emit` a query at the top
 *  level is a pull query; inside CREATE … AS and INSERT INTO it means EMIT CHANGES. */
export interface Query {
  readonly distinct?: DistinctClause | undefined;
  readonly items: readonly SelectItem[];
  readonly from: SourceReference;
  readonly joins: readonly Join[];
  readonly window?: WindowClause | undefined;
  readonly where?: Expression | undefined;
  readonly groupBy?: ByClause | undefined;
  readonly partitionBy?: ByClause | undefined;
  readonly having?: Expression | undefined;
  /** From the left, on the rows of what stands before. ORDER BY, LIMIT and OFFSET hold for the rows of all. */
  readonly unions?: readonly UnionMember[] | undefined;
  readonly orderBy?: OrderClause | undefined;
  readonly emit?: EmitClause | undefined;
  readonly limit?: LimitClause | undefined;
  readonly offset?: LimitClause | undefined;
  readonly at: Position;
}

// ------------------------------------------------------------------------------------------------------ properties

/** One entry of WITH (…). Names are in upper case however they are written; `at` is the name's place. */
export interface Property {
  readonly name: string;
  readonly value: Literal;
  readonly at: Position;
}
