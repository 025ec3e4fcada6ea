import process from 'node:process';
import { expect, test } from 'vitest';
import { codegenAllowed, useGeneratedCode } from '../../base/index.ts';
import { installNative } from '../../base/node/index.ts';

// With the whole suite switched off, nothing may be compiled to see that it could be.
test.runIf(codegenAllowed())('MILLRACE_CODEGEN=off switches generated code off for the thread that installs it', () => {
  const before = process.env['MILLRACE_CODEGEN'];
  try {
    delete process.env['MILLRACE_CODEGEN'];
    installNative();
    expect(codegenAllowed()).toBe(true);
    process.env['MILLRACE_CODEGEN'] = 'off';
    installNative();
    expect(codegenAllowed()).toBe(false);
  } finally {
    if (before === undefined) delete process.env['MILLRACE_CODEGEN'];
    else process.env['MILLRACE_CODEGEN'] = before;
    useGeneratedCode(true);
  }
});
