/**
 * Patterns of java.util.regex, rewritten for RE2, which matches in linear time.
 *
 * Flags are worked into the text: what `.`, a letter or a class means under them is written out, so that both engines
 * mean the same. Classes become ranges of code points, with their unions and intersections carried out. Without the
 * flag `u` only letters of ASCII have two cases, as in Java.
 *
 * What RE2 does not have is refused by name: references to groups, lookaheads, possessive and atomic groups, `\G`,
 * `\X`. One difference stays: `$` and `\Z` match at the end only, and not in front of a last line break as well.
 */

import { EvaluationError } from '../../types/evaluation-error.ts';
import {
  type CodePoints,
  complement,
  inBothCases,
  intersection,
  lastCodePoint,
  pointsOf,
  union,
} from './code-points.ts';

export interface Pattern {
  /** In the syntax of RE2. */
  readonly text: string;
  /** The numbers of the groups that have a name. */
  readonly names: ReadonlyMap<string, number>;
}

const digits: CodePoints = [[0x30, 0x39]];
const upper: CodePoints = [[0x41, 0x5a]];
const lower: CodePoints = [[0x61, 0x7a]];
const letters = union(upper, lower);
const printable: CodePoints = [[0x21, 0x7e]];
const lineBreaks = union([[0x0a, 0x0d]], [[0x85, 0x85]], [[0x2028, 0x2029]]);
/** Those that `.` does not match; `\v` has two more. */
const lineEnds = union(pointsOf('\n\r\u0085'), [[0x2028, 0x2029]]);
const blanks: CodePoints = union(pointsOf(' \t\u00a0\u1680\u180e\u202f\u205f\u3000'), [[0x2000, 0x200a]]);
const spaces = union(pointsOf(' '), [[0x09, 0x0d]]);

/** `\d` and so on; a capital letter is the complement. */
const shorthands: Readonly<Record<string, CodePoints>> = {
  d: digits,
  w: union(digits, letters, pointsOf('_')),
  s: spaces,
  h: blanks,
  v: lineBreaks,
};

/** `\p{Alpha}` and so on: of ASCII only. */
const posix: Readonly<Record<string, CodePoints>> = {
  Lower: lower,
  Upper: upper,
  ASCII: [[0, 0x7f]],
  Alpha: letters,
  Digit: digits,
  Alnum: union(letters, digits),
  Punct: intersection(printable, complement(union(letters, digits))),
  Graph: printable,
  Print: [[0x20, 0x7e]],
  Blank: pointsOf(' \t'),
  Cntrl: union([[0, 0x1f]], [[0x7f, 0x7f]]),
  XDigit: union(digits, [[0x41, 0x46]], [[0x61, 0x66]]),
  Space: spaces,
};

const cased: readonly string[] = ['Lu', 'Ll', 'Lt'];

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', a: '\u0007', e: '\u001b' };

/** A class: the code points, and classes that RE2 has by name, such as `\p{L}`. */
interface CharacterClass {
  readonly points: CodePoints;
  readonly named: readonly string[];
}

interface Flags {
  /** `i` */
  readonly ignoresCase: boolean;
  /** `u`: letters beyond ASCII have cases too. */
  readonly unicodeCase: boolean;
  /** `m` */
  readonly multiline: boolean;
  /** `s` */
  readonly dotAll: boolean;
  /** `d`: only `\n` ends a line. */
  readonly unixLines: boolean;
  /** `x`: blanks and `# …` mean nothing. */
  readonly comments: boolean;
}

const flagNames: Readonly<Record<string, keyof Flags>> = {
  i: 'ignoresCase',
  u: 'unicodeCase',
  m: 'multiline',
  s: 'dotAll',
  d: 'unixLines',
  x: 'comments',
};

const noFlags: Flags = {
  ignoresCase: false,
  unicodeCase: false,
  multiline: false,
  dotAll: false,
  unixLines: false,
  comments: false,
};

const hex = (point: number): string => `\\x{${point.toString(16)}}`;

const isAsciiLetter = (character: string): boolean => /^[A-Za-z]$/.test(character);

export const rewritePattern = (source: string): Pattern => new Rewriting(source).pattern();

class Rewriting {
  readonly #source: string;
  #at = 0;
  #flags = noFlags;
  #groups = 0;
  readonly #names = new Map<string, number>();

