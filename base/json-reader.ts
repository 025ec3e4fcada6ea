/**
 * JSON into JavaScript values: what `JSON.parse` makes of the text, made quicker for records that look alike.
 *
 * Records of a topic mostly have the same names in the same order. A record that was parsed shows its *layout*: the
 * bytes before each value (`{"id":`, `,"name":` …) and behind the last one. The code made for a layout compares those
 * bytes, four at a time, and reads each value where it stands; neither the text of the record nor its names are made
 * again. A record that differs in anything (another name, an escape, a blank) is parsed by `JSON.parse` from its start,
 * which decides what is right.
 *
 * The last few layouts are kept, for topics with records of several kinds. Where most records differ from all of them,
 * they are dropped. Learning a layout costs about a millisecond, so each waits for twice the misses of the one before.
 */

import { readAscii } from './ascii.ts';
import { type Code, Constants, code, codegenAllowed, joinCode, runCodeOnce } from './generated-code.ts';
import { expectBytesCode, jsonNumberCode, jsonTextCode, powersOfTen } from './json-code.ts';
import { Kept } from './kept.ts';
import { readUtf8, utf8Bytes } from './text.ts';

/** Reads the record that begins at `at`; undefined where it has another layout. */
type ReadRecord = (bytes: Uint8Array, view: DataView, at: number, end: number) => unknown;

const mostLayouts = 8;
/** Records are looked at in groups of this many misses. */
const missesOfGroup = 1024;

export class JsonReader {
  /** The one that read the last record is the first. */
  #layouts: ReadRecord[] = [];
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #reads = 0;
  #misses = 0;
  #readsBeforeGroup = 0;
  /** At how many misses the next layout is learned. */
  #learnAt = 1;

  /** The value of the JSON text in `bytes[start, end)`, which is UTF-8. Throws as `JSON.parse` does. */
  read(bytes: Uint8Array, start: number, end: number): unknown {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#reads++;
    const layouts = this.#layouts;
    for (let i = 0; i < layouts.length; i++) {
      const read = layouts[i] as ReadRecord;
      const value = read(bytes, this.#view, start, end);
      if (value === undefined) continue;
      if (i > 0) {
        layouts[i] = layouts[0] as ReadRecord;
        layouts[0] = read;
      }
      return value;
    }
    return this.#parse(readUtf8(bytes, start, end));
  }

  #parse(text: string): unknown {
    const value: unknown = JSON.parse(text);
    this.#misses++;
    if (this.#misses % missesOfGroup === 0) {
      if (this.#reads - this.#readsBeforeGroup < 2 * missesOfGroup) this.#layouts = [];
      this.#readsBeforeGroup = this.#reads;
    }
    if (this.#misses >= this.#learnAt && codegenAllowed()) {
      this.#learnAt *= 2;
      const layout = layoutOf(text, value);
      if (layout !== undefined) this.#layouts = [readerOf(layout), ...this.#layouts.slice(0, mostLayouts - 1)];
    }
    return value;
  }
}

// ------------------------------------------------------------------------------------------------------- the layout

/** The fields of an object in order, and what stands behind the last value. */
interface Layout {
  readonly fields: readonly LayoutField[];
  readonly behind: string;
}

interface LayoutField {
  readonly name: string;
  /** What stands between the former value, or the start of the object, and this one. */
  readonly before: string;
  /** Of what kind the value was: how it is tried to be read first. */
  readonly kind: 'text' | 'number' | 'other' | Layout;
}

const mostFields = 100;
const mostDepth = 8;
/** What takes more than this for each field is mostly long texts, which `JSON.parse` reads faster. */
const mostUnitsOfField = 64;

/** What JSON consists of: a text with its quotes, a sign, or a number or word. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/y;
const blanks = /\s*/y;

/** The layout of a text that was parsed to `value`, or none where it is no object, or not worth the code. */
const layoutOf = (text: string, value: unknown): Layout | undefined => {
  if (text.length > mostUnitsOfField * mostFields) return undefined;
  const walk = new Walk(text);
  const layout = walk.object(value, mostDepth);
  if (layout === undefined || walk.fields > mostFields || text.length > mostUnitsOfField * walk.fields)
    return undefined;
  return { ...layout, behind: layout.behind + text.slice(walk.at) };
};

/** Walks a text that is known to be JSON. */
class Walk {
  readonly #text: string;
  at = 0;
  fields = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The layout of the object that begins here, behind blanks; stops behind it. */
  object(value: unknown, depth: number): Layout | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return undefined;
    const fields: LayoutField[] = [];
    let from = this.at;
    const between = (): string => this.#text.slice(from, this.at);
    this.#token();
    for (let token = this.#token(); token !== '}'; token = this.#token()) {
      const quoted = token === ',' ? this.#token() : token;
      this.#token();
      this.#skipBlanks();
      const name = JSON.parse(quoted) as string;
      // A name that every object has is no plain field: `__proto__`, `constructor`.
      if (name in Object.prototype) return undefined;
      const before = between();
      fields.push({ name, before, kind: this.#value((value as Record<string, unknown>)[name], depth) });
      from = this.at;
    }
    this.fields += fields.length;
    return { fields, behind: between() };
  }

  #value(value: unknown, depth: number): LayoutField['kind'] {
    const { at, fields } = this;
    const layout = this.object(value, depth - 1);
    if (layout !== undefined) return layout;
    this.at = at;
    this.fields = fields;
    this.#skip();
    return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'other';
  }

  #skip(): void {
    let depth = 0;
    do {
      const token = this.#token();
      if (token === '{' || token === '[') depth++;
      else if (token === '}' || token === ']') depth--;
    } while (depth > 0);
  }

