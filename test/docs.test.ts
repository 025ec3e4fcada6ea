/** The pages about the topology library: each example prints what the page shows, and the comparison with Kafka Streams
 *  names what there is, all of it. */

import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as library from 'millrace';
import * as engine from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { BranchedKStream } from '../engine/dsl/branched-kstream.ts';
import { CogroupedKStream } from '../engine/dsl/cogrouped-kstream.ts';
import { GlobalKTable } from '../engine/dsl/global-ktable.ts';
import { KGroupedStream } from '../engine/dsl/kgrouped-stream.ts';
import { KGroupedTable } from '../engine/dsl/kgrouped-table.ts';
import { KStream } from '../engine/dsl/kstream.ts';
import { KTable } from '../engine/dsl/ktable.ts';
import { SessionWindowedCogroupedKStream } from '../engine/dsl/session-windowed-cogrouped-kstream.ts';
import { SessionWindowedKStream } from '../engine/dsl/session-windowed-kstream.ts';
import { TimeWindowedCogroupedKStream } from '../engine/dsl/time-windowed-cogrouped-kstream.ts';
import { TimeWindowedKStream } from '../engine/dsl/time-windowed-kstream.ts';
import { Streams } from '../engine/runtime/streams.ts';

const home = join(import.meta.dirname, '..');
const pages = globSync('docs/streams/*.md', { cwd: home }).sort();
const read = (page: string): string => readFileSync(join(home, page), 'utf8');

/** The examples of a page: code, and the text that it is said to print. */
const examples = (page: string): { readonly code: string; readonly prints: string }[] =>
  [...read(page).matchAll(/```ts\n(.*?)```\n\nprints\n\n```text\n(.*?)```/gs)].map(([, code = '', prints = '']) => ({
    code,
    prints,
  }));

describe.each(pages.filter((page) => !page.endsWith('coming-from-kafka-streams.md')))('%s', (page) => {
  test('its examples print what it shows', async () => {
    const found = examples(page);
    expect(found.length).toBe([...read(page).matchAll(/```ts\n/g)].length);
    expect(found.length).toBeGreaterThan(0);
    for (const { code, prints } of found) {
      const args = ['--conditions=millrace-source', '--input-type=module-typescript', '-e', code];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: home });
      expect(stdout).toBe(prints);
    }
  });
});

test('links between the pages lead to pages', () => {
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([\w-]+\.md)(?:#[\w-]+)?\)/g)) {
      expect(pages, `${page} links to ${target}`).toContain(join('docs/streams', target));
    }
  }
});

/** The classes that a program calls methods of. */
const classes: Record<string, { readonly prototype: object }> = {
  ...Object.fromEntries(Object.entries(engine).filter(([, value]) => typeof value === 'function')),
  BranchedKStream,
  CogroupedKStream,
  GlobalKTable,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
  SessionWindowedCogroupedKStream,
  SessionWindowedKStream,
  Streams,
  TimeWindowedCogroupedKStream,
  TimeWindowedKStream,
} as Record<string, { readonly prototype: object }>;

const isGetter = (of: object, key: string): boolean => Object.getOwnPropertyDescriptor(of, key)?.get !== undefined;

const membersOf = (name: string): string[] => {
  const found = classes[name];
  if (found === undefined) return [];
  const statics = Object.getOwnPropertyNames(found).filter((key) => !['length', 'name', 'prototype'].includes(key));
  const methods = Object.getOwnPropertyNames(found.prototype ?? {}).filter((key) => key !== 'constructor');
  if (name.endsWith('Windows')) return [...statics, ...methods.filter((key) => !isGetter(found.prototype, key))];
  return [...statics, ...methods];
};

const comparison = read('docs/streams/coming-from-kafka-streams.md');
/** The names in code within the right column of the comparison. */
const ours = comparison
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .flatMap((line) =>
    [...(line.split(' | ')[1] ?? '').matchAll(/`([A-Za-z]+(?:\.\w+)?)`/g)].map(([, name = '']) => name),
  );

/** What the comparison names that is an option. */
const options = ['onUncaught', 'onError', 'deadLetters', 'timestamp', 'invalidTimestamp'];

test('what the comparison with Kafka Streams names exists', () => {
  for (const name of ours) {
    const [owner = '', member] = name.split('.');
    if (owner === 'millrace' || options.includes(name)) continue;
    if (member === undefined)
      expect({ ...engine, ...library, TestInput: 1, TestOutput: 1 }, name).toHaveProperty(owner);
    else if (owner === 'serdes') expect(engine.serdes, name).toHaveProperty(member);
    else if (owner === 'Stores') expect(engine.Stores, name).toHaveProperty(member);
    else expect(membersOf(owner), name).toContain(member);
  }
  expect(ours.length).toBeGreaterThan(90);
});

/** Members that a program does not call. */
const inner = new Set(['Streams.of']);

test('no method of the library is missing from the comparison', () => {
  const missing = Object.keys(classes)
    .filter((name) =>
      /^(K|Global|Branched|Cogrouped|TimeWindow|SessionWindow|Sliding|Unlimited|Join|Suppressed|Buffer|Streams)/.test(
        name,
      ),
    )
    .flatMap((name) => membersOf(name).map((member) => `${name}.${member}`))
    .filter((name) => !ours.includes(name) && !inner.has(name));
  expect(missing).toEqual([]);
  const stores = Object.keys(engine.Stores).map((name) => `Stores.${name}`);
  const serdes = Object.keys(engine.serdes).map((name) => `serdes.${name}`);
  expect([...stores, ...serdes].filter((name) => !ours.includes(name))).toEqual([]);
});
