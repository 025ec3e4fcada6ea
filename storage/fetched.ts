/** What a fetch answers: made partition by partition, and read by callers that cannot do without any of them. */

import { type Chunk, type Fetched, type FetchFailure, type FetchRequest, LogError } from './log.ts';
import { baseOffsetOf } from './record-batch.ts';
import { decodeBatch, type RecordColumns } from './record-columns.ts';

/** Reads each partition by itself: a `LogError` becomes that partition's failure, anything else rejects the fetch. */
export const fetchEach = (
  requests: readonly FetchRequest[],
  read: (request: FetchRequest) => Chunk | undefined,
): Fetched => {
  const chunks: Chunk[] = [];
  const failures: FetchFailure[] = [];
  for (const request of requests) {
    try {
      const chunk = read(request);
      if (chunk !== undefined) chunks.push(chunk);
    } catch (cause) {
      failures.push(failureOf(request, cause, chunks));
    }
  }
  return { chunks, failures };
};

/** The failure of one partition; an error that is not the log's own releases what was read so far and is thrown on. */
export const failureOf = (request: FetchRequest, cause: unknown, readSoFar: readonly Chunk[]): FetchFailure => {
  if (cause instanceof LogError) return { ...request, error: cause };
  for (const chunk of readSoFar) chunk.release();
  throw cause;
};

export const foundNothing = ({ chunks, failures }: Fetched): boolean => chunks.length === 0 && failures.length === 0;

/** The chunks of a fetch; throws the first failure, if there is one, after releasing them. */
export const chunksOrThrow = ({ chunks, failures }: Fetched): readonly Chunk[] => {
  const [failure] = failures;
  if (failure === undefined) return chunks;
  for (const chunk of chunks) chunk.release();
  throw failure.error;
};

/** Decodes the batches of a chunk, without the records below `fromOffset`, up to the first batch that cannot be read.
 *  Answers the error that names that one, or undefined. */
export const decodeChunk = (
  { topic, partition, bytes, batches }: Chunk,
  into: RecordColumns,
  fromOffset: number,
): LogError | undefined => {
  into.reset(bytes);
  for (const position of batches) {
    if (decodeBatch(bytes, position, into, fromOffset) >= 0) continue;
    const place = `the batch at offset ${baseOffsetOf(bytes, position)} of ${topic}-${partition}`;
    return new LogError('refused', 'LOG_BATCH_UNREADABLE', `${place} cannot be read`, {
      hint: 'Its bytes are damaged or of a form that is not supported (compressed, or of an old format).',
    });
  }
  return undefined;
};
