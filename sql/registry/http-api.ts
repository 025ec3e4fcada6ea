/**
 * The HTTP API of Confluent's Schema Registry, over any registry: a request in, an answer out. How they travel is the
 * server's matter.
 *
 * Left out: contexts, metadata and rules of schemas, and the mode IMPORT, in which clients choose ids.
 */

import {
  type CompatibilityLevel,
  compatibilityLevels,
  type Deleted,
  RegistryError,
  registryModes,
  type SchemaRegistry,
} from './registry.ts';
import { type KnownSchema, type SchemaReference, type SchemaText, type SubjectVersion, schemaTypes } from './schema.ts';

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

/** A request whose path was understood. */
interface Call {
  readonly registry: SchemaRegistry;
  /** The parts of the path that stand for something, by their names in the route. */
  part(name: string): string;
  /** Whether an option of the query string is `true`. */
  isSet(name: string): boolean;
  readonly query: ApiRequest['query'];
  readonly body: unknown;
}

type Handler = (call: Call) => Promise<unknown>;

/** By method and path; a part behind a colon stands for any. */
const routes: Readonly<Record<string, Handler>> = {
  'GET /subjects': async ({ registry, query, ...call }) => {
    const prefix = query['subjectPrefix'] ?? '';
    return (await registry.subjects(deletedOf(call))).filter((name) => name.startsWith(prefix));
  },
  'POST /subjects/:subject': async ({ registry, body, ...call }) => {
    const subject = call.part('subject');
    const options = deletedOf(call);
    await existing(registry, subject, options);
    const found = await registry.find(subject, schemaIn(body), { ...options, normalize: call.isSet('normalize') });
    if (found === undefined) throw new RegistryError(40403, 'Schema not found');
    return shown(found);
  },
  'DELETE /subjects/:subject': ({ registry, part, isSet }) =>
    registry.deleteSubject(part('subject'), { permanent: isSet('permanent') }),

  'GET /subjects/:subject/versions': ({ registry, ...call }) =>
    existing(registry, call.part('subject'), deletedOf(call)),
  'POST /subjects/:subject/versions': async ({ registry, body, part, isSet }) => {
    const chosen = (body as { readonly id?: unknown } | undefined)?.id;
    if (typeof chosen === 'number' && chosen > 0) {
      throw new RegistryError(42205, `Subject ${part('subject')} is not in import mode: the registry gives out ids.`);
    }
    const { id } = await registry.register(part('subject'), schemaIn(body), { normalize: isSet('normalize') });
    return { id };
  },
  'GET /subjects/:subject/versions/:version': async (call) => shown(await versionOf(call)),
  'GET /subjects/:subject/versions/:version/schema': async (call) => parsedOr((await versionOf(call)).schema),
  'GET /subjects/:subject/versions/:version/referencedby': async (call) => {
    const { subject, version } = await versionOf(call);
    return call.registry.referrers(subject, version);
  },
  'DELETE /subjects/:subject/versions/:version': async ({ registry, part, isSet }) => {
    const version = await numberOf(registry, part('subject'), part('version'), { deleted: isSet('permanent') });
    await registry.deleteVersion(part('subject'), version, { permanent: isSet('permanent') });
    return version;
  },

  'GET /schemas': async ({ registry, query, ...call }) => {
    const prefix = query['subjectPrefix'] ?? '';
    const found = await allVersions(registry, deletedOf(call), (subject) => subject.startsWith(prefix));
    const last = new Map(found.map(({ subject, version }) => [subject, version]));
    return found
      .filter(({ subject, version }) => !call.isSet('latestOnly') || last.get(subject) === version)
      .slice(numberIn(query['offset']) ?? 0)
      .slice(0, numberIn(query['limit']))
      .map(shown);
  },
  'GET /schemas/types': async () => schemaTypes,
  'GET /schemas/ids/:id': async (call) => textShown(await schemaOf(call)),
  'GET /schemas/ids/:id/schema': async (call) => parsedOr((await schemaOf(call)).schema),
  'GET /schemas/ids/:id/subjects': async (call) => [
    ...new Set((await versionsWith(call)).map(({ subject }) => subject)),
  ],
  'GET /schemas/ids/:id/versions': async (call) =>
    (await versionsWith(call)).map(({ subject, version }) => ({ subject, version })),

  'POST /compatibility/subjects/:subject/versions': ({ registry, part, body, isSet }) =>
    compatibility(
      registry.incompatibilities(part('subject'), schemaIn(body), { normalize: isSet('normalize') }),
      isSet('verbose'),
    ),
  'POST /compatibility/subjects/:subject/versions/:version': async ({ registry, part, body, isSet }) => {
    const [subject, given] = [part('subject'), part('version')];
    const options = { normalize: isSet('normalize') };
    const versions = await registry.versions(subject);
    // With the last of none everything is compatible.
    const version = isLatest(given) ? versions.at(-1) : versionNumber(given);
    if (version !== undefined && !versions.includes(version)) throw versionNotFound(given);
    const faults =
      version === undefined
        ? registry.incompatibilities(subject, schemaIn(body), options)
        : registry.incompatibilities(subject, schemaIn(body), { ...options, version });
    return compatibility(faults, isSet('verbose'));
  },

  'GET /config': async ({ registry }) => ({ compatibilityLevel: await registry.level() }),
  'PUT /config': ({ registry, body }) => putLevel(registry, body, undefined),
  'DELETE /config': async ({ registry }) => {
    const compatibilityLevel = await registry.level();
    await registry.setLevel(undefined);
    return { compatibilityLevel };
  },
  'GET /config/:subject': async ({ registry, part, isSet }) => {
    const subject = part('subject');
    const own = await registry.level(subject);
    const compatibilityLevel = own ?? (isSet('defaultToGlobal') ? await registry.level() : undefined);
    if (compatibilityLevel === undefined) {
      throw new RegistryError(40408, `Subject '${subject}' does not have subject-level compatibility configured`);
    }
    return { compatibilityLevel };
  },
  'PUT /config/:subject': ({ registry, part, body }) => putLevel(registry, body, part('subject')),
  'DELETE /config/:subject': async ({ registry, part }) => {
    const compatibilityLevel = await registry.level(part('subject'));
    if (compatibilityLevel === undefined) throw subjectNotFound(part('subject'));
    await registry.setLevel(undefined, part('subject'));
    return { compatibilityLevel };
  },

  'GET /mode': async ({ registry }) => ({ mode: await registry.mode() }),
  'PUT /mode': ({ registry, body }) => putMode(registry, body, undefined),
  'GET /mode/:subject': async ({ registry, part, isSet }) => {
    const subject = part('subject');
    const mode = (await registry.mode(subject)) ?? (isSet('defaultToGlobal') ? await registry.mode() : undefined);
    if (mode === undefined) {
      throw new RegistryError(40409, `Subject '${subject}' does not have subject-level mode configured`);
    }
    return { mode };
  },
  'PUT /mode/:subject': ({ registry, part, body }) => putMode(registry, body, part('subject')),
  'DELETE /mode/:subject': async ({ registry, part }) => {
    const mode = await registry.mode(part('subject'));
    if (mode === undefined) throw subjectNotFound(part('subject'));
    await registry.setMode(undefined, part('subject'));
    return { mode };
  },
};

