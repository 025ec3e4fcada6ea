/**
 * `node:http`, taken without `import`. An import of a built-in module reads each of its exports once, and reading
 * `http.WebSocket` loads Node's whole client for fetch and WebSocket: 50 ms of every start, for nothing that is used.
 * (An older Node that is to be refused does not have the function: it is called when it is needed.)
 */

import type http from 'node:http';

export const nodeHttp = (): typeof http => process.getBuiltinModule('node:http');
