/**
 * The error for a text that does not fit the grammar: what was found, what was expected, where, and what was probably
 * meant.
 *
 * The parser reports what it expected as token types; here they become words. A hint is added for the slips that people
 * make: a misspelt keyword, a reserved word as a name, the wrong quotes, and the parts of SQL
 * that this dialect does not have.
 */

import {
  EOF,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
  NoViableAltException,
  type TokenType,
} from 'chevrotain';
import { closestName, type Position, shortened, UserError } from '../../base/index.ts';
import {
  Comma,
  ComparisonOperator,
  Dot,
  Greater,
  keyword,
  LambdaArrow,
  LeftBracket,
  LeftParen,
  Less,
  Name,
  PlainName,
  placeOf,
  QuotedName,
  RightBracket,
  RightParen,
  StringText,
  Unit,
  unquote,
} from './tokens.ts';
import { isReserved, keywords } from './words.ts';

/** The listener that the parser reports to. It keeps what was expected last, since the parser stops at its first
 *  error. */
export class Expectations implements IParserErrorMessageProvider {
  /** Whether the parser should check its own grammar while it is built; a test does so, a server need not. */
  readonly checkGrammar: boolean;
  expected: readonly TokenType[] = [];
  /** What was expected in the words of the grammar rule, where it has some. */
  description: string | undefined;

  constructor(checkGrammar: boolean) {
    this.checkGrammar = checkGrammar;
  }

  buildMismatchTokenMessage(options: {
    expected: TokenType;
    actual: IToken;
    previous: IToken;
    ruleName: string;
  }): string {
    const { expected, actual, previous, ruleName } = options;
    // Where a list may end it may also go on.
    const goesOn =
      actual.tokenType !== EOF && listEnds.get(ruleName) === expected && !listStarts.includes(previous.tokenType);
    return this.#keep(goesOn ? [Comma, expected] : [expected]);
  }

  buildNotAllInputParsedMessage(): string {
    return this.#keep([]);
  }

  buildNoViableAltMessage(options: { expectedPathsPerAlt: TokenType[][][]; customUserDescription?: string }): string {
    return this.#keep(options.expectedPathsPerAlt.flatMap(firstOfPaths), options.customUserDescription);
  }

  buildEarlyExitMessage(options: { expectedIterationPaths: TokenType[][]; customUserDescription?: string }): string {
    return this.#keep(firstOfPaths(options.expectedIterationPaths), options.customUserDescription);
  }

  #keep(expected: readonly TokenType[], description?: string): string {
    this.expected = [...new Set(expected)];
    this.description = description;
    return '';
  }
}

/** The rules that read a list, and what ends it. */
const listEnds: ReadonlyMap<string, TokenType> = new Map([
  ['select', keyword.FROM],
  ['callArguments', RightParen],
  ['wordPredicate', RightParen],
  ['array', RightBracket],
  ['map', RightParen],
  ['struct', RightParen],
  ['structType', Greater],
  ['elements', RightParen],
  ['properties', RightParen],
  ['columnNames', RightParen],
  ['insertStatement', RightParen],
  ['by', RightParen],
]);

const listStarts: readonly TokenType[] = [LeftParen, LeftBracket, Less];

const firstOfPaths = (paths: readonly TokenType[][]): TokenType[] =>
  paths.flatMap((path) => (path[0] === undefined ? [] : [path[0]]));

/** Makes an error for the user out of the parser's. `tokens` is the statement, `end` the place behind it. */
export function syntaxError(
  error: IRecognitionException,
  expectations: Expectations,
  tokens: readonly IToken[],
  end: Position,
): UserError {
  const index = tokenIndex(error, tokens);
  const found = tokens[index];
  const expected = expectations.description ?? wordsFor(expectations.expected);
  const message =
    found === undefined
      ? `the statement ends too early: expected ${expected}`
      : `expected ${expected}, found ${describe(found)}`;
  return new UserError('SQL_SYNTAX', message, {
    at: found === undefined ? end : placeOf(found),
    hint: hintFor(tokens, index, expectations),
  });
}

/** The token that did not fit. Where several were looked at to choose, it is the first. */
function tokenIndex(error: IRecognitionException, tokens: readonly IToken[]): number {
  if (error.token.tokenType === EOF && !(error instanceof NoViableAltException)) return tokens.length;
  const index = tokens.indexOf(error.token);
  return index < 0 ? tokens.length : index;
}

/** A list of token types in a user's words, at most eight of them. */
function wordsFor(expected: readonly TokenType[]): string {
  const labels = [...new Set(expected.map((type) => type.LABEL ?? type.name))];
  if (labels.length === 0) return 'the end of the statement';
  if (labels.length > 8) return `${labels.slice(0, 8).join(', ')} or another of ${labels.length} words`;
  const last = labels.at(-1) ?? '';
  return labels.length === 1 ? last : `${labels.slice(0, -1).join(', ')} or ${last}`;
}

