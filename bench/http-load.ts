/** Rows and statements over HTTP, as any client sends them. */

import { request } from 'node:http';

export const post = async (url: string, path: string, body: unknown): Promise<string> => {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
};

/** The first row that a pull query answers. */
export const firstRow = async (url: string, sql: string): Promise<readonly unknown[] | undefined> => {
  const [, row] = (await post(url, '/query-stream', { sql })).trim().split('\n');
  return row === undefined ? undefined : (JSON.parse(row) as unknown[]);
};

const rowsPerWrite = 2_000;

/** Sends rows over one request; resolves when all are acknowledged. `row` is the JSON object of the i-th row. */
export const insertRows = (url: string, target: string, count: number, row: (i: number) => string): Promise<void> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}/inserts-stream`,
      { method: 'POST', headers: { 'content-type': 'application/vnd.ksqlapi.delimited.v1' } },
      (response) => {
        let acknowledged = 0;
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          const lines = (rest + part).split('\n');
          rest = lines.pop() ?? '';
          acknowledged += lines.filter((line) => line.includes('"ok"')).length;
        });
        response
          .on('error', reject)
          .on('end', () =>
            acknowledged === count ? resolve() : reject(new Error(`${acknowledged} of ${count} rows`)),
          );
      },
    );
    outgoing.on('error', reject);
    outgoing.write(`${JSON.stringify({ target })}\n`);
    let next = 0;
    const write = (): void => {
      while (next < count) {
        let lines = '';
        for (const end = Math.min(count, next + rowsPerWrite); next < end; next++) lines += `${row(next)}\n`;
        if (!outgoing.write(lines)) {
          outgoing.once('drain', write);
          return;
        }
      }
      outgoing.end();
    };
    write();
  });
