/**
 * Whether code may be made from text, in this thread: a switch that the host sets, and that is read before code is
 * generated.
 *
 * It is on unless it is switched off; `base/node` does so for `MILLRACE_CODEGEN=off`. No result depends on it: all
 * generated code has a plain form beside it that does the same.
 */

let allowed = true;

/** Switches generated code off or on, for what is compiled from now on. */
export const useGeneratedCode = (on: boolean): void => {
  allowed = on;
};

export const generatedCodeAllowed = (): boolean => allowed;
