/**
 * A client of an external registry, by its URL.
 *
 * A request has a time-out, and is tried again with back-off where the cause may pass: no connection, no answer in
 * time, a status of 429 or from 500 on. Of several servers the next one is asked then, and stays the one to ask.
 * Registering is repeated as well: it answers the same id. The schema of an id never changes, so it is asked for once.
 */

import { messageOf, type Timers, utf8Bytes } from '../../base/index.ts';
import { referencesOf } from './records.ts';
import {
  type CompatibilityLevel,
  compatibilityLevels,
  type Deleted,
  defaultLevel,
  type Registered,
  type RegisterOptions,
  RegistryError,
  type RegistryMode,
  registryModes,
  type SchemaRegistry,
} from './registry.ts';
import { type RegistryPlace, serversOf } from './registry-place.ts';
import { type Definition, type KnownSchema, type SchemaText, type SubjectVersion, schemaTypes } from './schema.ts';

/** How requests are made: `fetch` of the platform. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

export interface HttpRegistryOptions extends RegistryPlace {
  readonly fetch: Fetch;
  readonly timers: Timers;
}

const media = 'application/vnd.schemaregistry.v1+json';
const firstPauseMs = 100;
const maxPauseMs = 10_000;

interface Server {
  /** Without a slash at its end, and without user and password. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, unknown>>;

export class HttpRegistry implements SchemaRegistry {
  readonly #options: HttpRegistryOptions;
  readonly #servers: readonly Server[];
  /** The place of the server that is asked. */
  #asked = 0;
  readonly #byId = new Map<number, KnownSchema>();
  #closed = false;

  constructor(options: HttpRegistryOptions) {
    this.#options = options;
    this.#servers = serversOf(options).map((url): Server => {
      const user = options.user ?? decodeURIComponent(url.username);
      const password = options.password ?? decodeURIComponent(url.password);
      return {
        base: url.origin + url.pathname.replace(/\/$/, ''),
        headers: {
          accept: media,
          'content-type': media,
          ...(user !== '' && { authorization: `Basic ${base64(`${user}:${password}`)}` }),
        },
      };
    });
  }

  async register(
    subject: string,
    schema: SchemaText,
    { normalize = false }: RegisterOptions = {},
  ): Promise<Registered> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions${queryOf({ normalize })}`;
    const { id } = (await this.#ask('POST', path, bodyOf(schema))) as Fields;
    const found = await this.find(subject, schema, { normalize });
    return { id: Number(id), version: found?.version ?? 0 };
  }

  async byId(id: number): Promise<KnownSchema | undefined> {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const found = await this.#found(() => this.#ask('GET', `/schemas/ids/${id}`));
    if (found === undefined) return undefined;
    const schema: KnownSchema = { id, ...(await this.#resolved(textOf(found as Fields))) };
    this.#byId.set(id, schema);
    return schema;
  }

  latest(subject: string): Promise<SubjectVersion | undefined> {
    return this.#version(subject, 'latest');
  }

  version(subject: string, version: number, options?: Deleted): Promise<SubjectVersion | undefined> {
    return this.#version(subject, String(version), options);
  }

  async #version(subject: string, version: string, options?: Deleted): Promise<SubjectVersion | undefined> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}${queryOf(options)}`;
    return this.#subjectVersion(await this.#found(() => this.#ask('GET', path)));
  }

  async find(
    subject: string,
    schema: SchemaText,
    options: RegisterOptions & Deleted = {},
  ): Promise<SubjectVersion | undefined> {
    const path = `/subjects/${encodeURIComponent(subject)}${queryOf(options)}`;
    return this.#subjectVersion(await this.#found(() => this.#ask('POST', path, bodyOf(schema))));
  }

  async subjects(options?: Deleted): Promise<readonly string[]> {
    return (await this.#ask('GET', `/subjects${queryOf(options)}`)) as readonly string[];
  }

  async versions(subject: string, options?: Deleted): Promise<readonly number[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions${queryOf(options)}`;
    return ((await this.#found(() => this.#ask('GET', path))) ?? []) as readonly number[];
  }

  async incompatibilities(
    subject: string,
    schema: SchemaText,
    { version, normalize }: RegisterOptions & { readonly version?: number | undefined } = {},
  ): Promise<readonly string[]> {
    const versions = `versions${version === undefined ? '' : `/${version}`}`;
    const query = queryOf({ normalize, verbose: true });
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/${versions}${query}`;
    const answer = await this.#found(() => this.#ask('POST', path, bodyOf(schema)));
    if (answer === undefined) return [];
    const { is_compatible: fits, messages } = answer as Fields;
    if (fits === true) return [];
    const reasons = Array.isArray(messages) ? messages.map(String) : [];
    return reasons.length > 0 ? reasons : ['the registry gives no reason'];
  }

  async referrers(subject: string, version: number): Promise<readonly number[]> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}/referencedby`;
    return ((await this.#found(() => this.#ask('GET', path))) ?? []) as readonly number[];
  }

  async level(subject?: string): Promise<CompatibilityLevel | undefined> {
    const answer = await this.#found(() => this.#ask('GET', settingPath('config', subject)));
    if (answer === undefined) return subject === undefined ? defaultLevel : undefined;
    return compatibilityLevels.find((each) => each === (answer as Fields)['compatibilityLevel']);
  }

  async setLevel(level: CompatibilityLevel | undefined, subject?: string): Promise<void> {
    if (level === undefined) await this.#ask('DELETE', settingPath('config', subject));
    else await this.#ask('PUT', settingPath('config', subject), { compatibility: level });
  }

  async mode(subject?: string): Promise<RegistryMode | undefined> {
    const answer = await this.#found(() => this.#ask('GET', settingPath('mode', subject)));
    return registryModes.find((each) => each === (answer as Fields | undefined)?.['mode']);
  }

  async setMode(mode: RegistryMode | undefined, subject?: string): Promise<void> {
    if (mode === undefined) await this.#ask('DELETE', settingPath('mode', subject));
    else await this.#ask('PUT', settingPath('mode', subject), { mode });
  }

  async deleteSubject(subject: string, options?: { readonly permanent?: boolean }): Promise<readonly number[]> {
    const path = `/subjects/${encodeURIComponent(subject)}${queryOf(options)}`;
    return (await this.#ask('DELETE', path)) as readonly number[];
  }

  async deleteVersion(subject: string, version: number, options?: { readonly permanent?: boolean }): Promise<void> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}${queryOf(options)}`;
    await this.#ask('DELETE', path);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  // ------------------------------------------------------------------------------------------------- answers

  async #subjectVersion(answer: unknown): Promise<SubjectVersion | undefined> {
    if (answer === undefined) return undefined;
    const fields = answer as Fields;
    const { subject, version, id } = fields;
    return {
      subject: String(subject),
      version: Number(version),
      id: Number(id),
      ...(await this.#resolved(textOf(fields))),
    };
  }

  /** With the texts behind its references, what others need first. */
  async #resolved(schema: SchemaText): Promise<SchemaText & { readonly definitions: readonly Definition[] }> {
    const definitions = new Map<string, Definition>();
    for (const { name, subject, version } of schema.references ?? []) {
      const found = await this.version(subject, version);
      if (found === undefined) continue;
      for (const each of found.definitions) if (!definitions.has(each.name)) definitions.set(each.name, each);
      definitions.set(name, { name, schema: found.schema });
    }
    return { ...schema, definitions: [...definitions.values()] };
  }

  /** Undefined where there is no such thing. */
  async #found(ask: () => Promise<unknown>): Promise<unknown> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RegistryError && error.code >= 40401 && error.code <= 40499) return undefined;
      throw error;
    }
  }

  // ------------------------------------------------------------------------------------------------- requests

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { tries = 4, timers } = this.#options;
    for (let attempt = 1; ; attempt++) {
      if (this.#closed) throw new RegistryError(unreachable, 'the client of the schema registry is closed');
      const asked = this.#asked;
      const { answer, failure } = await this.#once(method, path, body);
      if (failure === undefined) return answer;
      if (attempt >= tries) throw failure;
      // Another request may have gone on to the next server meanwhile.
      if (this.#asked === asked) this.#asked = (asked + 1) % this.#servers.length;
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** (attempt - 1));
      await new Promise<void>((resolve) => timers.after(pauseMs, resolve));
    }
  }

  /** The answer, or a failure that may pass; others are thrown. */
  async #once(
    method: string,
    path: string,
    body: unknown,
  ): Promise<{ readonly answer?: unknown; readonly failure?: RegistryError }> {
    const { fetch, timeoutMs = 5000, timers } = this.#options;
    const { base, headers } = this.#servers[this.#asked] as Server;
    const abort = new AbortController();
    const cancel = timers.after(timeoutMs, () => abort.abort());
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers,
        signal: abort.signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      ({ status } = response);
      text = await response.text();
    } catch (error) {
      const why = abort.signal.aborted ? `it did not answer within ${timeoutMs} ms` : messageOf(error);
      const message = `the schema registry at ${base} cannot be reached: ${why}`;
      return { failure: new RegistryError(unreachable, message, { cause: error }) };
    } finally {
      cancel();
    }
    const answer = parsed(text);
    if (status >= 200 && status < 300) return { answer };
    const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Fields;
    const code = typeof fields['error_code'] === 'number' ? fields['error_code'] : status;
    const why = typeof fields['message'] === 'string' ? fields['message'] : `it answered with the status ${status}`;
    const error = new RegistryError(code, `the schema registry at ${base} refuses: ${why}`);
    if (status === 429 || status >= 500) return { failure: error };
    throw error;
  }
}

