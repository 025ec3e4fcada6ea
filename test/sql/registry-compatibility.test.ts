/** Whether data of one schema can be read with another: a table for each type of schema, then the levels. */

import { describe, expect, test } from 'vitest';
import { rulesOf } from '../../sql/registry/compatibility/index.ts';
import { LocalRegistry } from '../../sql/registry/local-registry.ts';
import type { ResolvedSchema, SchemaType } from '../../sql/registry/schema.ts';

const textOf = (schema: unknown): string => (typeof schema === 'string' ? schema : JSON.stringify(schema));

/** `others`: the texts that it refers to, by the names under which it does. */
const schemaOf = (
  type: SchemaType,
  schema: unknown,
  others: Readonly<Record<string, unknown>> = {},
): ResolvedSchema => ({
  type,
  schema: textOf(schema),
  definitions: Object.entries(others).map(([name, text]) => ({ name, schema: textOf(text) })),
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
    [
      'a property more that is called like a method of objects',
      object({ ...a, constructor: { type: 'string' } }),
      object(a),
      '$.constructor was added where other properties were allowed before',
    ],
    [
      'an alternative of itself',
      { oneOf: [{ $ref: '#' }, { type: 'string' }, { type: 'integer' }] },
      { oneOf: [{ $ref: '#' }, { type: 'string' }] },
      'none',
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
    [
      'references to other parts of equal text',
      object({ x: { $ref: '#/definitions/A' } }, { definitions: { A: { type: 'string' } } }),
      object({ x: { $ref: '#/definitions/A' } }, { definitions: { A: { type: 'integer' } } }),
      '$.x was of the type integer, and is of the type string now',
    ],
    [
      'a schema that contains itself',
      object({ x: { $ref: '#' }, y: { type: 'string' } }),
      object({ x: { $ref: '#' }, y: { type: 'integer' } }),
      '$.y was of the type integer, and is of the type string now',
    ],
    ['anything as an alternative', { oneOf: [{ type: 'null' }, {}] }, { type: 'integer' }, 'none'],
    [
      'no longer anything as an alternative',
      { type: ['null', 'integer'] },
      { oneOf: [{ type: 'null' }, {}] },
      '$ has lost the alternative {}',
    ],
    [
      'values of another type',
      { type: 'number' },
      { enum: ['x'] },
      '$ was of the type string, and is of the type number now',
    ],
    ['values of the type', { type: 'number' }, { enum: [1, 2] }, 'none'],
    [
      'exactly one alternative now',
      { oneOf: [{ type: 'null' }, { type: 'string' }] },
      { anyOf: [{ type: 'null' }, { type: 'string' }] },
      '$ could be of several alternatives at once, and is of exactly one now',
    ],
    ['references in a circle', { $ref: '#' }, { $ref: '#' }, 'none'],
  ])('%s', async (_, reader, writer, wanted) => expect(await faults('JSON', reader, writer)).toBe(wanted));

  test.each(['anyOf', 'oneOf', 'allOf'])('definitions that refer to the next one twice by %s', async (word) => {
    const twice = (leaf: string): object => ({
      definitions: {
        ...Object.fromEntries(
          Array.from({ length: 60 }, (_, i) => {
            const next = { $ref: `#/definitions/d${i + 1}` };
            return [`d${i}`, { [word]: [next, next] }];
          }),
        ),
        d60: { type: leaf },
      },
      $ref: '#/definitions/d0',
    });
    expect(await faults('JSON', twice('string'), twice('string'))).toBe('none');
    expect(await faults('JSON', twice('string'), twice('integer'))).toContain(
      '$ was of the type integer, and is of the type string now',
    );
  });

  test.each(['anyOf', 'allOf'])('alternatives that are too many to be compared each with each by %s', async (word) => {
    const many = (begin: string): object => ({
      [word]: Array.from({ length: 5000 }, (_, i) => ({ type: 'string', const: `${begin}${i}` })),
    });
    const started = performance.now();
    await expect(faults('JSON', many('a'), many('b'))).rejects.toThrow(RangeError);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a fault behind many references is told where they first come to it', async () => {
    const twice = (leaf: string): object => {
      const holder = (i: number): object => {
        const next = { $ref: `#/definitions/d${i + 1}` };
        return object({ a: next, b: next });
      };
      const holders = Array.from({ length: 60 }, (_, i) => [`d${i}`, holder(i)] as const);
      const last = object({ x: { type: leaf } });
      return { definitions: { ...Object.fromEntries(holders), d60: last }, ...holder(-1) };
    };
    const told = (await faults('JSON', twice('string'), twice('integer'))).split('; ');
    expect(told[0]).toBe(`$${'.a'.repeat(61)}.x was of the type integer, and is of the type string now`);
    expect(told.length).toBeLessThan(100);
  });

  test.each([
    ['3', '$ is not an object, true or false'],
    ['{"type":"thing"}', '$ has the type "thing", which there is not'],
    ['{"properties":{"a":{"type":["null","x"]}}}', '$.a has the type "x", which there is not'],
    ['{"properties":3}', '$ needs an object as "properties"'],
    ['{"oneOf":{}}', '$ needs a list as "oneOf"'],
    ['{"items":{"$ref":"#/definitions/A"}}', '$.items refers to #/definitions/A, which there is not'],
    ['{"$ref":"#/constructor"}', '$ refers to #/constructor, which there is not'],
    [`${'{"items":'.repeat(1000)}{}${'}'.repeat(1000)}`, 'it is more than 200 levels deep'],
    ['{"$ref":"other.json"}', '$ refers to other.json, which there is not'],
    ['{', 'JSON'],
  ])('%s is not a schema', async (text, why) => {
    const { check } = await rulesOf('JSON');
    expect(() => check(schemaOf('JSON', text))).toThrow(why);
  });

  test.each([
    'true',
    '{"$ref":"https://json-schema.org/draft-07/schema#"}',
    '{"$ref":"#anchor"}',
    '{"items":[{},true]}',
  ])('%s is a schema', async (text) => (await rulesOf('JSON')).check(schemaOf('JSON', text)));
});

