/**
 * The HTTP API of Confluent's Schema Registry, over any registry: a request in, an answer out. How they travel is the
 * server's matter.
 */

import { referencesOf } from './records.ts';
import { type CompatibilityLevel, compatibilityLevels, RegistryError, type SchemaRegistry } from './registry.ts';
import { type KnownSchema, type SchemaText, type SubjectVersion, schemaTypes } from './schema.ts';

export interface ApiRequest {
  readonly method: string;
  /** Without the query string; its parts may be encoded as in URLs. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Parsed JSON; undefined: there is none. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

export const schemaMediaType = 'application/vnd.schemaregistry.v1+json';

/** Answers every request, faults included: `{"error_code", "message"}`. */
export const answerApi = async (registry: SchemaRegistry, request: ApiRequest): Promise<ApiAnswer> => {
  try {
    return { status: 200, body: await answer(registry, request) };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const { code, message } = error;
    return { status: code < 1000 ? code : Math.floor(code / 100), body: { error_code: code, message } };
  }
};

const answer = async (registry: SchemaRegistry, request: ApiRequest): Promise<unknown> => {
  const [first = '', ...rest] = request.path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  switch (first) {
    case 'subjects':
      return subjects(registry, request, rest);
    case 'schemas':
      return schemas(registry, request, rest);
    case 'config':
      return config(registry, request, rest[0]);
    case 'mode':
      if (request.method === 'GET') return { mode: 'READWRITE' };
      break;
    case 'compatibility':
      if (request.method === 'POST' && rest[0] === 'subjects' && rest[1] !== undefined) {
        return compatibility(registry, request, rest[1]);
      }
  }
  throw noRoute(request);
};

const noRoute = ({ method, path }: ApiRequest): RegistryError =>
  new RegistryError(404, `there is no ${method} ${path}`);

const isTrue = (given: string | undefined): boolean => given === 'true';

const subjects = async (
  registry: SchemaRegistry,
  request: ApiRequest,
  [subject, versions, version, part]: readonly string[],
): Promise<unknown> => {
  const { method, query, body } = request;
  const deleted = isTrue(query['deleted']);
  if (subject === undefined) {
    if (method !== 'GET') throw noRoute(request);
    const prefix = query['subjectPrefix'] ?? '';
    return (await registry.subjects({ deleted })).filter((name) => name.startsWith(prefix));
  }
  if (versions === undefined) {
    if (method === 'DELETE') return registry.deleteSubject(subject, { permanent: isTrue(query['permanent']) });
    if (method !== 'POST') throw noRoute(request);
    await existing(registry, subject);
    const found = await registry.find(subject, schemaIn(body), { normalize: isTrue(query['normalize']) });
    if (found === undefined) throw new RegistryError(40403, 'Schema not found');
    return shown(found);
  }
  if (versions !== 'versions') throw noRoute(request);
  if (version === undefined) {
    if (method === 'GET') return existing(registry, subject, deleted);
    if (method !== 'POST') throw noRoute(request);
    const { id } = await registry.register(subject, schemaIn(body), { normalize: isTrue(query['normalize']) });
    return { id };
  }
  if (method === 'DELETE') {
    const number = await numberOf(registry, subject, version);
    await registry.deleteVersion(subject, number, { permanent: isTrue(query['permanent']) });
    return number;
  }
  if (method !== 'GET') throw noRoute(request);
  await existing(registry, subject);
  const found = await registry.version(subject, await numberOf(registry, subject, version));
  if (found === undefined) throw new RegistryError(40402, `Version ${version} not found.`);
  if (part === undefined) return shown(found);
  if (part === 'schema') return parsedOr(found.schema);
  throw noRoute(request);
};

/** A text that is JSON is answered as JSON; another one as a text. */
const parsedOr = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const existing = async (registry: SchemaRegistry, subject: string, deleted = false): Promise<readonly number[]> => {
  const versions = await registry.versions(subject, { deleted });
  if (versions.length === 0) throw new RegistryError(40401, `Subject '${subject}' not found.`);
  return versions;
};

const numberOf = async (registry: SchemaRegistry, subject: string, version: string): Promise<number> => {
  if (version === 'latest' || version === '-1') return (await existing(registry, subject)).at(-1) as number;
  if (/^[1-9]\d{0,9}$/.test(version)) return Number(version);
  throw new RegistryError(42202, `The specified version '${version}' is not a valid version id.`);
};

const schemas = async (
  registry: SchemaRegistry,
  request: ApiRequest,
  [kind, id, part]: readonly string[],
): Promise<unknown> => {
  if (request.method !== 'GET') throw noRoute(request);
  if (kind === 'types') return schemaTypes;
  if (kind !== 'ids' || id === undefined) throw noRoute(request);
  const schema = /^\d{1,10}$/.test(id) ? await registry.byId(Number(id)) : undefined;
  if (schema === undefined) throw new RegistryError(40403, `Schema ${id} not found`);
  switch (part) {
    case undefined:
      return textShown(schema);
    case 'schema':
      return parsedOr(schema.schema);
    case 'subjects':
    case 'versions': {
      const found: { subject: string; version: number }[] = [];
      for (const subject of await registry.subjects()) {
        for (const version of await registry.versions(subject)) {
          if ((await registry.version(subject, version))?.id === schema.id) found.push({ subject, version });
        }
      }
      return part === 'versions' ? found : [...new Set(found.map(({ subject }) => subject))];
    }
    default:
      throw noRoute(request);
  }
};

const compatibility = async (
  registry: SchemaRegistry,
  { body, query }: ApiRequest,
  subject: string,
): Promise<unknown> => {
  const messages = await registry.incompatibilities(subject, schemaIn(body));
  return { is_compatible: messages.length === 0, ...(isTrue(query['verbose']) && { messages }) };
};

const config = async (registry: SchemaRegistry, request: ApiRequest, subject: string | undefined): Promise<unknown> => {
  switch (request.method) {
    case 'GET': {
      const own = await registry.level(subject);
      const level = own ?? (isTrue(request.query['defaultToGlobal']) ? await registry.level() : undefined);
      if (level === undefined) {
        throw new RegistryError(40408, `Subject '${subject}' does not have subject-level compatibility configured`);
      }
      return { compatibilityLevel: level };
    }
    case 'PUT': {
      const given = (request.body as { readonly compatibility?: unknown } | null | undefined)?.compatibility;
      const level = compatibilityLevels.find((each) => each === given);
      if (level === undefined) {
        throw new RegistryError(
          42203,
          `Invalid compatibility level. Valid values are ${compatibilityLevels.join(', ')}`,
        );
      }
      await registry.setLevel(level, subject);
      return { compatibility: level };
    }
    case 'DELETE': {
      const level: CompatibilityLevel | undefined = await registry.level(subject);
      await registry.setLevel(undefined, subject);
      return { compatibilityLevel: level ?? null };
    }
    default:
      throw noRoute(request);
  }
};

const schemaIn = (body: unknown): SchemaText => {
  const { schema, schemaType = 'AVRO', references } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const type = schemaTypes.find((each) => each === schemaType);
  if (typeof schema !== 'string' || type === undefined) {
    throw new RegistryError(42201, 'the body needs a text "schema", and a "schemaType" that is AVRO, JSON or PROTOBUF');
  }
  return { type, schema, references: referencesOf(references) };
};

const textShown = ({ type, schema, references = [] }: KnownSchema) => ({
  ...(type !== 'AVRO' && { schemaType: type }),
  ...(references.length > 0 && { references }),
  schema,
});

const shown = (version: SubjectVersion) => ({
  subject: version.subject,
  version: version.version,
  id: version.id,
  ...textShown(version),
});