const patterns = Object.entries(routes).map(([route, handler]) => {
  const [method = '', path = ''] = route.split(' ');
  return { method, parts: partsOf(path), handler };
});

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '');
}

const answer = async (registry: SchemaRegistry, { method, path, query, body }: ApiRequest): Promise<unknown> => {
  const given = partsOf(path);
  const found = patterns.find(
    (pattern) =>
      pattern.method === method &&
      pattern.parts.length === given.length &&
      pattern.parts.every((part, i) => part.startsWith(':') || part === given[i]),
  );
  if (found === undefined) throw new RegistryError(404, `there is no ${method} ${path}`);
  const named = new Map(found.parts.map((part, i) => [part, decoded(given[i] ?? '')]));
  return found.handler({
    registry,
    part: (name) => named.get(`:${name}`) ?? '',
    isSet: (name) => query[name] === 'true',
    query,
    body,
  });
};

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RegistryError(400, `"${part}" is not encoded as parts of URLs are`);
  }
};

// ------------------------------------------------------------------------------------------------- what there is

const deletedOf = ({ isSet }: Pick<Call, 'isSet'>): Deleted => ({
  deleted: isSet('deletedOnly') ? 'only' : isSet('deleted'),
});

const subjectNotFound = (subject: string): RegistryError => new RegistryError(40401, `Subject '${subject}' not found.`);

const versionNotFound = (version: string): RegistryError => new RegistryError(40402, `Version ${version} not found.`);

const existing = async (
  registry: SchemaRegistry,
  subject: string,
  options: Deleted = {},
): Promise<readonly number[]> => {
  const versions = await registry.versions(subject, options);
  if (versions.length === 0) throw subjectNotFound(subject);
  return versions;
};

const isLatest = (version: string): boolean => version === 'latest' || version === '-1';

