/** What takes the place of a match, as java.util.regex writes it: `$1` and `${name}` are groups, a backslash takes the
 *  next character as it is. */

import { EvaluationError } from '../../types/evaluation-error.ts';

/** A text, or the number of a group. */
export type Replacement = readonly (string | number)[];

export const readReplacement = (text: string, groups: number, names: ReadonlyMap<string, number>): Replacement => {
  const fault = (what: string): EvaluationError => new EvaluationError(`the replacement '${text}' ${what}`);
  const parts: (string | number)[] = [];
  const add = (character: string): void => {
    const last = parts.at(-1);
    if (typeof last === 'string') parts[parts.length - 1] = last + character;
    else parts.push(character);
  };
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (character === '\\') {
      if (at + 1 >= text.length) throw fault('ends with a backslash; a backslash itself is \\\\');
      add(text.charAt(at + 1));
      at += 2;
    } else if (character === '$') {
      const name = /^\$\{([A-Za-z][A-Za-z0-9]*)\}/.exec(text.slice(at));
      const digit = /^\$(\d)/.exec(text.slice(at));
      if (name !== null) {
        const group = names.get(name[1] ?? '');
        if (group === undefined) throw fault(`names the group "${name[1]}", which the pattern does not have`);
        parts.push(group);
        at += name[0].length;
      } else if (digit !== null) {
        let group = Number(digit[1]);
        at += 2;
        if (group > groups) throw fault(`refers to group ${group}; the pattern has ${groups}`);
        // As many further digits as still make the number of a group.
        for (; /\d/.test(text.charAt(at)) && group * 10 + Number(text.charAt(at)) <= groups; at++) {
          group = group * 10 + Number(text.charAt(at));
        }
        parts.push(group);
      } else throw fault('has a "$" without the number or name of a group; a dollar itself is \\$');
    } else {
      add(character);
      at++;
    }
  }
  return parts;
};