  constructor(source: string) {
    this.#source = source;
  }

  pattern(): Pattern {
    const text = this.#alternatives();
    if (this.#at < this.#source.length) throw this.#fault('has a ")" without its "("');
    return { text, names: this.#names };
  }

  #fault(what: string): EvaluationError {
    return new EvaluationError(`the regular expression '${this.#source}' ${what}`);
  }

  #impossible(what: string): EvaluationError {
    return this.#fault(`has ${what}, which cannot be matched in linear time`);
  }

  #rest(length: number): string {
    return this.#source.slice(this.#at, this.#at + length);
  }

  #take(wanted: string): boolean {
    if (!this.#source.startsWith(wanted, this.#at)) return false;
    this.#at += wanted.length;
    return true;
  }

  /** The next character, a whole code point. */
  #character(): string {
    const point = this.#source.codePointAt(this.#at);
    if (point === undefined) throw this.#fault('ends too early');
    const character = String.fromCodePoint(point);
    this.#at += character.length;
    return character;
  }

  /** What the expression of this form matches here, which is taken; undefined when it does not. */
  #matched(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#source);
    if (found === null) return undefined;
    this.#at = form.lastIndex;
    return found;
  }

  /** Up to the end of the group; its flags end with it. */
  #alternatives(): string {
    const before = this.#flags;
    let text = '';
    for (;;) {
      this.#passComments();
      if (this.#at >= this.#source.length || this.#rest(1) === ')') break;
      text += this.#take('|') ? '|' : this.#repeated();
    }
    this.#flags = before;
    return text;
  }

  #passComments(): void {
    if (this.#flags.comments) this.#matched(/(?:[ \t\n\v\f\r]|#[^\n]*)*/y);
  }

  #repeated(): string {
    const atom = this.#atom();
    this.#passComments();
    const times = this.#matched(/[*+?]|\{\d+(?:,\d*)?\}/y)?.[0];
    if (times === undefined) return atom;
    if (atom === '') throw this.#fault(`has a "${times}" that repeats nothing`);
    if (this.#take('+')) throw this.#impossible(`the possessive repetition ${times}+`);
    return `${atom}${times}${this.#take('?') ? '?' : ''}`;
  }

  #atom(): string {
    const character = this.#character();
    switch (character) {
      case '.':
        return this.#printed(this.#dot());
      case '^':
        return this.#flags.multiline ? '(?m:^)' : '\\A';
      case '$':
        return this.#flags.multiline ? '(?m:$)' : '\\z';
      case '(':
        return this.#group();
      case '[':
        return this.#printed(this.#class());
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw this.#fault(`has a "${character}" that repeats nothing`);
      case '{':
        throw this.#fault('has a "{" that is no repetition such as {2,3}; a brace itself is \\{');
      default:
        return this.#literal(character);
    }
  }

  #dot(): CharacterClass {
    if (this.#flags.dotAll) return plain([[0, lastCodePoint]]);
    return plain(complement(this.#flags.unixLines ? pointsOf('\n') : lineEnds));
  }

  /** One character that stands for itself. */
  #literal(character: string): string {
    const { ignoresCase, unicodeCase } = this.#flags;
    if (ignoresCase && !unicodeCase && isAsciiLetter(character)) {
      return `[${character.toLowerCase()}${character.toUpperCase()}]`;
    }
    const text = /^[\w ]$/.test(character) ? character : hex(character.codePointAt(0) ?? 0);
    return ignoresCase && unicodeCase ? `(?i:${text})` : text;
  }

  #group(): string {
    if (!this.#take('?')) {
      this.#groups++;
      return `(${this.#groupEnd()}`;
    }
    const look = this.#matched(/<[=!]/y)?.[0];
    if (look !== undefined) return `(?${look}${this.#groupEnd()}`;
    if (this.#matched(/[=!]/y) !== undefined) throw this.#impossible('a lookahead');
    if (this.#take('>')) throw this.#impossible('an atomic group (?>…)');
    const name = this.#matched(/<([A-Za-z][A-Za-z0-9]*)>/y)?.[1];
    if (name !== undefined) {
      if (this.#names.has(name)) throw this.#fault(`has two groups called "${name}"`);
      this.#groups++;
      this.#names.set(name, this.#groups);
      return `(${this.#groupEnd()}`;
    }
    const flags = this.#matched(/([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/y);
    if (flags === undefined) throw this.#fault('has a "(?" that begins no group');
    const [, on = '', off = '', end] = flags;
    const before = this.#flags;
    this.#setFlags(on, true);
    this.#setFlags(off, false);
    if (end === ')') return '';
    const text = `(?:${this.#groupEnd()}`;
    this.#flags = before;
    return text;
  }

  #groupEnd(): string {
    const text = this.#alternatives();
    if (!this.#take(')')) throw this.#fault('has a group without its ")"');
    return `${text})`;
  }

  #setFlags(letters: string, on: boolean): void {
    for (const letter of letters) {
      const flag = flagNames[letter];
      if (flag === undefined) throw this.#fault(`has the flag "${letter}"; the flags are i, m, s, u, d and x`);
      this.#flags = { ...this.#flags, [flag]: on };
    }
  }

  #escape(): string {
    if (this.#take('Q')) return this.#quoted();
    if (this.#matched(/[1-9]|k/y) !== undefined) throw this.#impossible('a reference to a group');
    const anchor = this.#matched(/[bBAzZGXR]/y)?.[0];
    if (anchor === 'b' && this.#rest(1) === '{') throw this.#impossible('the boundary \\b{…}');
    if (anchor === 'G' || anchor === 'X') throw this.#impossible(`\\${anchor}`);
    if (anchor === 'Z') return '\\z';
    if (anchor === 'R') return `(?:\\r\\n|${this.#printed(plain(lineBreaks))})`;
    if (anchor !== undefined) return `\\${anchor}`;
    const set = this.#escapedClass();
    return set === undefined ? this.#literal(this.#escapedCharacter()) : this.#printed(set);
  }

  /** `\Q…\E`: up to the end when there is no `\E`. */
  #quoted(): string {
    const end = this.#source.indexOf('\\E', this.#at);
    const text = this.#source.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#source.length : end + 2;
    return Array.from(text, (character) => this.#literal(character)).join('');
  }

  /** `\d`, `\p{…}` and so on, behind the backslash. */
  #escapedClass(): CharacterClass | undefined {
    const letter = this.#matched(/[dwshv]/iy)?.[0];
    if (letter !== undefined) {
      const points = shorthands[letter.toLowerCase()] ?? [];
      return plain(letter === letter.toLowerCase() ? points : complement(points));
    }
    const property = this.#matched(/([pP])(?:\{([^}]*)\}|([A-Za-z]))/y);
    if (property === undefined) return undefined;
    const [, kind, long, short] = property;
    const name = long ?? short ?? '';
    const own = posix[name];
    if (own !== undefined) {
      const points = this.#flags.ignoresCase ? inBothCases(own) : own;
      return plain(kind === 'p' ? points : complement(points));
    }
    // RE2 has the categories and scripts of Unicode.
    const unicode = /^(?:Is|(?:sc|script|gc|general_category)=)?([A-Z]\w*)$/.exec(name)?.[1];
    if (unicode === undefined) throw this.#fault(`has the unknown class \\${kind}{${name}}`);
    // Without regard to case a letter is in all three categories of letters that have one.
    if (this.#flags.ignoresCase && cased.includes(unicode)) {
      return { points: [], named: [...(kind === 'p' ? [] : ['^']), ...cased.map((each) => `\\p{${each}}`)] };
    }
    return { points: [], named: [`\\${kind}{${unicode}}`] };
  }

  /** The character that an escape stands for, behind the backslash. */
  #escapedCharacter(): string {
    const coded = this.#matched(/0([0-3]?[0-7]{1,2})|x([\da-fA-F]{2})|x\{([\da-fA-F]+)\}|u([\da-fA-F]{4})/y);
    if (coded !== undefined) {
      const [, octal, two, long, four] = coded;
      const point = octal === undefined ? Number.parseInt(two ?? long ?? four ?? '', 16) : Number.parseInt(octal, 8);
      if (point > lastCodePoint) throw this.#fault(`has the code point ${coded[0]}, which does not exist`);
      const low = point >= 0xd800 && point < 0xdc00 ? this.#matched(/\\u(d[c-f][\da-f]{2})/iy)?.[1] : undefined;
      return low === undefined ? String.fromCodePoint(point) : String.fromCharCode(point, Number.parseInt(low, 16));
    }
    if (this.#take('c')) return String.fromCharCode(this.#character().charCodeAt(0) ^ 64);
    const character = this.#character();
    const control = controls[character];
    if (control !== undefined) return control;
    if (isAsciiLetter(character) || character === '0') throw this.#fault(`has the unknown escape \\${character}`);
    return character;
  }

  /** Behind the opening bracket. */
  #class(): CharacterClass {
    const negated = this.#take('^');
    const parts: CharacterClass[] = [this.#classPart(true)];
    while (this.#take('&&')) parts.push(this.#classPart(false));
    if (!this.#take(']')) throw this.#fault('has a class without its "]"');
    const [first = plain([]), ...others] = parts;
    const whole = others.reduce((kept, part): CharacterClass => {
      if (kept.named.length > 0 || part.named.length > 0) {
        throw this.#impossible('the intersection of a class with \\p{…}');
      }
      return plain(intersection(kept.points, part.points));
    }, first);
    return negated ? this.#negated(whole) : whole;
  }

  #negated({ points, named }: CharacterClass): CharacterClass {
    const all = this.#flags.ignoresCase ? inBothCases(points) : points;
    if (named.length === 0) return plain(complement(all));
    if (all.length > 0 || named.length > 1) {
      // RE2 can negate such a class, but only as a whole; `printed` puts the mark in front.
      return { points: all, named: ['^', ...named] };
    }
    const [only = ''] = named;
    return { points: [], named: [only.startsWith('\\p') ? only.replace('\\p', '\\P') : only.replace('\\P', '\\p')] };
  }

  /** The union of what stands up to `&&` or the end. A bracket in the first place is a character. */
  #classPart(canBeBracket: boolean): CharacterClass {
    let points: CodePoints = [];
    const named: string[] = [];
    let first = canBeBracket;
    for (;;) {
      this.#passComments();
      if ((this.#rest(1) === ']' && !first) || this.#rest(2) === '&&' || this.#at >= this.#source.length) break;
      first = false;
      if (this.#take('[')) {
        const inner = this.#class();
        this.#refuseNegated(inner);
        points = union(points, inner.points);
        named.push(...inner.named);
        continue;
      }
      if (this.#take('\\')) {
        if (this.#take('Q')) {
          const end = this.#source.indexOf('\\E', this.#at);
          if (end < 0) throw this.#fault('has a class without its "]"');
          points = union(points, pointsOf(this.#source.slice(this.#at, end)));
          this.#at = end + 2;
          continue;
        }
        const set = this.#escapedClass();
        if (set !== undefined) {
          this.#refuseNegated(set);
          points = union(points, set.points);
          named.push(...set.named);
          continue;
        }
        points = union(points, this.#range(this.#escapedCharacter()));
        continue;
      }
      points = union(points, this.#range(this.#character()));
    }
    return { points, named };
  }

  /** A class with `^` in front cannot be part of another one. */
  #refuseNegated({ named }: CharacterClass): void {
    if (named[0] === '^') throw this.#impossible('a negated class with \\p{…} inside another class');
  }

  /** From a character to the one behind a hyphen, if there is one. */
  #range(character: string): CodePoints {
    const from = character.codePointAt(0) ?? 0;
    if (this.#rest(1) !== '-' || /^-(?:[\][]|&&|$)/.test(this.#rest(3))) return [[from, from]];
    this.#at++;
    const last = this.#take('\\') ? this.#escapedCharacter() : this.#character();
    const to = last.codePointAt(0) ?? 0;
    if (to < from) throw this.#fault(`has the range ${character}-${last}, which runs backwards`);
    return [[from, to]];
  }

  /** A class in the syntax of RE2. */
  #printed({ points, named }: CharacterClass): string {
    const { ignoresCase, unicodeCase } = this.#flags;
    const all = ignoresCase ? inBothCases(points) : points;
    const ranges = all.map(([from, to]) => (from === to ? hex(from) : `${hex(from)}-${hex(to)}`));
    const inside = [...named, ...ranges].join('');
    const text = inside === '' ? `[^${hex(0)}-${hex(lastCodePoint)}]` : `[${inside}]`;
    return ignoresCase && unicodeCase ? `(?i:${text})` : text;
  }
}

const plain = (points: CodePoints): CharacterClass => ({ points, named: [] });
