/** PRINT of topics whose records name their schema in the registry. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'millrace';
import { expect, test } from 'vitest';
import { framedText } from '../../sql/formats/framed-text.ts';
import { LocalRegistry } from '../../sql/registry/local-registry.ts';

test.each(['AVRO', 'PROTOBUF', 'JSON_SR'])('records of %s are shown as JSON', async (format) => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-print-'));
  const millrace = await open({ data, workers: 0 });
  try {
    await millrace.sql(
      `CREATE STREAM s (k STRING KEY, id BIGINT, tags ARRAY<STRING>) WITH (kafka_topic = 's', partitions = 1, value_format = '${format}');
       INSERT INTO s (k, id, tags) VALUES ('a', 9007199254740993, ARRAY['x']);`,
    );
    for await (const record of millrace.consume('s', { untilEnd: true })) {
      const bytes = record.value ?? new Uint8Array(0);
      const schema = await millrace.engine.registry.byId(bytes[4] ?? 0);
      const text = schema && (await framedText(schema));
      expect(text?.format).toBe(format);
      expect(text?.read(bytes)).toBe('{"ID":9007199254740993,"TAGS":["x"]}');
      expect(text?.read(bytes.subarray(0, 7))).toBeUndefined();
    }
    expect.assertions(3);
  } finally {
    await millrace.close();
    rmSync(data, { recursive: true, force: true });
  }
});

test('a value without an envelope is shown, too', async () => {
  const registry = new LocalRegistry();
  const { id } = await registry.register('s', { type: 'AVRO', schema: '"int"' });
  const schema = await registry.byId(id);
  const text = schema && (await framedText(schema));
  expect(text?.read(Uint8Array.of(0, 0, 0, 0, id, 84))).toBe('42');
});
