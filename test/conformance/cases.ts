/**
 * Reading cases: files of `{"tests": [...]}`, spread over formats and configurations, numbers with all their digits.
 *
 * A whole number that a double would blur (beyond 2^53) is read as a bigint, a fraction as its text (`NumberText`);
 * others are plain numbers.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseExactJson } from '../../server/exact-json.ts';
import { NumberText } from '../../sql/index.ts';

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | NumberText
  | readonly Json[]
  | { readonly [name: string]: Json };

export interface CaseWindow {
  readonly start: number;
  readonly end: number;
  readonly type: 'time' | 'session';
}

export interface CaseRecord {
  readonly topic: string;
  readonly key?: Json;
  readonly value?: Json;
  readonly timestamp?: number;
  readonly window?: CaseWindow;
  readonly headers?: readonly { readonly KEY: string; readonly VALUE: string | null }[];
}

export interface CaseSource {
  readonly name: string;
  readonly type: 'stream' | 'table';
  readonly schema?: string;
  readonly keyFormat?:
    | string
    | { readonly format: string; readonly windowType?: string; readonly windowSize?: number | null };
  readonly valueFormat?: string;
  readonly valueFeatures?: readonly string[];
  readonly keyFeatures?: readonly string[];
}

export interface CaseTopic {
  readonly name: string;
  readonly partitions?: number;
  readonly format?: string;
  /** The name of the format, or what is expected of it. */
  readonly keyFormat?: string | { readonly format: string };
  readonly valueFormat?: string | { readonly format: string };
  /** Schemas that are registered before; what is expected to be registered. */
  readonly keySchema?: Json;
  readonly valueSchema?: Json;
  readonly schema?: Json;
  readonly keySchemaId?: number;
  readonly valueSchemaId?: number;
  readonly keySchemaReferences?: readonly CaseReference[];
  readonly valueSchemaReferences?: readonly CaseReference[];
}

/** A schema that one of a topic refers to. */
export interface CaseReference {
  readonly name: string;
  readonly schema: Json;
}

export interface Case {
  readonly id: string;
  readonly statements: readonly string[];
  readonly properties: Readonly<Record<string, Json>>;
  readonly topics: readonly CaseTopic[];
  readonly inputs: readonly CaseRecord[];
  readonly outputs: readonly CaseRecord[];
  readonly expectedException?: { readonly message?: string };
  readonly post?: {
    readonly sources?: readonly CaseSource[];
    readonly topics?: { readonly blacklist?: string; readonly topics?: readonly CaseTopic[] };
  };
  readonly versions?: { readonly min?: string; readonly max?: string };
  /** Answers of a server: the case is one for the REST interface. */
  readonly responses?: readonly Json[];
  /** Statements, topics, properties and expected sources as they stand in the file, for rules that look at the text. */
  readonly text: string;
}

interface RawCase extends Partial<Omit<Case, 'id' | 'text'>> {
  readonly name: string;
  readonly format?: readonly string[];
  readonly config?: readonly string[];
}

/** JSON with exact numbers. */
export const readJson = (text: string): Json => parseExactJson(text) as Json;

/** The same value as text, bigints as numbers. */
export const writeJson = (value: Json): string => {
  if (typeof value === 'bigint' || value instanceof NumberText) return value.toString();
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(writeJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, part]) => `${JSON.stringify(name)}:${writeJson(part as Json)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value ?? null);
};

const filesIn = (path: string): readonly string[] =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path)
        .sort()
        .flatMap((name) => filesIn(join(path, name)))
        .filter((file) => file.endsWith('.json'));

/** Every case under a directory, in order of file and place. */
export const readCases = (path: string): readonly Case[] =>
  filesIn(path).flatMap((file) => {
    const { tests } = readJson(readFileSync(file, 'utf8')) as unknown as { readonly tests: readonly RawCase[] };
    return tests.flatMap((test) => expand(basename(file, '.json'), test));
  });

const expand = (file: string, test: RawCase): readonly Case[] => {
  const formats: readonly (string | undefined)[] = test.format ?? [undefined];
  const configs: readonly (string | undefined)[] = test.config ?? [undefined];
  return formats.flatMap((format) =>
    configs.map((config) => {
      const written = writeJson(test as unknown as Json)
        .replaceAll('{FORMAT}', format ?? '{FORMAT}')
        .replaceAll('{CONFIG}', config ?? '{CONFIG}');
      const raw = readJson(written) as unknown as RawCase;
      const mark = (value: string | undefined): string => (value === undefined ? '' : ` [${value}]`);
      const { expectedException, post, versions, responses } = raw;
      return {
        id: `${file}/${test.name}${mark(format)}${mark(config)}`,
        ...(expectedException === undefined ? {} : { expectedException }),
        ...(post === undefined ? {} : { post }),
        ...(versions === undefined ? {} : { versions }),
        ...(responses === undefined ? {} : { responses }),
        statements: raw.statements ?? [],
        properties: raw.properties ?? {},
        topics: raw.topics ?? [],
        inputs: raw.inputs ?? [],
        outputs: raw.outputs ?? [],
        text: writeJson([raw.statements, raw.topics, raw.properties, raw.post?.sources] as unknown as Json),
      };
    }),
  );
};
