/**
 * The seed of what fast-check makes up in a test: a setup file of the test runner.
 *
 * It is printed with each test that fails, also with one whose time runs out while fast-check still shrinks what it has
 * found. `FAST_CHECK_SEED=… npx vitest run FILE -t NAME` repeats the test.
 */

import fc from 'fast-check';
import { beforeEach } from 'vitest';

const given = process.env['FAST_CHECK_SEED'];

beforeEach(({ onTestFailed }) => {
  const seed = given === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(given);
  fc.configureGlobal({ seed });
  onTestFailed(() => console.error(`to repeat what fast-check made up: FAST_CHECK_SEED=${seed}`));
});
