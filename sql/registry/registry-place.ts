/**
 * Where an external registry is, and how it is asked: from the options of a program, or from the properties with which
 * a server is started, `ksql.schema.registry.…`. Only the URL is kept among the properties, without user and password.
 */

import { UserError } from '../../base/index.ts';

export interface RegistryPlace {
  /** Several, with commas between them, are servers of one registry. Each may hold `user:password@`. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Of one request. Default: 5000. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is tried in all, where the cause of a failure may pass. Default: 4. */
  readonly tries?: number | undefined;
}

type Properties = Readonly<Record<string, string | number | boolean>>;

const prefix = 'ksql.schema.registry.';
const urlProperty = `${prefix}url`;

const invalid = (sentence: string): UserError =>
  new UserError('SCHEMA_REGISTRY_INVALID', sentence, {
    hint:
      "Write open({ data, schemaRegistry: { url: 'http://localhost:8081' } }), or millrace server --schema-registry " +
      'http://localhost:8081.',
  });

const wholeNumber = (text: string, name: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`the property "${name}" takes a whole number, not '${text}'`);
};

/** What each property means, by its name behind the prefix. */
const meanings: Readonly<Record<string, (text: string, name: string) => Partial<RegistryPlace>>> = {
  url: (text) => ({ url: text }),
  'basic.auth.user.info': (text, name) => {
    const colon = text.indexOf(':');
    if (colon < 0) throw invalid(`the property "${name}" takes a user and a password with a colon between them`);
    return { user: text.slice(0, colon), password: text.slice(colon + 1) };
  },
  'basic.auth.credentials.source': (text, name) => {
    if (/^(user_info|url)$/i.test(text)) return {};
    throw invalid(`the property "${name}" takes USER_INFO or URL, not '${text}'`);
  },
  'http.read.timeout.ms': (text, name) => ({ timeoutMs: wholeNumber(text, name) }),
  'max.retries': (text, name) => ({ tries: wholeNumber(text, name) + 1 }),
};

/** The servers of a registry. Raises a `UserError` for what is not the URL of one. */
export const serversOf = ({ url }: RegistryPlace): readonly URL[] => {
  const urls = url.split(',').map((each) => URL.parse(each.trim()));
  return urls.map((each) => {
    if (each === null || !/^https?:$/.test(each.protocol)) {
      throw invalid('the URL of the schema registry is not one of http or https');
    }
    if (plainText(each.username) === undefined || plainText(each.password) === undefined) {
      throw invalid('in the user or password of the URL of the schema registry, a "%" has to be written as %25');
    }
    return each;
  });
};

/** Of a part of a URL; undefined where its escapes are not UTF-8. */
const plainText = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
};

/** The place of the registry, undefined for the embedded one, and the properties that are left for statements. */
export const registryPlaceOf = (
  given: RegistryPlace | undefined,
  properties: Properties = {},
): { readonly place: RegistryPlace | undefined; readonly properties: Properties } => {
  let set: Partial<RegistryPlace> = {};
  const rest: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (!name.startsWith(prefix)) {
      rest[name] = value;
      continue;
    }
    const meaning = meanings[name.slice(prefix.length)];
    if (meaning === undefined) {
      const names = Object.keys(meanings).map((each) => prefix + each);
      throw invalid(`there is no property called "${name}"; those of the registry are ${names.join(', ')}`);
    }
    set = { ...set, ...meaning(String(value), name) };
  }
  const { url } = { ...set, ...given };
  if (url === undefined) {
    if (Object.keys(set).length > 0) throw invalid(`properties of the registry are given without "${urlProperty}"`);
    return { place: undefined, properties: rest };
  }
  const place = { ...set, ...given, url };
  const shown = serversOf(place).map(({ origin, pathname }) => origin + pathname.replace(/\/$/, ''));
  return { place, properties: { ...rest, [urlProperty]: shown.join(',') } };
};
