/** Making a failing case smaller: each change that leaves it failing is kept, until none does. */

import { parseStatements } from '../../sql/parser/parse.ts';
import { printStatement, type Statement } from '../../sql/parser/statements/index.ts';

/** The first of the candidates that still fails is taken, again and again, until none does or the time is over. */
export const shrunk = async <T>(
  one: T,
  candidates: (one: T) => Iterable<T>,
  fails: (candidate: T) => boolean | Promise<boolean>,
  isOver: () => boolean,
): Promise<T> => {
  let smallest = one;
  for (let found = true; found && !isOver(); ) {
    found = false;
    for (const candidate of candidates(smallest)) {
      if (isOver()) break;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      found = true;
      break;
    }
  }
  return smallest;
};

/** The list without halves, quarters … and single members of it. */
export function* shorter<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
}

type Tree = { readonly [name: string]: unknown };

const isTree = (node: unknown): node is Tree => typeof node === 'object' && node !== null && !Array.isArray(node);

/** The tree with one part taken out of it, or put in the place of the part that it stands in. Many of them mean
 *  nothing: the caller finds out which can be read. */
function* smallerTrees(node: unknown): Generator<unknown> {
  if (Array.isArray(node)) {
    const list: readonly unknown[] = node;
    if (list.length > 1) for (const each of shorter(list)) yield each;
    for (const [i, each] of list.entries()) for (const other of smallerTrees(each)) yield list.with(i, other);
    return;
  }
  if (!isTree(node)) return;
  for (const part of Object.values(node)) {
    for (const inner of Array.isArray(part) ? (part as unknown[]) : [part]) {
      if (isTree(inner) && 'kind' in inner) yield inner;
    }
  }
  if ('kind' in node && node['kind'] !== 'null') {
    yield { kind: 'null', at: node['at'] };
  }
  for (const [name, part] of Object.entries(node)) {
    if (name === 'at' || name === 'kind') continue;
    if (isTree(part)) yield { ...node, [name]: undefined };
    for (const other of smallerTrees(part)) yield { ...node, [name]: other };
  }
}

/** Statements that have less in them. */
export function* smallerStatements(text: string): Generator<string> {
  const [parsed] = parseStatements(text);
  for (const tree of smallerTrees(parsed?.statement)) {
    try {
      const smaller = `${printStatement(tree as Statement)};`;
      if (smaller.length < text.length) yield smaller;
    } catch {
      // It is no statement any more.
    }
  }
}

/** Texts with fewer words, then with fewer characters. */
export function* smallerTexts(text: string): Generator<string> {
  const words = text.split(/(?<=\s)|(?=\s)|(?=[(),;[\]])|(?<=[(),;[\]])/);
  if (words.length > 1) for (const fewer of shorter(words)) yield fewer.join('');
  if (text.length <= 200) for (const fewer of shorter(Array.from(text))) yield fewer.join('');
}
