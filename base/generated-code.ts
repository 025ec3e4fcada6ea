/**
 * Whether code may be made from text, in this thread: a switch that the host sets and that makers of generated code
 * ask.
 *
 * It is on unless somebody turns it off; `base/node` does so for `MILLRACE_CODEGEN=off`. Nobody's results depend on it:
 * what is generated has a plain form beside it that does the same.
 */

let allowed = true;

/** Turns generated code off or on again, for what is made from now on. */
export const useGeneratedCode = (on: boolean): void => {
  allowed = on;
};

export const generatedCodeAllowed = (): boolean => allowed;