  #skipBlanks(): void {
    blanks.lastIndex = this.at;
    blanks.test(this.#text);
    this.at = blanks.lastIndex;
  }

  #token(): string {
    this.#skipBlanks();
    tokens.lastIndex = this.at;
    const [token = ''] = tokens.exec(this.#text) ?? [];
    this.at += token.length;
    return token;
  }
}

// --------------------------------------------------------------------------------------------------------- the code

interface Shared {
  readonly ascii: number;
  readonly utf8: number;
  readonly powers: number;
  readonly part: number;
  /** Counts the values, each of which has a variable of its own. */
  values: number;
}

const leave: Code = code`break quick;`;

const readPart = ({ part }: Shared): Code => code`
  v = k${part}.read(bytes, at, end);
  if (v === undefined) break quick;
  at = k${part}.end;`;

/** Reads the value at `at` into `v`, and steps over it. */
const readValue = (kind: LayoutField['kind'], shared: Shared, constants: Constants): Code => {
  if (typeof kind === 'object') {
    return code`
  if (bytes[at] === 123) {
    ${readObject(kind, shared, constants)}
  } else {
    ${readPart(shared)}
  }`;
  }
  switch (kind) {
    case 'text':
      return code`
  if (bytes[at] === 34) {
    ${jsonTextCode(leave)}
    v = y === 0 ? k${shared.ascii}(bytes, at + 1, p) : k${shared.utf8}(bytes, at + 1, p);
    at = p + 1;
  } else {
    ${readPart(shared)}
  }`;
    case 'number':
      return code`
  value: {
    number: {
      ${jsonNumberCode(shared.powers, code`break number;`)}
      v = n ? -x : x;
      at = p;
      break value;
    }
    ${readPart(shared)}
  }`;
    case 'other':
      return readPart(shared);
  }
};

/** Reads the object at `at` into `v`, and steps over it. The object is made when all values are there, so that it has
 *  its final size. */
const readObject = ({ fields, behind }: Layout, shared: Shared, constants: Constants): Code => {
  const values = fields.map(() => code`v${shared.values++}`);
  const construct = constants.add(constructorOf(fields.map(({ name }) => name)));
  return joinCode([
    ...fields.map(
      ({ before, kind }, i) => code`
  ${expectBytesCode(utf8Bytes(before), leave, constants)}
  ${readValue(kind, shared, constants)}
  const ${values[i] as Code} = v;`,
    ),
    expectBytesCode(utf8Bytes(behind), leave, constants),
    code`v = new k${construct}(${joinCode(values.map((value) => code`${value},`))});`,
  ]);
};

/** Makes a plain object with these fields from their values: one for the same names, so that the objects of all tasks
 *  look alike to the code that uses them. */
const constructorOf = (names: readonly string[]): unknown =>
  constructors.get(JSON.stringify(names), () => newConstructor(names));

const constructors = new Kept<unknown>(256);

const newConstructor = (names: readonly string[]): unknown => {
  const constants = new Constants();
  const values = names.map((_, i) => code`v${i},`);
  const fields = names.map((name, i) => code`this[k${constants.add(name)}] = v${i};`);
  return runCodeOnce(
    code`
  const construct = function (${joinCode(values)}) { ${joinCode(fields)} };
  construct.prototype = k${constants.add(Object.prototype)};
  return construct;`,
    constants,
  );
};

/** The tasks of a topic share one for each layout. */
const readerOf = (layout: Layout): ReadRecord => readers.get(JSON.stringify(layout), () => generate(layout));

const readers = new Kept<ReadRecord>(256);

const generate = (layout: Layout): ReadRecord => {
  const constants = new Constants();
  const shared: Shared = {
    ascii: constants.add(readAscii),
    utf8: constants.add(readUtf8),
    powers: constants.add(powersOfTen),
    part: constants.add(new JsonPart()),
    values: 0,
  };
  return runCodeOnce(
    code`return (bytes, view, at, end) => {
  const last = bytes.length - 4;
  let p = 0, s = 0, c = 0, d = 0, f = 0, e = 0, x = 0, y = 0, n = false, v = null;
  quick: {
    ${readObject(layout, shared, constants)}
    if (at !== end) break quick;
    return v;
  }
};`,
    constants,
  ) as ReadRecord;
};

/** Reads a value of any kind within a record. */
class JsonPart {
  /** Where the value that was read last ends. */
  end = 0;

  /** The value at `at`; undefined where none stands there. */
  read(bytes: Uint8Array, at: number, end: number): unknown {
    this.end = partEnd(bytes, at, end);
    const first = bytes[at];
    const nested = first === quote || first === 91 || first === 123;
    const text = nested ? readUtf8(bytes, at, this.end) : readAscii(bytes, at, this.end);
    if (text === 'null') return null;
    if (text === 'true') return true;
    if (text === 'false') return false;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  }
}

const quote = 34;
const backslash = 92;
const isOpening = (byte: number): boolean => byte === 91 || byte === 123;
const isClosing = (byte: number): boolean => byte === 93 || byte === 125;
const endsScalar = (byte: number): boolean => byte === 44 || byte <= 32 || isClosing(byte);

/** Where the value at `at` ends, if one stands there. */
const partEnd = (bytes: Uint8Array, at: number, end: number): number => {
  let depth = 0;
  for (let place = at; place < end; place++) {
    const byte = bytes[place] as number;
    if (byte === quote) {
      for (place++; place < end && bytes[place] !== quote; place++) if (bytes[place] === backslash) place++;
      if (depth === 0) return Math.min(place + 1, end);
    } else if (isOpening(byte)) depth++;
    else if (depth === 0) {
      if (endsScalar(byte)) return place;
    } else if (isClosing(byte) && --depth === 0) return place + 1;
  }
  return end;
};