/** A token as it is named in an error. */
function describe(token: IToken): string {
  const { image, tokenType } = token;
  const shown = shortened(image);
  if (tokenType === StringText) return `the string ${shown}`;
  if (tokenType === QuotedName) return `the quoted name ${shown}`;
  return `"${shown}"`;
}

const isName = (type: TokenType): boolean => type === Name || (type.CATEGORIES?.includes(Name) ?? false);

const upper = (token: IToken | undefined): string => token?.image.toUpperCase() ?? '';

function hintFor(
  tokens: readonly IToken[],
  index: number,
  { expected, description }: Expectations,
): string | undefined {
  const found = tokens[index];
  const foreign = foreignSql(tokens, index);
  if (foreign !== undefined || found === undefined) return foreign ?? misspeltBefore(tokens, index, expected);
  return (
    wrongQuotes(tokens, index, expected) ??
    misspelt(found, expected) ??
    misplaced(tokens, index, expected) ??
    misspeltBefore(tokens, index, expected) ??
    windowForm(tokens, index, expected) ??
    (description === 'a type' ? typeName(found) : undefined) ??
    (description === "a property (NAME = 'value')" ? propertyName(found) : undefined) ??
    (endsList(found, description) ? undefined : reservedName(found, expected)) ??
    slip(tokens, index, expected) ??
    reservedName(found, expected)
  );
}

/** Parts of other SQL dialects, by the word that gives them away. */
function foreignSql(tokens: readonly IToken[], index: number): string | undefined {
  const word = upper(tokens[index]);
  const before = upper(tokens[index - 1]);
  const after = upper(tokens[index + 1]);
  const phrase = (first: string, second: string): boolean =>
    (word === first && after === second) || (before === first && word === second);
  if (word === 'RUN' && index === 0) {
    return 'RUN SCRIPT is a command of the terminal (millrace sql); a file is run with: millrace sql -f FILE.';
  }
  if (before === 'ASSERT' && ['VALUES', 'NULL', 'STREAM', 'TABLE'].includes(word)) {
    return `ASSERT ${word} is a statement of test scripts only.`;
  }
  if (phrase('ORDER', 'BY')) return 'ORDER BY stands behind HAVING and UNION, and before EMIT, LIMIT and OFFSET.';
  if (word === 'OFFSET') return 'OFFSET is the last clause, behind LIMIT.';
  if (word === 'UNION') return 'UNION stands behind WHERE, GROUP BY and HAVING, and before ORDER BY, EMIT and LIMIT.';
  for (const operator of ['INTERSECT', 'EXCEPT']) {
    if (word === operator || before === operator) return `There is no ${operator}.`;
  }
  if (word === 'DISTINCT' && before === '(') return 'There is no DISTINCT in an aggregate; use COUNT_DISTINCT(x).';
  if (word === 'OVER' || (before === 'OVER' && word === '(')) {
    return 'There is no OVER; use a WINDOW clause with GROUP BY.';
  }
  if (tokens.slice(0, index + 1).some((token, at) => upper(token) === 'CROSS' && upper(tokens[at + 1]) === 'JOIN')) {
    return 'There is no CROSS JOIN; a join needs ON with one equality.';
  }
  if (word === 'USING' || before === 'USING') return 'There is no USING; write ON a.x = b.x.';
  if (word === '(' && ['FROM', 'JOIN'].includes(upper(tokens[index - 2]))) {
    return 'A function cannot be read from; call it in SELECT.';
  }
  if ((word === 'LEFT' || word === 'RIGHT') && after === '(') {
    return `There is no ${word}(…); use SUBSTRING.`;
  }
  if (tokens[index]?.tokenType === LambdaArrow)
    return 'At least is >=; => stands between the parameters of a lambda and its body.';
  if (word === '=' && before === '=') return 'Equality is written with one =.';
  if (word === ',' && insideFrom(tokens, index)) return 'Join sources with JOIN … ON, not with a comma.';
  if (word === ',' && before === ')' && tokens.some((token) => token.tokenType === keyword.VALUES)) {
    return 'INSERT INTO … VALUES takes one row: write one statement per row.';
  }
  return undefined;
}

/** Whether the last clause that began before a token is FROM. */
function insideFrom(tokens: readonly IToken[], index: number): boolean {
  const clauses: readonly TokenType[] = [keyword.FROM, keyword.WHERE, keyword.ON, keyword.GROUP, keyword.SELECT];
  return tokens.slice(0, index).findLast((token) => clauses.includes(token.tokenType))?.tokenType === keyword.FROM;
}

