/**
 * The shapes in which the rows of a query are sent: one object each.
 *
 * Over HTTP/2 the known clients of the delimited shape parse frame by frame, hence `framed`.
 */

import { printType, type QueryHandle } from '../sql/index.ts';
import { acceptedType } from './accept.ts';
import { type ErrorEntity, mediaTypes, type QueryHeader } from './protocol.ts';

export interface RowShape {
  readonly mediaType: string;
  /** Clients read it frame by frame: each frame holds whole lines, of a push query a single one. */
  readonly framed: boolean;
  head(handle: QueryHandle): string;
  /** Rows that left a table are sent as well. */
  readonly deletions?: boolean;
  /** `json`: the row as a JSON array; `deleted`: it left the table. */
  row(json: string, deleted: boolean): string;
  fault(error: ErrorEntity): string;
  /** What is sent when a push query has ended at its LIMIT. */
  readonly limitReached: string;
  readonly end: string;
}

const headerOf = (handle: QueryHandle): QueryHeader => ({
  queryId: handle.id,
  columnNames: handle.columns.map(({ name }) => name),
  columnTypes: handle.columns.map(({ type }) => printType(type)),
});

/** A line is sent with its end, so that a client need not wait for the next one to know that it is whole. */
const delimited: RowShape = {
  mediaType: mediaTypes.delimited,
  framed: true,
  head: (handle) => `${JSON.stringify(headerOf(handle))}\n`,
  row: (json) => `${json}\n`,
  fault: (error) => `${JSON.stringify(error)}\n`,
  limitReached: '',
  end: '',
};

const jsonArray: RowShape = {
  mediaType: mediaTypes.json,
  framed: false,
  head: (handle) => `[${JSON.stringify(headerOf(handle))}`,
  row: (json) => `,${json}`,
  fault: (error) => `,${JSON.stringify(error)}`,
  limitReached: '',
  end: ']',
};

/** A JSON array of objects, each with one field that tells what it is; the shape of /query. */
const streamedRows: RowShape = {
  mediaType: mediaTypes.ksql,
  framed: false,
  head: (handle) => `[${JSON.stringify({ header: { queryId: handle.id, schema: schemaText(handle) } })}`,
  deletions: true,
  row: (json, deleted) => `,\n{"row":{"columns":${json}${deleted ? ',"tombstone":true' : ''}}}`,
  fault: (error) => `,\n${JSON.stringify({ errorMessage: error })}`,
  limitReached: ',\n{"finalMessage":"Limit Reached"}',
  end: ']',
};

/** As ksqlDB has it: the rows of a pull query name their key columns, those of a push query are plain columns. */
const schemaText = ({ kind, columns }: QueryHandle): string =>
  columns
    .map(
      ({ name, type, isKey }) =>
        `\`${name.replaceAll('`', '``')}\` ${printType(type)}${isKey && kind === 'pull' ? ' KEY' : ''}`,
    )
    .join(', ');

const shapes: Readonly<Record<'/query' | '/query-stream', readonly [RowShape, ...RowShape[]]>> = {
  // One shape under two names.
  '/query': [streamedRows, { ...streamedRows, mediaType: mediaTypes.json }],
  '/query-stream': [delimited, jsonArray, streamedRows],
};

/** The shape that an Accept header asks for; undefined for the plain text that only a PRINT can give. The lines of a
 *  PRINT have no shape, whatever is accepted. */
export const shapeFor = (path: keyof typeof shapes, accept: string | undefined): RowShape | undefined => {
  const [first, ...others] = shapes[path];
  const mediaType = acceptedType(accept, [first.mediaType, ...others.map((shape) => shape.mediaType), mediaTypes.text]);
  return shapes[path].find((shape) => shape.mediaType === mediaType);
};
