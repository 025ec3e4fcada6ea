/** A data directory as one file: gzip of a JSON list of its files, each with its path and its bytes in base64. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

type Packed = readonly { readonly path: string; readonly base64: string }[];

export const pack = (directory: string, file: string): void => {
  const packed: Packed = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(directory, path), base64: readFileSync(path).toString('base64') }));
  writeFileSync(file, gzipSync(JSON.stringify(packed), { level: 9 }));
};

export const unpack = (file: string, directory: string): void => {
  const packed = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Packed;
  for (const { path, base64 } of packed) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), Buffer.from(base64, 'base64'));
  }
};