/** The clauses of a SELECT in their order. */
const clauseOrder: readonly string[] = ['FROM', 'WINDOW', 'WHERE', 'GROUP', 'PARTITION', 'HAVING', 'EMIT', 'LIMIT'];

/** A clause behind one that it stands before, and words that are missing before it. */
function misplaced(tokens: readonly IToken[], index: number, expected: readonly TokenType[]): string | undefined {
  const word = upper(tokens[index]);
  const before = upper(tokens[index - 1]);
  const starts = (...first: readonly string[]): boolean => first.includes(upper(tokens[0]));
  const has = (type: TokenType): boolean => tokens.slice(0, index).some(({ tokenType }) => tokenType === type);
  if (starts('EXPLAIN') && index === 1 && tokens.length > 2) {
    const close = closestName(word, ['SELECT', 'CREATE', 'INSERT']);
    if (close !== undefined) return `Did you mean ${close}?`;
  }
  if (starts('TERMINATE', 'PAUSE', 'RESUME') && index === 1 && word === 'QUERY') {
    return `Write the id alone: ${upper(tokens[0])} ${tokens[2]?.image ?? 'id'};`;
  }
  if (word === 'SIZE' && before === '(' && upper(tokens[index - 2]) === 'SESSION') {
    return 'Of a session window only the gap is given: WINDOW SESSION (5 MINUTES).';
  }
  if (expected.length > 0) return undefined;
  if (before === 'EMIT' && (word === 'CHANGES' || word === 'FINAL')) {
    return 'EMIT was read as a name here: what stands before it is not complete.';
  }
  if (starts('CREATE')) {
    if (word === 'WITH' && has(keyword.SELECT)) return 'WITH stands behind the name, before AS.';
    if (word === 'SELECT') return 'Write AS before SELECT.';
    if (word === '(' && before === ')') return 'Write WITH before the properties.';
  }
  const place = clauseOrder.indexOf(word);
  const later = clauseOrder.slice(place + 1);
  if (place > 0 && tokens.slice(0, index).some((token) => later.includes(upper(token)))) {
    return 'The clauses have an order: FROM, WINDOW, WHERE, GROUP BY or PARTITION BY, HAVING, EMIT, LIMIT.';
  }
  return undefined;
}

const windowForms: Readonly<Record<string, string>> = {
  TUMBLING: 'Write WINDOW TUMBLING (SIZE 1 MINUTE), or with GRACE PERIOD 10 SECONDS behind a comma.',
  HOPPING: 'Write WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY 20 SECONDS).',
  SESSION: 'Write WINDOW SESSION (5 MINUTES).',
};

/** How the WINDOW clause is written that a token stands in. */
function windowForm(tokens: readonly IToken[], index: number, expected: readonly TokenType[]): string | undefined {
  if (expected.includes(keyword.TUMBLING)) return 'The kinds of windows are TUMBLING, HOPPING and SESSION.';
  const from = tokens.slice(0, index).findLastIndex((token) => upper(token) === 'WINDOW');
  const clause = from < 0 ? [] : tokens.slice(from + 1, index);
  if (clause.some(({ tokenType }) => tokenType === RightParen)) return undefined;
  if (expected.includes(Unit)) return 'The units are DAYS, HOURS, MINUTES, SECONDS and MILLISECONDS.';
  // The kind is the first word, or the second behind a name.
  return clause
    .slice(0, 2)
    .map((token) => windowForms[upper(token)])
    .find((form) => form !== undefined);
}

/** What is meant by a word that stands where a property does. */
const propertyName = (found: IToken): string | undefined =>
  upper(found) === 'TOPIC' ? 'The property is called KAFKA_TOPIC.' : undefined;

/** A name with the names that dots join to it, such as the name of a property without its quotes. */
function dotted(tokens: readonly IToken[], index: number): string {
  let text = tokens[index]?.image ?? '';
  for (let at = index + 1; tokens[at]?.tokenType === Dot; at += 2) text += `.${tokens[at + 1]?.image ?? ''}`;
  return text;
}

function wrongQuotes(tokens: readonly IToken[], index: number, expected: readonly TokenType[]): string | undefined {
  const found = tokens[index] as IToken;
  const wantsString = expected.includes(StringText);
  if (wantsString && found.tokenType === QuotedName) {
    return `Strings stand between single quotes: '${unquote(found.image).replaceAll("'", "''")}'.`;
  }
  if (expected.some(isName) && found.tokenType === StringText) {
    return 'Single quotes make a string; put a name into backticks.';
  }
  if (wantsString && !expected.some(isName) && found.tokenType === PlainName) {
    return `Put it into single quotes: '${dotted(tokens, index)}'.`;
  }
  return undefined;
}

