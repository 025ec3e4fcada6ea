/**
 * The HTTP API of the registry as a table: requests in their order, each with its answer. Status, error codes and the
 * shape of answers are those that clients of Confluent's registry expect.
 */

import { expect, test } from 'vitest';
import { LocalRegistry } from '../../sql/index.ts';
import { answerApi } from '../../sql/registry/http-api.ts';

const registry = new LocalRegistry();

const ask = (request: string, body?: unknown): Promise<unknown> => {
  const [method = '', url = ''] = request.split(' ');
  const { pathname, searchParams } = new URL(url, 'http://host');
  return answerApi(registry, { method, path: pathname, query: Object.fromEntries(searchParams), body });
};

const record = (...fields: readonly string[]): string =>
  JSON.stringify({ type: 'record', name: 'R', fields: fields.map((name) => ({ name, type: 'int' })) });
const [a, ab] = [record('a'), record('a', 'b')];
const object = '{"type":"object"}';
const spaced = '{ "type": "object" }';
const uses = {
  schemaType: 'PROTOBUF',
  schema: 'syntax = "proto3"; import "inner.proto"; message M { Inner a = 1; }',
  references: [{ name: 'inner.proto', subject: 'inner', version: 1 }],
};
const inner = { schemaType: 'PROTOBUF', schema: 'syntax = "proto3"; message Inner { int32 a = 1; }' };
const notCompatible = '$.b was added without a default';

type Row = readonly [request: string, body: unknown, status: number, answer: unknown];

