/** Proves that the guard of `MILLRACE_CODEGEN=off` can fail, whichever way the suite runs. */
import { expect, test } from 'vitest';
import { guarded } from './codegen-off.ts';

test('with code generation off, a file of this project cannot compile text', () => {
  const Guarded = guarded(Function);
  expect(() => new Guarded('return 1')).toThrow(/code generation is switched off/);
  expect(() => Guarded('return 1')).toThrow(/code generation is switched off/);
});
