/**
 * How the suite runs.
 *
 * Test files run in forked processes, not in threads: several tests kill, limit or re-start what they hold, and the
 * code-generation switch below is a V8 flag of a process. `MILLRACE_CODEGEN=off` runs the whole suite a second time with
 * the plain forms in place of generated code, and forbids V8 to compile text at all, so that nothing slips past the switch.
 */
import { defineConfig } from 'vitest/config';

const codegenOff = process.env['MILLRACE_CODEGEN'] === 'off';

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    execArgv: ['--conditions=millrace-source', ...(codegenOff ? ['--disallow-code-generation-from-strings'] : [])],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['dot'],
  },
});