test.each<Row>([
  // What there is of nothing.
  ['GET /subjects', undefined, 200, []],
  ['GET /schemas', undefined, 200, []],
  ['GET /schemas/types', undefined, 200, ['AVRO', 'JSON', 'PROTOBUF']],
  ['GET /schemas/ids/1', undefined, 404, 40403],
  ['GET /schemas/ids/x', undefined, 404, 40403],
  ['GET /subjects/s/versions', undefined, 404, 40401],
  ['GET /subjects/s/versions/latest', undefined, 404, 40401],
  ['POST /subjects/s', { schema: a }, 404, 40401],
  ['DELETE /subjects/s', undefined, 404, 40401],
  ['DELETE /subjects/s/versions/1', undefined, 404, 40401],
  ['POST /compatibility/subjects/s/versions/latest', { schema: a }, 200, { is_compatible: true }],
  ['POST /compatibility/subjects/s/versions', { schema: a }, 200, { is_compatible: true }],
  ['POST /compatibility/subjects/s/versions/1', { schema: a }, 404, 40402],

  // Registering.
  ['POST /subjects/s/versions', { schema: a }, 200, { id: 1 }],
  ['POST /subjects/s/versions', { schema: a, schemaType: 'AVRO', id: -1, version: -1 }, 200, { id: 1 }],
  ['POST /subjects/s/versions', { schema: a, id: 7 }, 422, 42205],
  ['POST /subjects/s/versions', { schema: ab }, 409, 409],
  ['POST /subjects/s/versions', { schema: '"thing"' }, 422, 42201],
  ['POST /subjects/s/versions', { schema: a, schemaType: 'XML' }, 422, 42201],
  ['POST /subjects/s/versions', {}, 422, 42201],
  ['POST /subjects/s', { schema: a }, 200, { subject: 's', version: 1, id: 1, schema: a }],
  ['POST /subjects/s', { schema: ab }, 404, 40403],
  ['POST /subjects/a%2Fb/versions', { schema: object, schemaType: 'JSON' }, 200, { id: 2 }],
  [
    'POST /subjects/a%2Fb?normalize=true',
    { schema: spaced, schemaType: 'JSON' },
    200,
    {
      subject: 'a/b',
      version: 1,
      id: 2,
      schemaType: 'JSON',
      schema: object,
    },
  ],
  ['POST /subjects/a%2Fb', { schema: spaced, schemaType: 'JSON' }, 404, 40403],

  // Compatibility, and its level.
  ['POST /compatibility/subjects/s/versions/1', { schema: ab }, 200, { is_compatible: false }],
  [
    'POST /compatibility/subjects/s/versions/1?verbose=true',
    { schema: ab },
    200,
    {
      is_compatible: false,
      messages: [notCompatible],
    },
  ],
  [
    'POST /compatibility/subjects/s/versions/latest?verbose=true',
    { schema: a },
    200,
    { is_compatible: true, messages: [] },
  ],
  [
    'POST /compatibility/subjects/s/versions?verbose=true',
    { schema: ab },
    200,
    {
      is_compatible: false,
      messages: [notCompatible],
    },
  ],
  ['POST /compatibility/subjects/s/versions/9', { schema: ab }, 404, 40402],
  ['POST /compatibility/subjects/s/versions/0', { schema: ab }, 422, 42202],
  ['GET /config', undefined, 200, { compatibilityLevel: 'BACKWARD' }],
  ['GET /config/s', undefined, 404, 40408],
  ['GET /config/s?defaultToGlobal=true', undefined, 200, { compatibilityLevel: 'BACKWARD' }],
  ['DELETE /config/s', undefined, 404, 40401],
  ['PUT /config/s', { compatibility: 'SOME' }, 422, 42203],
  ['PUT /config/s', { compatibility: 'forward' }, 200, { compatibility: 'FORWARD' }],
  ['GET /config/s', undefined, 200, { compatibilityLevel: 'FORWARD' }],
  ['POST /subjects/s/versions', { schema: ab }, 200, { id: 3 }],
  ['DELETE /config/s', undefined, 200, { compatibilityLevel: 'FORWARD' }],
  ['PUT /config', { compatibility: 'NONE' }, 200, { compatibility: 'NONE' }],
  // The second version lacks nothing of the first, and the first lacks a field of the second.
  ['POST /compatibility/subjects/s/versions/2', { schema: '"int"' }, 200, { is_compatible: true }],
  ['DELETE /config', undefined, 200, { compatibilityLevel: 'NONE' }],
  ['POST /compatibility/subjects/s/versions/1', { schema: ab }, 200, { is_compatible: false }],
  ['POST /compatibility/subjects/s/versions/2', { schema: ab }, 200, { is_compatible: true }],

  // Reading.
  ['GET /subjects', undefined, 200, ['a/b', 's']],
  ['GET /subjects?subjectPrefix=a', undefined, 200, ['a/b']],
  ['GET /subjects/s/versions', undefined, 200, [1, 2]],
  ['GET /subjects/s/versions/1', undefined, 200, { subject: 's', version: 1, id: 1, schema: a }],
  ['GET /subjects/s/versions/latest', undefined, 200, { subject: 's', version: 2, id: 3, schema: ab }],
  ['GET /subjects/s/versions/-1', undefined, 200, { subject: 's', version: 2, id: 3, schema: ab }],
  ['GET /subjects/s/versions/1/schema', undefined, 200, JSON.parse(a)],
  ['GET /subjects/s/versions/9', undefined, 404, 40402],
  ['GET /subjects/s/versions/x', undefined, 422, 42202],
  ['GET /subjects/s/versions/2147483648', undefined, 422, 42202],
  ['GET /subjects/%/versions', undefined, 400, 400],
  ['GET /schemas/ids/1', undefined, 200, { schema: a }],
  ['GET /schemas/ids/2', undefined, 200, { schemaType: 'JSON', schema: object }],
  ['GET /schemas/ids/1/schema', undefined, 200, JSON.parse(a)],
  ['GET /schemas/ids/1/subjects', undefined, 200, ['s']],
  ['GET /schemas/ids/1/versions', undefined, 200, [{ subject: 's', version: 1 }]],
  ['GET /schemas?latestOnly=true&subjectPrefix=s', undefined, 200, [{ subject: 's', version: 2, id: 3, schema: ab }]],
  ['GET /schemas?offset=1&limit=1', undefined, 200, [{ subject: 's', version: 1, id: 1, schema: a }]],

  // References.
  ['POST /subjects/uses/versions', uses, 422, 42201],
  ['POST /subjects/inner/versions', inner, 200, { id: 4 }],
  ['POST /subjects/uses/versions', { ...uses, references: [{ name: 'inner.proto' }] }, 422, 42201],
  ['POST /subjects/uses/versions', { ...uses, references: 'inner' }, 422, 42201],
  ['POST /subjects/uses/versions', uses, 200, { id: 5 }],
  ['GET /subjects/uses/versions/1', undefined, 200, { subject: 'uses', version: 1, id: 5, ...uses }],
  ['GET /subjects/inner/versions/latest/referencedby', undefined, 200, [5]],
  ['GET /subjects/uses/versions/1/referencedby', undefined, 200, []],
  ['DELETE /subjects/inner', undefined, 422, 42206],
  ['DELETE /subjects/inner/versions/1', undefined, 422, 42206],

  // Deleting.
  ['DELETE /subjects/s/versions/1?permanent=true', undefined, 404, 40407],
  ['DELETE /subjects/s/versions/9', undefined, 404, 40402],
  ['DELETE /subjects/s/versions/1', undefined, 200, 1],
  ['DELETE /subjects/s/versions/1', undefined, 404, 40406],
  ['GET /subjects/s/versions', undefined, 200, [2]],
  ['GET /subjects/s/versions?deleted=true', undefined, 200, [1, 2]],
  ['GET /subjects/s/versions?deletedOnly=true', undefined, 200, [1]],
  ['GET /subjects/s/versions/1', undefined, 404, 40402],
  ['GET /subjects/s/versions/1?deleted=true', undefined, 200, { subject: 's', version: 1, id: 1, schema: a }],
  ['GET /schemas/ids/1', undefined, 200, { schema: a }],
  ['GET /schemas/ids/1/versions', undefined, 200, []],
  ['GET /schemas/ids/1/versions?deleted=true', undefined, 200, [{ subject: 's', version: 1 }]],
  ['POST /subjects/s', { schema: a }, 404, 40403],
  ['POST /subjects/s?deleted=true', { schema: a }, 200, { subject: 's', version: 1, id: 1, schema: a }],
  ['DELETE /subjects/s/versions/1?permanent=true', undefined, 200, 1],
  ['GET /subjects/s/versions?deleted=true', undefined, 200, [2]],
  ['DELETE /subjects/s?permanent=true', undefined, 404, 40405],
  ['DELETE /subjects/s', undefined, 200, [2]],
  ['DELETE /subjects/s', undefined, 404, 40404],
  ['GET /subjects', undefined, 200, ['a/b', 'inner', 'uses']],
  ['GET /subjects?deleted=true', undefined, 200, ['a/b', 'inner', 's', 'uses']],
  ['GET /subjects?deletedOnly=true', undefined, 200, ['s']],
  ['DELETE /subjects/s?permanent=true', undefined, 200, [2]],
  ['GET /subjects?deleted=true', undefined, 200, ['a/b', 'inner', 'uses']],
  ['DELETE /subjects/a%2Fb/versions/latest', undefined, 200, 1],

  // Modes.
  ['GET /mode', undefined, 200, { mode: 'READWRITE' }],
  ['GET /mode/s', undefined, 404, 40409],
  ['GET /mode/s?defaultToGlobal=true', undefined, 200, { mode: 'READWRITE' }],
  ['PUT /mode/s', { mode: 'IMPORT' }, 422, 42204],
  ['PUT /mode/s', { mode: 'READONLY' }, 200, { mode: 'READONLY' }],
  ['GET /mode/s', undefined, 200, { mode: 'READONLY' }],
  ['POST /subjects/s/versions', { schema: a }, 422, 42205],
  ['DELETE /mode/s', undefined, 200, { mode: 'READONLY' }],
  ['DELETE /mode/s', undefined, 404, 40401],
  ['POST /subjects/s/versions', { schema: a }, 200, { id: 1 }],
  ['PUT /mode', { mode: 'READONLY' }, 200, { mode: 'READONLY' }],
  ['POST /subjects/s/versions', { schema: ab }, 422, 42205],
  ['DELETE /subjects/s', undefined, 422, 42205],
  ['DELETE /subjects/s/versions/1', undefined, 422, 42205],
  // What there is already is no change.
  ['POST /subjects/s/versions', { schema: a }, 200, { id: 1 }],
  ['PUT /mode', { mode: 'READWRITE' }, 200, { mode: 'READWRITE' }],

  ['GET /schemas/nothing', undefined, 404, 404],
  ['PATCH /subjects', undefined, 404, 404],
  ['GET /other', undefined, 404, 404],
])('%s %j: %i', async (request, body, status, answer) => {
  expect(await ask(request, body)).toEqual(
    status === 200
      ? { status, body: answer }
      : { status, body: { error_code: answer, message: expect.stringMatching(/\w/) } },
  );
});
