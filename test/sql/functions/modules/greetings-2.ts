/** The next version of the module, in which the greeting is another one. */

import type { FunctionModule } from 'millrace';

export default {
  name: 'greetings',
  version: '2.0.0',
  functions: [{ signature: 'GREET(STRING) -> STRING', body: (name: string) => `good morning ${name}` }],
} satisfies FunctionModule;
