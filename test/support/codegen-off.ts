/**
 * Forbids this process to compile text, when `MILLRACE_CODEGEN=off`: a setup file of the test runner.
 *
 * The switch itself is honoured where code is generated; this guard is what makes the claim "the whole suite passes
 * with code generation off" one that can fail. V8's own flag (`--disallow-code-generation-from-strings`) cannot serve,
 * because the HTTP router among our dependencies generates its route handlers. So the guard looks at the caller: a
 * frame inside `node_modules` may compile, a file of this house may not.
 */

/** Whether the code that called the guard is a dependency's. Frames: [0] the message, [1] this, [2] the trap, [3] the
 *  caller. */
function calledByDependency(): boolean {
  const caller = new Error().stack?.split('\n')[3] ?? '';
  return caller.includes('node_modules');
}

function refuse(): never {
  throw new EvalError(
    'code generation is switched off (MILLRACE_CODEGEN=off), and a file of this project compiled text',
  );
}

/** The same constructor, refusing every call that comes from a file of ours. */
export const guarded = (compile: FunctionConstructor): FunctionConstructor =>
  new Proxy(compile, {
    apply: (target, self, texts) => (calledByDependency() ? Reflect.apply(target, self, texts) : refuse()),
    construct: (target, texts, newTarget) =>
      calledByDependency() ? (Reflect.construct(target, texts, newTarget) as object) : refuse(),
  });

if (process.env['MILLRACE_CODEGEN'] === 'off') globalThis.Function = guarded(Function);
