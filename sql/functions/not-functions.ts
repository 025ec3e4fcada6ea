/** What other dialects of SQL have as functions, and this one in another form: for the hint where somebody writes such
 *  a name. The other names of a function stand in its entry. */

export const notFunctions: Readonly<Record<string, string>> = {
  MOD: 'the operator %',
  IF: 'CASE WHEN condition THEN a ELSE b END',
  IIF: 'CASE WHEN condition THEN a ELSE b END',
  DECODE: 'CASE WHEN value = a THEN x ELSE y END',
};
