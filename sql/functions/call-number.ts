/** Calls of users' functions as numbers, from 1 on: what a thread can note in a word of shared memory. */

const functionsPerModule = 65_536;

/** `module`: its number among those that were loaded; `index`: the function's place in it. */
export const callNumber = (module: number, index: number): number => module * functionsPerModule + index + 1;

export const readCallNumber = (call: number): { readonly module: number; readonly index: number } => ({
  module: Math.floor((call - 1) / functionsPerModule),
  index: (call - 1) % functionsPerModule,
});
