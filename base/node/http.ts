/**
 * `node:http`, taken without `import`. An import of a built-in module reads each of its exports once, and reading
 * `http.WebSocket` loads Node's whole client for fetch and WebSocket: 50 ms of every start, for nothing that is used.
 */
export const nodeHttp = process.getBuiltinModule('node:http');
