/**
 * Reads JSON that comes from the disk: every field is checked when it is read, and a fault names the field and what it
 * holds. The caller adds the path of the file.
 */
import { messageOf } from './errors.ts';

/** The text is not JSON, or a field is not what it must be. The message completes "… cannot be read: ". */
export class JsonFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JsonFault';
  }
}

export class JsonFields {
  readonly #fields: ReadonlyMap<string, unknown>;

  /** The fields of a JSON object. */
  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new JsonFault(`it must be a JSON object, not ${shown(value)}`);
    }
    this.#fields = new Map(Object.entries(value));
  }

  /** The fields of the JSON object that a text holds. */
  static parse(text: string): JsonFields {
    return new JsonFields(parseJson(text));
  }

  has(name: string): boolean {
    return this.#fields.get(name) !== undefined;
  }

  #fault(name: string, expected: string): JsonFault {
    const value = this.#fields.get(name);
    return new JsonFault(
      value === undefined
        ? `the field "${name}" is missing; it must be ${expected}`
        : `the field "${name}" must be ${expected}, not ${shown(value)}`,
    );
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    if (typeof value !== 'string') throw this.#fault(name, 'a text');
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  /** A whole number from 0 to 2^53 - 1, such as an offset, an id or a size. */
  count(name: string): number {
    const value = this.#fields.get(name);
    if (!isCount(value)) throw this.#fault(name, 'a whole number of at least 0');
    return value;
  }

  optionalCount(name: string): number | undefined {
    return this.has(name) ? this.count(name) : undefined;
  }

  list(name: string): readonly unknown[] {
    const value = this.#fields.get(name);
    if (!Array.isArray(value)) throw this.#fault(name, 'a list');
    return value;
  }

  fields(name: string): JsonFields {
    try {
      return new JsonFields(this.#fields.get(name));
    } catch {
      throw this.#fault(name, 'an object');
    }
  }

  /** An object whose fields are all texts. */
  texts(name: string): Readonly<Record<string, string>> {
    const fields = this.fields(name);
    return Object.fromEntries([...fields.#fields.keys()].map((key) => [key, fields.text(key)]));
  }

  /** One of these texts. */
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const text = this.text(name);
    const found = values.find((value) => value === text);
    if (found === undefined) throw this.#fault(name, `one of ${values.join(', ')}`);
    return found;
  }
}

/** `JSON.parse`, whose error becomes a `JsonFault`. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JsonFault(`it is not JSON: ${messageOf(cause)}`);
  }
};

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