describe('Avro', () => {
  const record = (...fields: object[]) => ({ type: 'record', name: 'R', fields });
  test('a fault behind many references is told where they first come to it', async () => {
    const twice = (leaf: string): object => {
      let schema: object = { type: 'record', name: 'R60', fields: [{ name: 'x', type: leaf }] };
      for (let i = 59; i >= 0; i--) {
        const fields = [
          { name: 'a', type: schema },
          { name: 'b', type: `R${i + 1}` },
        ];
        schema = { type: 'record', name: `R${i}`, fields };
      }
      return schema;
    };
    const told = (await faults('AVRO', twice('string'), twice('int'))).split('; ');
    expect(told[0]).toBe(`$${'.a'.repeat(60)}.x was int, and is string now`);
    expect(told.length).toBeLessThan(100);
  });

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
    ['another namespace', { ...record(a), namespace: 'x' }, { ...record(a), namespace: 'y' }, 'none'],
    [
      'an alias in a namespace',
      { ...record(a), name: 'S', namespace: 'x', aliases: ['R', 'y.R'] },
      { ...record(a), namespace: 'z' },
      '$ was called "z.R", and is called "x.S" now',
    ],
    [
      'an alias in the namespace of the name',
      { ...record(a), name: 'S', namespace: 'x', aliases: ['R'] },
      { ...record(a), namespace: 'x' },
      'none',
    ],
    [
      'an alias of an enum',
      { type: 'enum', name: 'E', aliases: ['F'], symbols: ['X'] },
      { type: 'enum', name: 'F', symbols: ['X'] },
      'none',
    ],
    [
      'another name of an enum',
      { type: 'enum', name: 'E', symbols: ['X'] },
      { type: 'enum', name: 'F', symbols: ['X'] },
      '$ was called "F", and is called "E" now',
    ],
    [
      'a symbol less, and a default',
      { type: 'enum', name: 'E', symbols: ['X'], default: 'X' },
      { type: 'enum', name: 'E', symbols: ['X', 'Y'] },
      'none',
    ],
    [
      'an alias of a fixed',
      { type: 'fixed', name: 'E', aliases: ['F'], size: 4 },
      { type: 'fixed', name: 'F', size: 4 },
      'none',
    ],
    [
      'another size',
      { type: 'fixed', name: 'F', size: 8 },
      { type: 'fixed', name: 'F', size: 4 },
      '$ had 4 bytes, and has 8 now',
    ],
    [
      'two fields as one',
      record({ name: 'a', type: 'int', aliases: ['b'] }),
      record(a, { name: 'b', type: 'int' }),
      '$.a stands for a and b, which were two fields',
    ],
    [
      'a named type that is used again',
      record({ name: 'b', type: { ...record(a), name: 'x.S' } }, { name: 'c', type: 'x.S' }),
      record({ name: 'b', type: { ...record(a), name: 'x.S' } }, { name: 'c', type: 'int' }),
      '$.c was int, and is record "x.S" now',
    ],
    ['logical types', { type: 'int', logicalType: 'date' }, '"int"', 'none'],
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
    ['"thing"', 'there is no type "thing"'],
    ['{"type":"record","name":"R"}', 'the record R has no list of fields'],
    ['{"type":"record","name":"9","fields":[]}', '"9" is not a name'],
    [
      '{"type":"enum","name":"E","symbols":["X"],"default":"Y"}',
      'the default Y of the enum E is not one of its symbols',
    ],
    ['[', 'JSON'],
  ])('%s is not a schema', async (text, why) => {
    const { check } = await rulesOf('AVRO');
    expect(() => check(schemaOf('AVRO', text))).toThrow(why);
  });
});