/** A name where a keyword was expected that looks much like it. */
function misspelt(found: IToken, expected: readonly TokenType[]): string | undefined {
  // A keyword where any name would do is one that is reserved, and not a slip.
  if (!isWord(found) || expected.includes(Name)) return undefined;
  const words = expected.includes(Unit) ? unitWords : expected.map(({ name }) => name).filter(isKeyword);
  const close = closestName(found.image, words);
  return close === undefined ? undefined : `Did you mean ${close}?`;
}

const isWord = (token: IToken): boolean => token.tokenType === PlainName || isKeyword(token.tokenType.name);

const isKeyword = (word: string): boolean => keywords.includes(word);

const unitWords: readonly string[] = [
  ...['MILLISECONDS', 'SECONDS', 'MINUTES', 'HOURS', 'DAYS'],
  ...['MILLISECOND', 'SECOND', 'MINUTE', 'HOUR', 'DAY'],
];

/** Words that begin a part of a statement. When one is misspelt it is taken for an alias, and the text goes wrong only
 *  at the word behind it. */
const clauseWords: readonly string[] = [
  ...[
    'FROM',
    'WHERE',
    'GROUP',
    'PARTITION',
    'HAVING',
    'WINDOW',
    'EMIT',
    'LIMIT',
    'ORDER',
    'UNION',
    'OFFSET',
    'JOIN',
    'INNER',
    'LEFT',
    'RIGHT',
  ],
  ...['FULL', 'WITHIN', 'WITH', 'VALUES', 'BETWEEN', 'LIKE', 'AND', 'AS', 'EXTENDED', 'DELETE'],
  ...['TUMBLING', 'HOPPING', 'SESSION'],
];

function misspeltBefore(tokens: readonly IToken[], index: number, expected: readonly TokenType[]): string | undefined {
  const before = tokens[index - 1];
  if (before?.tokenType !== PlainName || before.image.length < 3 || expected.includes(Name)) return undefined;
  // What a source is called is no alias.
  if (['FROM', 'JOIN', 'INTO'].includes(upper(tokens[index - 2]))) return undefined;
  const close = closestName(before.image, clauseWords);
  return close === undefined ? undefined : `Did you mean ${close} instead of ${before.image}?`;
}

function reservedName(found: IToken, expected: readonly TokenType[]): string | undefined {
  if (!expected.includes(Name) || !isReserved(upper(found))) return undefined;
  return `${upper(found)} is a reserved word: put it into backticks to use it as a name.`;
}

/** Whether a reserved word in the place of an expression more likely begins the next clause: the comma before it is
 *  then one too many. Where a name alone can stand, no clause can begin. */
const endsList = (found: IToken, description: string | undefined): boolean =>
  description !== undefined && clauseWords.includes(upper(found));

function typeName(found: IToken): string | undefined {
  return found.tokenType === keyword.NULL ? 'NULL is a value, not a type; every type has it.' : undefined;
}

const joinsConditions: ReadonlySet<TokenType> = new Set([keyword.AND, keyword.OR]);

/** Whether the token stands in GROUP BY or PARTITION BY: BY is the nearest word before it that begins a clause. */
function standsInBy(tokens: readonly IToken[], index: number): boolean {
  const clauses: readonly TokenType[] = [keyword.BY, keyword.HAVING, keyword.WHERE, keyword.ON, keyword.SELECT];
  return tokens.slice(0, index).findLast(({ tokenType }) => clauses.includes(tokenType))?.tokenType === keyword.BY;
}

/** Slips that a sign gives away. */
function slip(tokens: readonly IToken[], index: number, expected: readonly TokenType[]): string | undefined {
  const found = tokens[index];
  const before = tokens[index - 1];
  if (found === undefined || before === undefined) return undefined;
  if (before.tokenType === Comma) return 'Remove the comma before it, or write what should follow it.';
  if (before.tokenType === keyword.DECIMAL)
    return 'Write how many digits it has, and how many of them are behind the point: DECIMAL(10, 2).';
  if (found.tokenType === Dot) return 'A dot stands only between a source and a column; the field of a struct is a->b.';
  const compares = found.tokenType.CATEGORIES?.includes(ComparisonOperator) ?? false;
  if ((compares || joinsConditions.has(found.tokenType)) && standsInBy(tokens, index)) {
    return 'GROUP BY and PARTITION BY take values: put a condition into parentheses.';
  }
  if (compares && expected.length === 0) {
    return 'Comparisons do not chain: join two of them with AND, or put one into parentheses.';
  }
  return undefined;
}
