/** Whether data of one schema can be read with another: a table for each type of schema, then the levels. */

import { describe, expect, test } from 'vitest';
import { rulesOf } from '../../sql/registry/compatibility/index.ts';
import { LocalRegistry } from '../../sql/registry/local-registry.ts';
import type { ResolvedSchema, SchemaType } from '../../sql/registry/schema.ts';

const schemaOf = (type: SchemaType, schema: unknown): ResolvedSchema => ({
  type,
  schema: typeof schema === 'string' ? schema : JSON.stringify(schema),
  definitions: [],
});

/** What is wrong when data of `writer` is read with `reader`. */
const faults = async (type: SchemaType, reader: unknown, writer: unknown): Promise<string> =>
  (await rulesOf(type)).faults(schemaOf(type, reader), schemaOf(type, writer)).join('; ') || 'none';

describe('JSON Schema', () => {
  const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
  const a = { a: { type: 'integer' } };
  const b = { b: { type: 'string' } };
  const closed = { additionalProperties: false };
  test.each<[string, unknown, unknown, string]>([
    ['the same', object(a), object(a), 'none'],
    ['a property less, open', object({}), object(a), 'none'],
    [
      'a property more, open',
      object({ ...a, ...b }),
      object(a),
      '$.b was added where other properties were allowed before',
    ],
    ['a property more, closed', object({ ...a, ...b }, closed), object(a, closed), 'none'],
    [
      'a required one more, closed',
      object({ ...a, ...b }, { ...closed, required: ['b'] }),
      object(a, closed),
      '$.b was added, and is required without a default',
    ],
    [
      'a property less, closed',
      object({}, closed),
      object(a, closed),
      '$.a is gone, and other properties are not allowed',
    ],
    ['closed now', object(a, closed), object(a), '$ does not allow other properties any more'],
    ['required now', object(a, { required: ['a'] }), object(a), '$.a is required now, without a default'],
    ['a wider type', object({ a: { type: 'number' } }), object(a), 'none'],
    [
      'another type',
      object({ a: { type: 'string' } }),
      object(a),
      '$.a was of the type integer, and is of the type string now',
    ],
    ['an alternative more', { oneOf: [{ type: 'null' }, { type: 'integer' }] }, { type: 'integer' }, 'none'],
    [
      'an alternative less',
      { type: 'integer' },
      { oneOf: [{ type: 'null' }, { type: 'integer' }] },
      '$ was of the type null, and is of the type integer now',
    ],
    ['a list of types', { type: ['null', 'string'] }, { type: 'string' }, 'none'],
    ['a value of an enum more', { enum: ['x', 'y'] }, { enum: ['x'] }, 'none'],
    ['a value of an enum less', { enum: ['x'] }, { enum: ['x', 'y'] }, '$ does not allow the value "y" any more'],
    ['a closer bound', { type: 'integer', maximum: 5 }, { type: 'integer', maximum: 9 }, '$ has a closer maximum now'],
    ['a bound more', { type: 'string', minLength: 1 }, { type: 'string' }, '$ has a closer minLength now'],
    ['a bound less', { type: 'string' }, { type: 'string', pattern: 'x' }, 'none'],
    [
      'items',
      { type: 'array', items: { type: 'string' } },
      { type: 'array', items: { type: 'integer' } },
      '$[] was of the type integer, and is of the type string now',
    ],
    ['references', { $ref: '#/definitions/A', definitions: { A: { type: 'integer' } } }, { type: 'integer' }, 'none'],
    ['anything', true, { type: 'integer' }, 'none'],
    ['no longer anything', { type: 'integer' }, true, '$ could be anything before, and is restricted now'],
  ])('%s', async (_, reader, writer, wanted) => expect(await faults('JSON', reader, writer)).toBe(wanted));
});

describe('Avro', () => {
  const record = (...fields: object[]) => ({ type: 'record', name: 'R', fields });
  const a = { name: 'a', type: 'int' };
  const optional = { name: 'b', type: ['null', 'string'], default: null };
  test.each<[string, unknown, unknown, string]>([
    ['a field with a default more', record(a, optional), record(a), 'none'],
    ['a field without one more', record(a, { name: 'b', type: 'int' }), record(a), '$.b was added without a default'],
    ['a field less', record(a), record(a, optional), 'none'],
    ['a field by its alias', record({ name: 'z', type: 'int', aliases: ['a'] }), record(a), 'none'],
    ['a wider type', record({ name: 'a', type: 'long' }), record(a), 'none'],
    ['a narrower type', record(a), record({ name: 'a', type: 'long' }), '$.a was long, and is int now'],
    ['a branch more', ['null', 'int'], '"int"', 'none'],
    ['a branch less', '"int"', ['null', 'int'], '$ was null, and is int now'],
    ['texts and bytes', '"string"', '"bytes"', 'none'],
    ['another name', { ...record(a), name: 'S' }, record(a), '$ was called "R", and is called "S" now'],
    ['an alias of the name', { ...record(a), name: 'S', aliases: ['R'] }, record(a), 'none'],
    [
      'a symbol less',
      { type: 'enum', name: 'E', symbols: ['X'] },
      { type: 'enum', name: 'E', symbols: ['X', 'Y'] },
      '$ has lost the symbol Y',
    ],
    [
      'a schema that contains itself',
      record(a, { name: 'next', type: ['null', 'R'] }),
      record(a, { name: 'next', type: ['null', 'R'] }),
      'none',
    ],
  ])('%s', async (_, reader, writer, wanted) => expect(await faults('AVRO', reader, writer)).toBe(wanted));

  test.each([
    ['"thing"', '"thing" is not a type'],
    ['{"type":"record","name":"R"}', 'the record "R" has no fields'],
    ['{"type":"record","name":"9","fields":[]}', '"9" cannot be the name of a type'],
    ['[', 'JSON'],
  ])('%s is not a schema', async (text, why) => {
    const { check } = await rulesOf('AVRO');
    expect(() => check(schemaOf('AVRO', text))).toThrow(why);
  });
});

