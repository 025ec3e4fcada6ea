/**
 * Compatibility: which versions of a subject a new one is compared with, and in which direction.
 *
 * BACKWARD: the new schema reads data of the last version; FORWARD: the last version reads data of the new schema;
 * FULL: both. TRANSITIVE: of all versions instead of the last one. What it means that one schema reads the data of
 * another is in the rules of each type.
 */

import { unreachable } from '../../../base/index.ts';
import type { CompatibilityLevel } from '../registry.ts';
import type { ResolvedSchema, SchemaType } from '../schema.ts';
import { loadParser } from '../schemas/protobuf-text.ts';
import type { SchemaRules } from './rules.ts';

export const rulesOf = async (type: SchemaType): Promise<SchemaRules> => {
  switch (type) {
    case 'JSON':
      return (await import('./json-schema.ts')).jsonSchemaRules;
    case 'AVRO':
      return (await import('./avro.ts')).avroRules;
    case 'PROTOBUF':
      await loadParser();
      return (await import('./protobuf.ts')).protobufRules;
    default:
      return unreachable(type);
  }
};

export type FaultsBetween = (reader: ResolvedSchema, writer: ResolvedSchema) => Promise<readonly string[]>;

export const faultsBetween: FaultsBetween = async (reader, writer) => {
  if (reader.type !== writer.type) return [`it is of the type ${reader.type}, and the other one ${writer.type}`];
  return (await rulesOf(reader.type)).faults(reader, writer);
};

/** Why the schema cannot follow these versions. */
export const faultsWithAll = async (
  level: CompatibilityLevel,
  versions: readonly ResolvedSchema[],
  schema: ResolvedSchema,
  between: FaultsBetween,
): Promise<readonly string[]> => {
  if (level === 'NONE') return [];
  const compared = level.endsWith('_TRANSITIVE') ? [...versions].reverse() : versions.slice(-1);
  const faults: string[] = [];
  for (const version of compared) {
    if (!level.startsWith('FORWARD')) faults.push(...(await between(schema, version)));
    if (!level.startsWith('BACKWARD')) {
      faults.push(...(await between(version, schema)).map((fault) => `for readers with the former schema, ${fault}`));
    }
    if (faults.length > 0) break;
  }
  return faults;
};
