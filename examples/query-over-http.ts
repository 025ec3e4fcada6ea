/** Interactive queries: a server that answers from a topology's state, without a database beside it. */

import { createServer } from 'node:http';
import { open } from 'millrace';
import { StreamsBuilder, serdes } from 'millrace/engine';

const { int64, string } = serdes;
const builder = new StreamsBuilder();
const pages = builder
  .stream('page-views', { key: string, value: string })
  .groupBy((_visitor, page) => page, { key: string })
  .count({ store: 'views' });

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
const views = await millrace.topic('page-views', { key: string, value: string, partitions: 4 });
const streams = await millrace.streams({ id: 'page-views', topology: builder.build() });
const store = streams.store({ name: pages.queryable().name, key: string, value: int64 });

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const found: Record<string, number | bigint> = {};
  if (pathname === '/') for await (const { key, value } of store.all({ limit: 100 })) found[key] = value;
  else for await (const { key, value } of store.prefix(decodeURIComponent(pathname))) found[key] = value;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(found));
});
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

await views.produce(['/', '/docs', '/docs/sql', '/docs', '/blog'].map((value) => ({ key: 'somebody', value })));
await streams.awaitIdle();
console.log(await (await fetch(url)).text());
console.log(await (await fetch(`${url}/docs`)).text());

server.close();
await streams.close();
await millrace.close();
