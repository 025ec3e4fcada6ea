import process from 'node:process';
import { expect, test } from 'vitest';
import { Constants, code, codegenAllowed, runCode, useGeneratedCode } from '../../base/index.ts';
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

test.runIf(codegenAllowed())(
  'the same text gives a function for each set of constants, more texts than are kept too',
  () => {
    const adder = (step: number, text: number): (() => number) => {
      const constants = new Constants();
      const k = constants.add(step);
      return runCode(code`let sum = ${text}; return () => sum += k${k};`, constants) as () => number;
    };
    const texts = Array.from({ length: 600 }, (_, i) => i);
    const made = texts.flatMap((text) => [adder(1, text), adder(2, text)]);
    const again = texts.map((text) => adder(3, text));
    for (const add of made) add();
    expect(made.map((add) => add())).toEqual(texts.flatMap((text) => [text + 2, text + 4]));
    expect(again.map((add) => add())).toEqual(texts.map((text) => text + 3));
  },
);

test.runIf(codegenAllowed())('one text is compiled once: with fewer constants it is another', () => {
  const first = new Constants();
  first.add('first');
  const second = new Constants();
  second.add('second');
  second.add('third');
  const text = code`return () => [k0, typeof k1];`;
  expect((runCode(text, first) as () => unknown)()).toEqual(['first', 'undefined']);
  expect((runCode(text, second) as () => unknown)()).toEqual(['second', 'string']);
});
