/** What the records of the registry's topic add up to. */

import type { RegistryRecord, VersionRecord } from './records.ts';
import type { CompatibilityLevel, RegistryMode } from './registry.ts';
import { contentKey, type Definition, type KnownSchema, type SchemaText, type SubjectVersion } from './schema.ts';

type Content = NonNullable<VersionRecord['content']>;

export class RegistryState {
  /** By subject, then by version. */
  readonly #subjects = new Map<string, Map<number, Content>>();
  /** Each id's schema; it stays although its versions are deleted. */
  readonly #schemas = new Map<number, SchemaText>();
  /** By `contentKey`: one id for one schema, whatever its subjects. */
  readonly #ids = new Map<string, number>();
  readonly #levels = new Map<string | undefined, CompatibilityLevel>();
  readonly #modes = new Map<string | undefined, RegistryMode>();
  #lastId = 0;

  apply(record: RegistryRecord): void {
    switch (record.kind) {
      case 'version': {
        const { subject, version, content } = record;
        const versions = this.#subjects.get(subject) ?? new Map<number, Content>();
        if (content === undefined) versions.delete(version);
        else {
          versions.set(version, content);
          const { id } = content;
          if (!this.#schemas.has(id)) this.#schemas.set(id, content);
          const key = contentKey(content);
          if (!this.#ids.has(key)) this.#ids.set(key, id);
          this.#lastId = Math.max(this.#lastId, id);
        }
        if (versions.size === 0) this.#subjects.delete(subject);
        else this.#subjects.set(subject, versions);
        return;
      }
      case 'level':
        if (record.level === undefined) this.#levels.delete(record.subject);
        else this.#levels.set(record.subject, record.level);
        return;
      case 'mode':
        if (record.mode === undefined) this.#modes.delete(record.subject);
        else this.#modes.set(record.subject, record.mode);
        return;
      case 'delete-subject': {
        const versions = this.#subjects.get(record.subject);
        for (const [version, content] of versions ?? []) {
          if (version <= record.version) versions?.set(version, { ...content, deleted: true });
        }
        return;
      }
      case 'last-id':
        this.#lastId = Math.max(this.#lastId, record.id);
    }
  }

  /** The last id that was given out; 0: none was. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The id that this schema has in any subject. */
  idOf(schema: SchemaText): number | undefined {
    return this.#ids.get(contentKey(schema));
  }

  schema(id: number): KnownSchema | undefined {
    const schema = this.#schemas.get(id);
    if (schema === undefined) return undefined;
    const { type, schema: text, references = [] } = schema;
    return { id, type, schema: text, references, definitions: this.definitionsOf(schema) };
  }

  /** The texts behind the references, what others need first. A reference to what is not there any more is left out. */
  definitionsOf(schema: SchemaText): readonly Definition[] {
    const found = new Map<string, Definition>();
    const visit = ({ references = [] }: SchemaText): void => {
      for (const { name, subject, version } of references) {
        if (found.has(name)) continue;
        const content = this.#subjects.get(subject)?.get(version);
        if (content === undefined) continue;
        visit(content);
        found.set(name, { name, schema: content.schema });
      }
    };
    visit(schema);
    return [...found.values()];
  }

  /** In order of their names. */
  subjects(deleted: boolean | 'only'): readonly string[] {
    return [...this.#subjects.keys()]
      .filter((subject) => this.versions(subject, deleted).length > 0)
      .filter((subject) => deleted !== 'only' || this.versions(subject, false).length === 0)
      .sort();
  }

  versions(subject: string, deleted: boolean | 'only'): readonly number[] {
    return [...(this.#subjects.get(subject) ?? [])]
      .filter(([, content]) => (deleted === 'only' ? content.deleted : deleted || !content.deleted))
      .map(([version]) => version)
      .sort((a, b) => a - b);
  }

  content(subject: string, version: number): Content | undefined {
    return this.#subjects.get(subject)?.get(version);
  }

  version(subject: string, version: number): SubjectVersion | undefined {
    const content = this.content(subject, version);
    if (content === undefined) return undefined;
    const { id, type, schema, references } = content;
    return { subject, version, id, type, schema, references, definitions: this.definitionsOf(content) };
  }

  /** The versions of subjects that refer to this one. */
  referrers(subject: string, version: number): readonly { readonly subject: string; readonly version: number }[] {
    const found: { subject: string; version: number }[] = [];
    for (const [other, versions] of this.#subjects) {
      for (const [number, { references, deleted }] of versions) {
        if (!deleted && references.some((one) => one.subject === subject && one.version === version)) {
          found.push({ subject: other, version: number });
        }
      }
    }
    return found;
  }

  level(subject: string | undefined): CompatibilityLevel | undefined {
    return this.#levels.get(subject);
  }

  mode(subject: string | undefined): RegistryMode | undefined {
    return this.#modes.get(subject);
  }
}
