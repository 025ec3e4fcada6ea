/**
 * Whether the text of a Protocol Buffers schema is so large in itself that its parser would hold up the process.
 *
 * The parser compares each field of a message with those before it, with the reserved ranges, and each extension with
 * all others: a message of 4,000 fields takes it a second, and twice as many take four. So the squares of these numbers
 * are added up over all messages, before anything is parsed.
 */

/** A message, or an enum, whose values take no such time. */
interface Block {
  fields: number;
  readonly isEnum: boolean;
}

/** One message may have so many fields; several, fewer each. */
export const mostFields = 4000;

/** Comments and strings, which may have any signs in them; the beginnings and ends of blocks; what ends a statement;
 *  and lists of ranges, with what separates them. A block behind another word counts as a field, as a group does. */
const signs =
  /\/\/.*|\/\*[\s\S]*?(?:\*\/|$)|"(?:\\[\s\S]|[^"\\])*(?:"|$)|'(?:\\[\s\S]|[^'\\])*(?:'|$)|\b(?:enum|oneof|extend|message|service|group|reserved|extensions)\b|[{};,]/g;

/** The fields of a oneof are those of the message around it, and extensions are held in one place. */
export const hasTooManyFields = (texts: readonly string[]): boolean => {
  let squares = 0;
  const add = (block: Block | undefined): void => {
    if (block !== undefined) squares += 2 * block.fields++ + 1;
  };
  const extensions: Block = { fields: 0, isEnum: false };
  for (const text of texts) {
    const blocks: Block[] = [{ fields: 0, isEnum: false }];
    // The first keyword of the statement that is being read: what follows may be a name.
    let keyword = '';
    for (const [sign] of text.matchAll(signs)) {
      const block = blocks.at(-1);
      if (sign === '{') {
        if (keyword === 'oneof' && block !== undefined) blocks.push(block);
        else if (keyword === 'extend') blocks.push(extensions);
        else blocks.push({ fields: 0, isEnum: keyword === 'enum' });
        if (keyword === '' || keyword === 'group') add(block);
      } else if (sign === '}') blocks.pop();
      else if (sign === ',') {
        if (keyword === 'reserved' || keyword === 'extensions') add(block);
      } else if (sign === ';') {
        if (block?.isEnum === false || keyword !== '') add(block);
      } else {
        if (keyword === '' && /^\w/.test(sign)) keyword = sign;
        continue;
      }
      if (sign !== ',') keyword = '';
      if (squares > mostFields ** 2) return true;
    }
  }
  return false;
};
