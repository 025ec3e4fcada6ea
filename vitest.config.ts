/**
 * How the suite runs.
 *
 * Test files run in forked processes, not in threads: several tests kill, limit or re-start what they hold.
 * `MILLRACE_CODEGEN=off` (`npm run test:plain`) runs the whole suite with the plain forms in place of generated code,
 * and `test/support/codegen-off.ts` then lets no file of ours compile text, so that nothing slips past the switch.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // `import 'millrace'` means the source here, not a build; see `exports` in package.json.
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/codegen-off.ts', 'test/support/fast-check-seed.ts'],
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--conditions=millrace-source'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What a test waits for may take its time on a busy machine; what never comes is shown before the test's own limit.
    expect: { poll: { timeout: 100_000, interval: 10 } },
  },
});
