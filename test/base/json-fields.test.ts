import { expect, test } from 'vitest';
import { JsonFault, JsonFields } from '../../base/index.ts';

const fields = JsonFields.parse('{"text":"a","count":3,"list":[1],"texts":{"a":"b"},"none":null,"kind":"x"}');

test('a field that is what it must be is answered as that', () => {
  expect([fields.text('text'), fields.count('count'), fields.list('list')]).toEqual(['a', 3, [1]]);
  expect([fields.texts('texts'), fields.oneOf('kind', ['x', 'y'])]).toEqual([{ a: 'b' }, 'x']);
  expect([fields.optionalText('text'), fields.optionalText('missing'), fields.optionalCount('missing')]).toEqual([
    'a',
    undefined,
    undefined,
  ]);
});

test.each<[() => unknown, string]>([
  [() => fields.text('count'), 'the field "count" must be a text, not 3'],
  [() => fields.text('missing'), 'the field "missing" is missing; it must be a text'],
  [() => fields.count('text'), 'the field "text" must be a whole number of at least 0, not "a"'],
  [() => fields.optionalCount('none'), 'the field "none" must be a whole number of at least 0, not null'],
  [() => JsonFields.parse('{"n":-1}').count('n'), 'the field "n" must be a whole number of at least 0, not -1'],
  [() => JsonFields.parse('{"n":1.5}').count('n'), 'the field "n" must be a whole number of at least 0, not 1.5'],
  [() => fields.list('texts'), 'the field "texts" must be a list, not {"a":"b"}'],
  [() => fields.fields('list'), 'the field "list" must be an object, not [1]'],
  [() => JsonFields.parse('{"o":{"a":1}}').texts('o'), 'the field "a" must be a text, not 1'],
  [() => fields.oneOf('kind', ['y', 'z']), 'the field "kind" must be one of y, z, not "x"'],
  [() => new JsonFields([1]), 'it must be a JSON object, not [1]'],
  [() => JsonFields.parse('{"a":'), 'it is not JSON: '],
])('a fault names the field and what it holds (%#)', (read, message) => {
  expect(read).toThrow(JsonFault);
  expect(read).toThrow(message);
});
