/** What a fetch answers: made partition by partition, and read by callers that cannot do without any of them. */

import { type Chunk, type Fetched, type FetchFailure, type FetchRequest, LogError } from './log.ts';

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
