/** JSON Schemas: their texts as parsed JSON, and what a reference within them stands for. */

import type { ResolvedSchema } from '../schema.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

export const isObject = (given: Json | undefined): given is JsonObject =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

/** A schema, and the text that it is a part of. */
export interface Place<S extends Json | undefined = Json> {
  readonly document: Json;
  readonly schema: S;
}

/** The texts of a schema and of what it refers to. */
export class SchemaTexts {
  readonly root: Place;
  /** By the names under which they are referred to. */
  readonly #others: ReadonlyMap<string, Json>;

  /** Raises a `SyntaxError` where one of them is not JSON. */
  constructor({ schema, definitions }: Pick<ResolvedSchema, 'schema' | 'definitions'>) {
    const document = JSON.parse(schema) as Json;
    this.root = { document, schema: document };
    this.#others = new Map(definitions.map(({ name, schema: text }) => [name, JSON.parse(text) as Json]));
  }

  /** What a reference in a document stands for: `#/definitions/a`, `other.json`, `other.json#/a`; undefined:
   *  nothing. */
  referred(document: Json, reference: string): Place | undefined {
    const [name = '', pointer = ''] = reference.split('#');
    const target = name === '' ? document : this.#others.get(name);
    let schema: Json | undefined = target;
    for (const part of pointer.split('/').slice(1)) {
      const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
      const within: JsonObject = isObject(schema) || Array.isArray(schema) ? (schema as JsonObject) : {};
      schema = Object.hasOwn(within, key) ? within[key] : undefined;
    }
    return target === undefined || schema === undefined ? undefined : { document: target, schema };
  }
}

/** A part of a URL; as it is where it is not encoded as one. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};
