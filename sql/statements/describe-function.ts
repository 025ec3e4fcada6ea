/** DESCRIBE FUNCTION: what a function takes and gives, each of its forms. */

import type { FunctionRow } from '../facade.ts';
import { type RegisteredFunction } from '../functions/registry.ts';
import { type Parameter, printParameterType } from '../functions/signature.ts';
import type { DescribeFunction } from '../parser/statements/show.ts';
import type { Handler } from './statement.ts';

export const describeFunction: Handler<DescribeFunction> = ({ name }, { functions }) => {
  const found = functions.require(name.name, name.at);
  return { kind: 'nothing', answer: { kind: 'describe_function', ...rowOf(found) } };
};

const rowOf = ({ name, kind, overloads }: RegisteredFunction): FunctionRow => {
  const [first] = overloads;
  const module = first?.module;
  return {
    name,
    type: kind === 'scalar' ? 'SCALAR' : kind === 'aggregate' ? 'AGGREGATE' : 'TABLE',
    description: first?.definition.doc ?? '',
    author: module?.name ?? 'Millrace',
    version: module?.version ?? '',
    path: module === undefined ? 'internal' : `module ${module.name}`,
    functions: overloads.map(({ signature, definition }) => ({
      arguments: signature.parameters.map((parameter, i) => ({
        name: parameter.name ?? '',
        type: wordsOf(parameter.type),
        description: parameter.literal ? 'a literal' : '',
        isVariadic: i === signature.variadicAt,
      })),
      returnType: wordsOf(signature.result),
      description: definition.doc,
    })),
  };
};

/** A type in the words that clients of this interface know. */
const wordsOf = (type: Parameter['type']): string =>
  printParameterType(type)
    .replaceAll(/\bINTEGER\b/g, 'INT')
    .replaceAll(/\bSTRING\b/g, 'VARCHAR');
