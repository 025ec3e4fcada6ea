import { describe, expect, test } from 'vitest';
import { UserError } from '../../../base/index.ts';
import { define, defineAggregate } from '../../../sql/functions/define.ts';
import { builtInFunctions, families } from '../../../sql/functions/index.ts';
import { notFunctions } from '../../../sql/functions/not-functions.ts';
import { FunctionRegistry } from '../../../sql/functions/registry.ts';
import { parseSignature } from '../../../sql/functions/signature.ts';
import {
  arrayOf,
  bigintType,
  doubleType,
  integerType,
  mapOf,
  printType,
  type SqlType,
  stringType,
  structOf,
} from '../../../sql/types/type.ts';
import { faultOf } from '../evaluate/support.ts';

const registryOf = (...signatures: string[]): FunctionRegistry => {
  const registry = new FunctionRegistry();
  for (const signature of signatures) {
    registry.add(define({ signature, doc: '', nulls: 'own', examples: [], body: () => null }));
  }
  return registry;
};

const chosen = (registry: FunctionRegistry, ...args: (SqlType | null)[]): string =>
  faultOf(() => {
    const { overload, result } = registry.resolve({ name: 'F', args });
    throw new Error(`${overload.signature.text} gives ${printType(result)}`);
  }).replace('Error: ', '');

describe('signatures', () => {
  test('are printed in one way', () => {
    expect(parseSignature('lpad(varchar,INT , STRING...)->STRING').text).toBe(
      'LPAD(STRING, INTEGER, STRING...) -> STRING',
    );
    expect(parseSignature('F(literal INT, MAP<STRING,ARRAY<T>>, STRUCT<A INT, `b``c` ANY>) -> T').text).toBe(
      'F(literal INTEGER, MAP<STRING, ARRAY<T>>, STRUCT<`A` INTEGER, `b``c` ANY>) -> T',
    );
  });

  test.each(['F(INT', 'F(FLOAT) -> INT', 'F(INT...) -> INT x', 'F(INT..., INT...) -> INT', '(INT) -> INT', 'F(INT)'])(
    '%s is refused',
    (text) => expect(() => parseSignature(text)).toThrow('signature'),
  );
});

describe('the choice of an overload', () => {
  test('an exact fit comes before a conversion', () => {
    const registry = registryOf('F(BIGINT) -> STRING', 'F(INT) -> BOOLEAN');
    expect(chosen(registry, integerType)).toBe('F(INTEGER) -> BOOLEAN gives BOOLEAN');
    expect(chosen(registryOf('F(BIGINT) -> STRING'), integerType)).toBe('F(BIGINT) -> STRING gives STRING');
    expect(chosen(registryOf('F(INT) -> STRING'), bigintType)).toContain('SQL_FUNCTION_ARGUMENTS');
  });

  test('fixed comes before repeated, and longer before shorter', () => {
    const registry = registryOf(
      'F(INT, STRING) -> INT',
      'F(BIGINT, STRING) -> INT',
      'F(BIGINT, BIGINT, STRING) -> INT',
      'F(BIGINT...) -> INT',
    );
    expect(chosen(registry, integerType, stringType)).toContain('F(INTEGER, STRING)');
    expect(chosen(registry, bigintType, bigintType)).toContain('F(BIGINT...)');
    expect(chosen(registry)).toContain('F(BIGINT...)');
    expect(chosen(registry, integerType, integerType, stringType)).toContain('F(BIGINT, BIGINT, STRING)');
    expect(chosen(registryOf('F(INT, INT...) -> INT', 'F(INT...) -> INT'), integerType)).toContain(
      'F(INTEGER, INTEGER...)',
    );
  });

  test('a named type comes before a generic, and a generic before ANY', () => {
    expect(chosen(registryOf('F(T) -> INT', 'F(STRING) -> INT'), stringType)).toContain('F(STRING)');
    expect(chosen(registryOf('F(ANY...) -> INT', 'F(STRING...) -> INT'), stringType)).toContain('F(STRING...)');
  });

  test('the repeated parameter may stand in the middle', () => {
    const registry = registryOf('F(BIGINT, STRING..., INT, INT) -> INT');
    expect(chosen(registry, bigintType, integerType, integerType)).toContain('F(BIGINT');
    expect(chosen(registry, bigintType, stringType, stringType, integerType, integerType)).toContain('F(BIGINT');
    expect(chosen(registry, bigintType, integerType)).toContain('SQL_FUNCTION_ARGUMENTS');
  });

  test('generics are bound and widened', () => {
    const registry = registryOf('F(ARRAY<T>, T) -> MAP<STRING, T>');
    expect(chosen(registry, arrayOf(integerType), integerType)).toContain('gives MAP<STRING, INTEGER>');
    expect(chosen(registry, arrayOf(integerType), doubleType)).toContain('gives MAP<STRING, DOUBLE>');
    expect(chosen(registry, arrayOf(stringType), integerType)).toContain('SQL_FUNCTION_ARGUMENTS');
    expect(chosen(registry, null, null)).toContain('gives MAP<STRING, STRING>');
  });

  test('an untyped NULL fits all, and too many fits are an error', () => {
    expect(chosen(registryOf('F(INT) -> INT', 'F(STRING) -> INT'), null)).toBe(
      'SQL_AMBIGUOUS_FUNCTION: the call F(NULL) is ambiguous: several forms of the function fit it equally well',
    );
  });

  test('structs fit by their fields', () => {
    const registry = registryOf('F(STRUCT<A VARCHAR>) -> STRING');
    expect(chosen(registry, structOf([{ name: 'A', type: stringType }]))).toContain('gives STRING');
    expect(chosen(registry, structOf([{ name: 'B', type: stringType }]))).toContain('SQL_FUNCTION_ARGUMENTS');
    expect(chosen(registryOf('F(MAP<K, V>) -> V'), mapOf(stringType, bigintType))).toContain('gives BIGINT');
  });
});