describe('Protocol Buffers', () => {
  test('a message of so many fields that reading them would hold up the process', async () => {
    const { check } = await rulesOf('PROTOBUF');
    const fields = (count: number, from = 20_000): string =>
      Array.from({ length: count }, (_, i) => `int32 f${from + i} = ${from + i}; // ;`).join('\n');
    const values = Array.from({ length: 6000 }, (_, i) => `V${i} = ${i};`).join('\n');
    const oneofs = Array.from({ length: 5000 }, (_, i) => `oneof o${i} { ${fields(1, 20_000 + i)}\n }`).join('\n');
    const file = (text: string) => schemaOf('PROTOBUF', `syntax = "proto3"; ${text}`);
    check(
      file(
        `message A { ${fields(1000)}\n } message B { ${fields(1000)}\n /* } ; " */ string s = 1 [json_name = ";}"]; }`,
      ),
    );
    check(file(`enum E { ${values} } message A { E e = 1; }`));
    const why = 'the schema has too many fields: one message may have 4000';
    expect(() => check(file(`message A { ${fields(4001)}\n }`))).toThrow(why);
    expect(() => check(file(`message A { ${oneofs} }`))).toThrow(why);
    const repeated = (count: number, each: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => each(i)).join('\n');
    // Several messages, which are all parsed in one go.
    expect(() => check(file(repeated(5, (i) => `message M${i} { ${fields(2000)}\n }`)))).toThrow(why);
    check(file(repeated(6000, (i) => `message M${i} { int32 enum = 1; M${i} oneof = 2; }`)));
    // Extensions, groups and reserved numbers take the parser as long.
    const old = (text: string) => schemaOf('PROTOBUF', `syntax = "proto2"; ${text}`);
    const numbers = Array.from({ length: 5000 }, (_, i) => 20_000 + i).join();
    const extend = repeated(5000, (i) => `extend A { optional int32 f${i} = ${i + 1}; }`);
    expect(() => check(old(`message A { extensions 1 to max; } ${extend}`))).toThrow(why);
    const groups = repeated(5000, (i) => `optional group G${i} = ${i + 1} { }`);
    expect(() => check(old(`message A { ${groups} }`))).toThrow(why);
    expect(() => check(old(`message A { optional group enum = 1 { ${groups} } }`))).toThrow(why);
    expect(() => check(old(`message A { reserved ${numbers}; }`))).toThrow(why);
    expect(() => check(old(`enum A { V = 0; reserved ${numbers}; }`))).toThrow(why);
  });

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
    ['repeated numbers', file('repeated int32 a = 1;'), file('int32 a = 1;'), 'none'],
    [
      'a declared label',
      file('repeated int32 a = 1;'),
      file('optional int32 a = 1;'),
      'M.a was optional, and is repeated now',
    ],
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
    ['a oneof less', file('string c = 3;'), file('oneof x { int32 a = 1; int32 b = 2; }'), 'none'],
    [
      'a part of a oneof less',
      file('int32 a = 1;'),
      file('oneof x { int32 a = 1; int32 b = 2; }'),
      'M.b is gone from the oneof "x"',
    ],
    [
      'several into a oneof',
      file('oneof x { int32 a = 1; int32 b = 2; }'),
      file('int32 a = 1; int32 b = 2;'),
      'M: several fields moved into the oneof "x"',
    ],
    [
      'options and nested types',
      file('map<string, N> m = 1 [deprecated = true]; message N { int32 a = 1; } enum E { X = 0; }'),
      file('map<string, N> m = 1; message N { }'),
      'none',
    ],
    [
      'a map of other values',
      file('map<string, string> a = 1;'),
      file('map<string, int32> a = 1;'),
      'M.aEntry.value was of the type int32, and is of the type string now',
    ],
    [
      'a map of messages',
      file('map<string, N> a = 1; message N {}'),
      file('repeated N a = 1; message N {}'),
      'M.a was no map, and is one now',
    ],
    ['a nested message less', file('int32 a = 1;'), file('int32 a = 1; message N {}'), 'the message M.N is gone'],
    [
      'another message',
      file('N a = 1;', 'message N {} message O {}'),
      file('O a = 1;', 'message N {} message O {}'),
      'M.a was of the type O, and is of the type N now',
    ],
    ['an enum as a number', file('E a = 1; enum E { X = 0; }'), file('int32 a = 1;'), 'none'],
    [
      'types that are declared nowhere',
      file('p.N a = 1; map<string, N> b = 2;'),
      file('p.N a = 1; N b = 2;'),
      'M.b was no map, and is one now',
    ],
    [
      'another type that is declared nowhere',
      file('p.N a = 1;'),
      file('p.O a = 1;'),
      'M.a was of the type p.O, and is of the type p.N now',
    ],
    ['services are not compared', 'message M {} service S { rpc X (Q) returns (M); }', 'message M {}', 'none'],
  ])('%s', async (_, reader, writer, wanted) => expect(await faults('PROTOBUF', reader, writer)).toBe(wanted));

  test('a text that is no schema is refused', async () => {
    const { check } = await rulesOf('PROTOBUF');
    expect(() => check(schemaOf('PROTOBUF', 'message M { int32 a }'))).toThrow("illegal token 'int32'");
    expect(() => check(schemaOf('PROTOBUF', '{"type":"int"}'))).toThrow("illegal token '{'");
    expect(() => check(schemaOf('PROTOBUF', 'message M { N a = 1; }'))).toThrow('N');
  });

  test('the normal form has no comments, and keeps what stands in quotes', async () => {
    const { normalized } = await rulesOf('PROTOBUF');
    const text = 'syntax="proto3"; // one\noption go_package = "https://a//b"; /* two */ message M{int32 a=1;}';
    const wanted = 'syntax = "proto3" ;\noption go_package = "https://a//b" ;\nmessage M {\nint32 a = 1 ;\n}\n';
    expect(normalized(schemaOf('PROTOBUF', text))).toBe(wanted);
    expect(normalized(schemaOf('PROTOBUF', wanted))).toBe(wanted);
  });
});