const versionNumber = (version: string): number => {
  const number = /^[1-9]\d{0,9}$/.test(version) ? Number(version) : Number.NaN;
  if (number <= 0x7fff_ffff) return number;
  throw new RegistryError(
    42202,
    `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
  );
};

const numberOf = async (
  registry: SchemaRegistry,
  subject: string,
  version: string,
  options: Deleted,
): Promise<number> =>
  isLatest(version) ? ((await existing(registry, subject, options)).at(-1) as number) : versionNumber(version);

const versionOf = async ({ registry, ...call }: Call): Promise<SubjectVersion> => {
  const [subject, given] = [call.part('subject'), call.part('version')];
  const options = deletedOf(call);
  const number = await numberOf(registry, subject, given, options);
  await existing(registry, subject, options);
  const found = await registry.version(subject, number, options);
  if (found === undefined) throw versionNotFound(given);
  return found;
};

const schemaOf = async ({ registry, part }: Call): Promise<KnownSchema> => {
  const id = part('id');
  const schema = /^\d{1,10}$/.test(id) ? await registry.byId(Number(id)) : undefined;
  if (schema === undefined) throw new RegistryError(40403, `Schema ${id} not found`);
  return schema;
};

const allVersions = async (
  registry: SchemaRegistry,
  options: Deleted,
  wanted: (subject: string) => boolean,
): Promise<readonly SubjectVersion[]> => {
  const found: SubjectVersion[] = [];
  for (const subject of (await registry.subjects(options)).filter(wanted)) {
    for (const number of await registry.versions(subject, options)) {
      const version = await registry.version(subject, number, options);
      if (version !== undefined) found.push(version);
    }
  }
  return found;
};

/** The versions that are the schema of an id. */
const versionsWith = async (call: Call): Promise<readonly SubjectVersion[]> => {
  const { id } = await schemaOf(call);
  return (await allVersions(call.registry, deletedOf(call), () => true)).filter((version) => version.id === id);
};

const numberIn = (given: string | undefined): number | undefined =>
  given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : undefined;

// ------------------------------------------------------------------------------------------------- settings

const putLevel = async (
  registry: SchemaRegistry,
  body: unknown,
  subject: string | undefined,
): Promise<{ readonly compatibility: CompatibilityLevel }> => {
  const compatibility = namedIn(body, 'compatibility', compatibilityLevels);
  if (compatibility === undefined) {
    throw new RegistryError(42203, `Invalid compatibility level. Valid values are ${compatibilityLevels.join(', ')}`);
  }
  await registry.setLevel(compatibility, subject);
  return { compatibility };
};

const putMode = async (registry: SchemaRegistry, body: unknown, subject: string | undefined): Promise<unknown> => {
  const mode = namedIn(body, 'mode', registryModes);
  if (mode === undefined) {
    throw new RegistryError(42204, `Invalid mode. Valid values are ${registryModes.join(', ')}`);
  }
  await registry.setMode(mode, subject);
  return { mode };
};

/** The one of these names that a field of a body gives, in whichever case. */
const namedIn = <T extends string>(body: unknown, field: string, names: readonly T[]): T | undefined => {
  const given = (body as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  return typeof given === 'string' ? names.find((each) => each === given.toUpperCase()) : undefined;
};

const compatibility = async (faults: Promise<readonly string[]>, verbose: boolean): Promise<unknown> => {
  const messages = await faults;
  return { is_compatible: messages.length === 0, ...(verbose && { messages }) };
};

// ------------------------------------------------------------------------------------------------- schemas as JSON

/** A text that is JSON is answered as JSON; another one as a text. */
const parsedOr = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const schemaIn = (body: unknown): SchemaText => {
  const { schema, schemaType = 'AVRO', references } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const type = schemaTypes.find((each) => each === schemaType);
  if (typeof schema !== 'string' || type === undefined) {
    throw new RegistryError(42201, 'the body needs a text "schema", and a "schemaType" that is AVRO, JSON or PROTOBUF');
  }
  return { type, schema, references: referencesIn(references) };
};

const referencesIn = (given: unknown): readonly SchemaReference[] => {
  if (given === undefined || given === null) return [];
  const list: readonly unknown[] | undefined = Array.isArray(given) ? given : undefined;
  const references = list?.map((each): SchemaReference | undefined => {
    const { name, subject, version } = (each ?? {}) as Partial<SchemaReference>;
    return typeof name === 'string' && typeof subject === 'string' && Number.isInteger(version)
      ? { name, subject, version: version as number }
      : undefined;
  });
  if (references?.every((each) => each !== undefined) === true) return references;
  throw new RegistryError(42201, '"references" is a list of objects with a "name", a "subject" and a "version"');
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