describe('the registry', () => {
  test('is open to callers, each has its own', () => {
    const registry = builtInFunctions();
    registry.add(
      define({ signature: 'TWICE(INT) -> INT', doc: '', nulls: 'propagate', examples: [], body: (n: number) => n * 2 }),
    );
    expect(registry.get('twice')?.overloads).toHaveLength(1);
    expect(builtInFunctions().get('TWICE')).toBe(undefined);
  });

  test('refuses the same signature twice and one name for two kinds', () => {
    const registry = registryOf('F(INT) -> INT');
    expect(() =>
      registry.add(define({ signature: 'F(INTEGER) -> INT', doc: '', nulls: 'own', examples: [], body: () => 1 })),
    ).toThrow('declared twice');
    expect(() =>
      registry.add(
        defineAggregate({
          signature: 'F(STRING) -> STRING',
          doc: '',
          examples: [],
          undo: false,
          bind: () => ({ slots: [], initialize: () => {}, add: () => {}, result: () => null }),
        }),
      ),
    ).toThrow('another kind');
  });

  test('says what is close to a name, and which functions a plan misses', () => {
    const registry = builtInFunctions();
    expect(() => registry.resolve({ name: 'SUBSTRNG', args: [] })).toThrow('there is no function called "SUBSTRNG"');
    try {
      registry.resolve({ name: 'SUBSTRNG', args: [] });
    } catch (error) {
      expect(error).toMatchObject({ hint: 'Did you mean "SUBSTRING"?' });
    }
    expect(() => registry.scalar({ name: 'GONE', signature: 'GONE() -> INTEGER' })).toThrow(
      'this build has no function GONE() -> INTEGER',
    );
  });

  test.each([
    ['LOWER', 'Use LCASE.'],
    ['upper', 'Use UCASE.'],
    ['LENGTH', 'Use LEN.'],
    ['LEFT', 'Use SUBSTRING(text, 1, n).'],
    ['MOD', 'Use the operator %.'],
    ['MEDIAN', 'SHOW FUNCTIONS lists them all.'],
    ['TO_STRING', 'SHOW FUNCTIONS lists them all.'],
    ['COUNTS', 'Did you mean "COUNT"?'],
  ])('the hint for %s is: %s', (name, hint) => {
    expect(hintFor(name)).toBe(hint);
  });

  test('no function has the name of another dialect, and each such name stands once', () => {
    const registry = builtInFunctions();
    const definitions = families.flatMap((family) => family.functions);
    const elsewhere = definitions.flatMap((each) => each.elsewhere ?? []).map((each) => [each].flat()[0] ?? '');
    const names = [...elsewhere, ...Object.keys(notFunctions)];
    expect(names.filter((name) => registry.get(name) !== undefined)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});

const hintFor = (name: string): unknown => {
  try {
    return builtInFunctions().resolve({ name, args: [] });
  } catch (error) {
    return error instanceof UserError ? error.hint : error;
  }
};