describe('schemas that others use', () => {
  const used = (type: string) => ({ type: 'record', name: 'x.Inner', fields: [{ name: 'i', type }] });
  const proto = (type: string): string => `syntax = "proto3"; package x; message Inner { ${type} i = 1; }`;
  test.each<[SchemaType, string, unknown, unknown, unknown, string]>([
    [
      'AVRO',
      'inner',
      { type: 'record', name: 'Outer', fields: [{ name: 'a', type: 'x.Inner' }] },
      used('string'),
      used('int'),
      '$.a.i was int, and is string now',
    ],
    [
      'PROTOBUF',
      'inner.proto',
      'syntax = "proto3"; import "inner.proto"; message Outer { x.Inner a = 1; }',
      proto('string'),
      proto('int32'),
      'x.Inner.i was of the type int32, and is of the type string now',
    ],
    [
      'JSON',
      'inner.json',
      { type: 'object', properties: { a: { $ref: 'inner.json#/definitions/a%20b' } } },
      { definitions: { 'a b': { type: 'string' } } },
      { definitions: { 'a b': { type: 'integer' } } },
      '$.a was of the type integer, and is of the type string now',
    ],
  ])('%s', async (type, name, schema, now, before, why) => {
    const { check, faults: between } = await rulesOf(type);
    const [reader, writer] = [schemaOf(type, schema, { [name]: now }), schemaOf(type, schema, { [name]: before })];
    check(reader);
    expect(between(reader, reader)).toEqual([]);
    expect(between(reader, writer)).toEqual([why]);
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