describe('Protocol Buffers', () => {
  const file = (body: string, more = ''): string => `syntax = "proto3"; ${more} message M { ${body} }`;
  test.each<[string, string, string, string]>([
    ['fields come and go', file('int32 a = 1; string c = 3;'), file('int32 a = 1; string b = 2;'), 'none'],
    ['another name', file('int32 z = 1;'), file('int32 a = 1;'), 'none'],
    ['one wire form', file('int64 a = 1;'), file('bool a = 1;'), 'none'],
    [
      'another wire form',
      file('string a = 1;'),
      file('int32 a = 1;'),
      'M.a was of the type int32, and is of the type string now',
    ],
    [
      'another package',
      file('int32 a = 1;', 'package q;'),
      file('int32 a = 1;', 'package p;'),
      'the package was "p", and is "q" now',
    ],
    ['a message less', 'message N {}', file('int32 a = 1;'), 'the message M is gone'],
    ['repeated numbers', file('repeated int32 a = 1;'), file('int32 a = 1;'), 'M.a was single, and is repeated now'],
    ['repeated texts', file('repeated string a = 1;'), file('string a = 1;'), 'none'],
    [
      'out of a oneof',
      file('oneof x { int32 a = 1; }'),
      file('oneof x { int32 a = 1; int32 b = 2; }'),
      'M.b is gone from the oneof "x"',
    ],
    [
      'into a oneof',
      file('oneof x { int32 a = 1; int32 b = 2; }'),
      file('oneof x { int32 a = 1; } int32 b = 2;'),
      'M.b moved into the oneof "x", which was there before',
    ],
    [
      'maps, options and nested types',
      file('map<string, N> m = 1 [deprecated = true]; message N { int32 a = 1; } enum E { X = 0; }'),
      file('map<string, N> m = 1;'),
      'none',
    ],
  ])('%s', async (_, reader, writer, wanted) => expect(await faults('PROTOBUF', reader, writer)).toBe(wanted));

  test('a text that is no schema is refused', async () => {
    const { check } = await rulesOf('PROTOBUF');
    expect(() => check(schemaOf('PROTOBUF', 'message M { int32 a }'))).toThrow('"=" is expected, not "}"');
    expect(() => check(schemaOf('PROTOBUF', '{"type":"int"}'))).toThrow('"{" cannot stand here');
  });
});

describe('levels', () => {
  const int = { type: 'AVRO', schema: '"int"' } as const;
  const long = { type: 'AVRO', schema: '"long"' } as const;
  const double = { type: 'AVRO', schema: '"double"' } as const;
  const open = async (
    level: 'NONE' | 'BACKWARD' | 'FORWARD' | 'FULL' | 'BACKWARD_TRANSITIVE',
    ...first: (typeof int | typeof long | typeof double)[]
  ) => {
    const registry = new LocalRegistry();
    await registry.setLevel('NONE', 's');
    for (const one of first) await registry.register('s', one);
    await registry.setLevel(level, 's');
    return registry;
  };

  test.each([
    ['BACKWARD', [int], long, true],
    ['BACKWARD', [long], int, false],
    ['FORWARD', [long], int, true],
    ['FORWARD', [int], long, false],
    ['FULL', [int], long, false],
    ['NONE', [long], int, true],
    ['BACKWARD', [double, int], long, true],
    ['BACKWARD_TRANSITIVE', [double, int], long, false],
  ] as const)('%s', async (level, versions, next, fits) => {
    const registry = await open(level, ...versions);
    expect((await registry.incompatibilities('s', next)).length === 0).toBe(fits);
    const registered = await registry.register('s', next).then(
      () => true,
      (error: { code: number }) => error.code === 409 && false,
    );
    expect(registered).toBe(fits);
  });

  test('a text in another spelling is the same version where that is asked for', async () => {
    const registry = new LocalRegistry();
    const { id } = await registry.register(
      's',
      { type: 'JSON', schema: '{"type":"object","title":"T"}' },
      { normalize: true },
    );
    const again = await registry.register(
      's',
      { type: 'JSON', schema: '{ "title": "T", "type": "object" }' },
      { normalize: true },
    );
    expect(again).toEqual({ id, version: 1 });
  });
});
