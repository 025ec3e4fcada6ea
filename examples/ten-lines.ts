/** Ten lines: a stream, a table that counts it, and an answer; in this process, without a server. */

import { open } from 'millrace';

const millrace = await open({ data: process.argv[2] ?? './millrace-data' });
await millrace.sql(`
  CREATE STREAM IF NOT EXISTS clicks (page VARCHAR KEY, ms BIGINT) WITH (kafka_topic='clicks', partitions=1, value_format='JSON');
  CREATE TABLE IF NOT EXISTS clicks_by_page AS SELECT page, COUNT(*) AS clicks, AVG(ms) AS average_ms FROM clicks GROUP BY page;`);
const clicks = ['/', '/docs', '/'].map((page, i) => ({ key: page, value: JSON.stringify({ ms: 40 + 10 * i }) }));
await millrace.produce('clicks', clicks);
await millrace.awaitIdle();
console.log(await millrace.query(`SELECT * FROM clicks_by_page WHERE page = '/';`));
await millrace.close();
