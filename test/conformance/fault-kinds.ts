/**
 * Kinds of faults: which of our error codes a published rejection message stands for, and which names the error has to
 * contain.
 *
 * A row is a pattern for the message and the codes that mean the same fault. Each capture group of the pattern is a
 * name (a column, a source, a function, a format, a property) or an expression or list of names: of each group our
 * error must contain at least one word. Rows are tried in order, the first match counts.
 */

export interface FaultKind {
  readonly codes: readonly string[];
  /** For each name: the words, in upper case, of which one is enough. */
  readonly names: readonly (readonly string[])[];
}

type Row = readonly [pattern: RegExp, ...codes: string[]];

const quoted = '[`\'"]([^`\'"]+)[`\'"]';

const rows: readonly Row[] = [
  // The text.
  [/Syntax error/i, 'SQL_SYNTAX', 'SQL_UNKNOWN_CHARACTER', 'SQL_UNTERMINATED_STRING'],
  [/Number overflows (\w+): (\S+)/, 'SQL_NUMBER_OUT_OF_RANGE'],

  // Names.
  [new RegExp(`column ${quoted} cannot be resolved`, 'i'), 'SQL_UNKNOWN_COLUMN'],
  [/Unknown column (\w+)/, 'SQL_UNKNOWN_COLUMN', 'SQL_WINDOW_BOUNDS'],
  [new RegExp(`Column ${quoted} is ambiguous`), 'SQL_AMBIGUOUS_COLUMN'],
  [new RegExp(`${quoted} is not a valid stream/table name or alias`), 'SQL_UNKNOWN_SOURCE'],
  [/(?:Stream|Table|Source) (\w+) does not exist/, 'SQL_UNKNOWN_SOURCE'],
  [new RegExp(`unknown stream/table: ${quoted}`), 'SQL_UNKNOWN_SOURCE'],
  [new RegExp(`Reserved column name in select: ${quoted}`), 'SQL_RESERVED_NAME', 'SQL_UNKNOWN_COLUMN'],
  [new RegExp(`${quoted} is a reserved column name`), 'SQL_RESERVED_NAME'],
  [/Duplicate (?:value|key) columns found in schema: `([^`]+)`/, 'SQL_DUPLICATE_COLUMN'],
  [/No columns supplied/, 'SQL_NO_COLUMNS'],

  // Schemas.
  [/fullSchemaName cannot be empty/, 'SQL_INVALID_PROPERTY'],
  [/should support schema inference when (\w+) is provided. Current format is (\w+)/, 'SQL_PROPERTY_CONFLICT'],
  [/Table elements and (\w+) cannot both exist/, 'SQL_PROPERTY_CONFLICT'],
  [/value columns are changed, missing or reordered/, 'SQL_SCHEMA_COLUMNS'],

  // Functions.
  [/any functions with the name '(\w+)'/, 'SQL_UNKNOWN_FUNCTION'],
  [/Function '(\w+)' does not accept parameters \((.+?)\)(?:\.|\n|$)/, 'SQL_FUNCTION_ARGUMENTS'],
  [/Function '(\w+)' does not accept parameters/, 'SQL_FUNCTION_ARGUMENTS'],
  [/Function '(\w+)' cannot be resolved due to ambiguous/, 'SQL_AMBIGUOUS_FUNCTION'],
  [/Parameter (\d+) passed to function (\w+) must be a literal/, 'SQL_LITERAL_EXPECTED'],
  [/Table functions cannot be used with aggregations/, 'SQL_TABLE_FUNCTION'],

  // Expressions.
  [/Cannot compare .*\(([^()]+)\) to .* \(([^()]+)\) with/, 'SQL_TYPE_MISMATCH'],
  [/Should evaluate to boolean but is .*\((\w+)\) instead/, 'SQL_TYPE_MISMATCH'],
  [/Unsupported arithmetic types\. (\w+) (\w+)/, 'SQL_TYPE_MISMATCH'],
  [/operator does not exist: (.+?) = (.+?) \(/, 'SQL_TYPE_MISMATCH'],
  [/invalid input syntax for type (\w+): "([^"]+)"/, 'SQL_BAD_TEXT'],
  [/All case branches have NULL type/, 'SQL_UNTYPED_NULL'],
  [/(?:an array|a map) with all NULL/, 'SQL_UNTYPED_NULL'],
  [/Can't infer a type of null/, 'SQL_UNTYPED_NULL'],
  [/(?:Array|Map) constructor cannot be empty/, 'SQL_EMPTY_CONSTRUCTOR'],
  [/Comparison with NULL not supported/, 'SQL_NULL_COMPARISON'],

  // Aggregates, groups and windows.
  [/Aggregate functions can not be nested: (\w+)/, 'SQL_NESTED_AGGREGATE'],
  [/aggregate function \[(\w+)\(.*without a GROUP BY/, 'SQL_AGGREGATE_WITHOUT_GROUP_BY'],
  [/aggregation functions? (.+) cannot be applied to a table source/, 'SQL_AGGREGATE_ON_TABLE'],
  [/does not support aggregate functions: (\w+)/, 'SQL_AGGREGATE_NOT_ALLOWED'],
  [/GROUP BY requires aggregate functions/, 'SQL_GROUP_BY_WITHOUT_AGGREGATE'],
  [/Non-aggregate (\w+) expression(?:\(s\))? not part of GROUP BY: ([^\n]+)/, 'SQL_NOT_GROUPED'],
  [/Non-aggregate (\w+) expression(?:\(s\))? not part of GROUP BY/, 'SQL_NOT_GROUPED', 'SQL_WINDOW_WITHOUT_GROUP_BY'],
  [/Window bounds column (\w+) can only be used/, 'SQL_WINDOW_BOUNDS'],
  [/(WINDOW) clause requires a GROUP BY/, 'SQL_WINDOW_WITHOUT_GROUP_BY'],
  [/EMIT FINAL is only supported for windowed aggregations/, 'SQL_EMIT_FINAL'],

  // Keys and the SELECT list.
  [/must include the (?:\w+ )?(?:expressions?|key column) (.+?) in its projection/, 'SQL_MISSING_KEY_COLUMN'],
  [/Key missing from projection/, 'SQL_MISSING_KEY_COLUMN'],
  [/Primary key column missing in projection/, 'SQL_MISSING_KEY_COLUMN'],
  [/contains a key column \(`\w+`\) more than once, aliased as: (\w+) and (\w+)/, 'SQL_DUPLICATE_KEY_COLUMN'],
  [/contains no value columns/, 'SQL_NO_VALUE_COLUMNS'],
  [/(PARTITION BY) requires at least one expression/, 'SQL_EMPTY_CLAUSE'],
  [/Map keys, including types that contain maps.*(MAP)/, 'SQL_KEY_TYPE'],
  [/Column `(\w+)` is a '(?:PRIMARY )?KEY' column/, 'SQL_KEY_WORD'],
  [/Tables require a (PRIMARY KEY)/, 'SQL_MISSING_PRIMARY_KEY'],
  [/Windowed sources require a key column/, 'SQL_PROPERTY_CONFLICT'],

  // Joins.
  [/Invalid join order: table-stream joins are not supported.* Got (\w+) .*JOIN (\w+)/, 'SQL_JOIN_ORDER'],
  [/Invalid comparison expression '([^']+)' in join/, 'SQL_JOIN_CONDITION'],
  [/Invalid join condition/, 'SQL_JOIN_CONDITION'],
  [/Invalid join type: (\w+)\S* join not supported/, 'SQL_JOIN_TYPE'],
  [/(\w+) OUTER JOIN on a (foreign key)/, 'SQL_JOIN_TYPE'],
  [/Only equality join criteria/, 'SQL_JOIN_CONDITION'],
  [/Invalid join\. Key types differ: (\w+) vs (\w+)/, 'SQL_JOIN_TYPES'],
  [/A window definition was provided/, 'SQL_JOIN_WITHIN'],
  [/(WITHIN) clause/, 'SQL_JOIN_WITHIN'],
  [/Can not join '(\w+)' to '\w+': self joins/, 'SQL_SELF_JOIN'],
  [/Each side of the join must reference exactly one source/, 'SQL_JOIN_CONDITION'],
  [/Incompatible windowed sources\.\nLeft source: (\w+)\nRight source: (\w+)/, 'SQL_WINDOWED_SOURCE'],
  [/Can not join windowed source to non-windowed source\.\n`(\w+)` is/, 'SQL_WINDOWED_SOURCE'],
  [/Implicit repartitioning of windowed sources/, 'SQL_WINDOWED_SOURCE'],
  [/multiple occurrences of the same source\. Source: '(\w+)'/, 'SQL_SELF_JOIN'],
  [/Can't join .* match\. .*partitions/, 'SQL_JOIN_PARTITIONS'],
  [/join criteria is expected to reference the source \(`?(\w+)`?\)/, 'SQL_JOIN_CONDITION'],
  [/persistent queries on windowed tables/, 'SQL_WINDOWED_TABLE'],

  // Statements and what they write to.
  [/Cannot add \w+ '(\w+)': CREATE OR REPLACE is not supported on source/, 'SQL_READ_ONLY'],
  [/Cannot add \w+ [`']?(\w+)[`']?: A \w+ with the same name already exists/, 'SQL_DUPLICATE_SOURCE'],
  [/Cannot alter \w+ '(\w+)': ALTER operations are not supported on source/, 'SQL_READ_ONLY'],
  [/ALTER command is not supported for CREATE \.\.\. AS/, 'SQL_NOT_ALTERABLE'],
  [/Incompatible data source type is (\w+), but statement was (?:ALTER|DROP) (\w+)/, 'SQL_WRONG_KIND'],
  [/Cannot add column `(\w+)`/, 'SQL_DUPLICATE_COLUMN'],
  [/Upgrades not yet supported for/, 'SQL_NOT_REPLACEABLE'],
  [/Query is not upgradeable/, 'SQL_NOT_REPLACEABLE'],
  [/DataSource '`?(\w+)`?' has \w+ = .* which is not upgradeable/s, 'SQL_NOT_REPLACEABLE'],
  [/REPLACE for sink `?(\w+)`? is not supported/, 'SQL_NOT_REPLACEABLE'],
  [/Cannot register custom type '(\w+)'/, 'SQL_DUPLICATE_TYPE'],
  [/Type (\w+) does not exist/, 'SQL_UNKNOWN_TYPE'],
  [/Cannot resolve unknown type: (\w+)/, 'SQL_UNKNOWN_TYPE'],
  [/Cannot insert into HEADER columns: (\w+)/, 'SQL_HEADER_COLUMN'],
  [/Cannot insert into (\w+) because it has header columns/, 'SQL_HEADER_COLUMN'],
  [/Invalid type for HEADERS column: expected (ARRAY)/, 'SQL_HEADER_COLUMN'],
  [/Invalid type for HEADER\('([^']*)'\) column: expected BYTES/, 'SQL_HEADER_COLUMN'],
  [/Schema already contains a HEADERS column|Schema already contains a HEADER\('/, 'SQL_HEADER_COLUMN'],
  [/Query IDs must not start with a reserved query ID prefix/, 'SQL_INVALID_PROPERTY'],
  [/Query IDs may contain only alphanumeric/, 'SQL_INVALID_PROPERTY'],
  [/INSERT INTO can only be used to insert into a stream\. (\w+) is a table/, 'SQL_WRONG_KIND'],
  [/Result schema is .*\nSink schema is/, 'SQL_INCOMPATIBLE_SCHEMA'],
  [/Cannot (?:insert values into|delete topic for) read-only (?:table|stream|source): (\w+)/, 'SQL_READ_ONLY'],

  // Formats and properties.
  [/Unknown format: (\w+)/, 'SQL_UNKNOWN_FORMAT'],
  [/missing the '(\w+)' property/, 'SQL_MISSING_PROPERTY'],
  [/Cannot supply both '(\w+)' and '(\w+)' properties/, 'SQL_PROPERTY_CONFLICT'],
  [/(\w+) does not support the following configs/, 'SQL_PROPERTY_CONFLICT'],
  [/Configuration (\w+) is invalid/, 'SQL_INVALID_PROPERTY'],
  [/'(\w+)' should not be set for SESSION windows/, 'SQL_PROPERTY_CONFLICT'],
  [/The '(\w+)' format can only be used when no columns are defined/, 'SQL_FORMAT_COLUMNS'],
  [/The '(\w+)' format only supports a single field/, 'SQL_FORMAT_COLUMNS'],
  [/The '(\w+)' format does not support type '(\w+)'/, 'SQL_FORMAT_TYPE'],
  [/intermediate type that the value format can not handle/, 'SQL_FORMAT_TYPE'],
  [/format does not support type '(\w+)'/, 'SQL_FORMAT_TYPE'],
  [/only supports? MAPs? (?:types )?with STRING keys/, 'SQL_FORMAT_TYPE', 'SQL_TYPE_MISMATCH'],
  [/using the '(\w+)' value format\. This format does not yet support/, 'SQL_KAFKA_VALUES'],
  [/Format '(\w+)' does not support '(WRAP_SINGLE_VALUE)'/, 'SQL_WRAP_SINGLE_VALUE'],
  [/'(WRAP_SINGLE_VALUE)' is only valid for single-field/, 'SQL_WRAP_SINGLE_VALUE'],
  [/TIMESTAMP column set in the WITH clause does not exist in the schema: '(\w+)'/, 'SQL_TIMESTAMP_COLUMN'],
  [/Timestamp column, `(\w+)`, should be/, 'SQL_TIMESTAMP_COLUMN'],
  [/error in TimestampExtractor callback/, 'SQL_INVALID_TIMESTAMP'],
];

/** The kind of fault that a message is about; undefined when no row knows it. */
export const faultKind = (message: string): FaultKind | undefined => {
  for (const [pattern, ...codes] of rows) {
    const found = pattern.exec(message);
    if (found === null) continue;
    const names = found.slice(1).map((name) => name.toUpperCase().match(/[\w@-]+/g) ?? [name.toUpperCase()]);
    return { codes, names };
  }
  return undefined;
};

/** All codes in the table. */
export const knownCodes: readonly string[] = [...new Set(rows.flatMap(([, ...codes]) => codes))];