const unreachable = 50002;

/** Of UTF-8: names and passwords may have any letters. */
const base64 = (text: string): string => btoa(String.fromCharCode(...utf8Bytes(text)));

/** The path of a setting of a subject, or of all. */
const settingPath = (setting: 'config' | 'mode', subject: string | undefined): string =>
  subject === undefined ? `/${setting}` : `/${setting}/${encodeURIComponent(subject)}`;

const queryOf = (
  options: RegisterOptions & Deleted & { readonly permanent?: boolean; readonly verbose?: boolean } = {},
): string => {
  const { normalize, deleted, permanent, verbose } = options;
  const flags = { normalize, deleted: deleted === true, deletedOnly: deleted === 'only', permanent, verbose };
  const set = Object.entries(flags).flatMap(([name, on]) => (on === true ? [`${name}=true`] : []));
  return set.length === 0 ? '' : `?${set.join('&')}`;
};

const bodyOf = ({ type, schema, references = [] }: SchemaText) => ({
  schema,
  ...(type !== 'AVRO' && { schemaType: type }),
  ...(references.length > 0 && { references }),
});

const textOf = ({ schemaType = 'AVRO', schema, references }: Fields): SchemaText => {
  const type = schemaTypes.find((each) => each === schemaType);
  if (type === undefined || typeof schema !== 'string') {
    throw new RegistryError(unreachable, 'the schema registry answered with something else than a schema');
  }
  return { type, schema, references: referencesOf(references) };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
