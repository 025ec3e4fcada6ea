/** Request bodies: read whole within a limit, or line by line. */

import type { IncomingMessage } from 'node:http';
import { messageOf } from '../base/index.ts';
import { RequestError } from './errors.ts';
import { parseExactJson } from './exact-json.ts';
import { bodyOf } from './exchange.ts';
import { errorCodes } from './protocol.ts';
import type { ServerLimits } from './route.ts';

/** The body as a JSON object. */
export const readJsonBody = async (
  request: IncomingMessage,
  { maxBodyBytes, bodyTimeoutMs }: ServerLimits,
): Promise<Record<string, unknown>> =>
  parseObject(await withinTime(readWhole(request, maxBodyBytes), bodyTimeoutMs, 'the body'), 'the body');

const readWhole = async (request: IncomingMessage, maxBytes: number): Promise<string> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of bodyOf(request)) {
    bytes += part.length;
    if (bytes > maxBytes)
      throw new RequestError(
        errorCodes.tooLarge,
        `the body is larger than ${maxBytes} bytes. Send the statements in several requests.`,
      );
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

/** What a client sends, or a fault when that exceeds the time allowed. `what` names it. */
export const withinTime = async <T>(reading: Promise<T>, ms: number, what: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RequestError(errorCodes.timedOut, `${what} did not arrive within ${ms} ms`)),
      ms,
    );
  });
  // The connection is closed after a fault: that ends the reading too.
  reading.catch(() => undefined);
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Parses a JSON object; the error names what is wrong. */
export const parseObject = (text: string, what: string): Record<string, unknown> => {
  let parsed: unknown;
  try {
    parsed = parseExactJson(text);
  } catch (error) {
    throw new RequestError(errorCodes.badRequest, `${what} is not JSON: ${messageOf(error)}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new RequestError(errorCodes.badRequest, `${what} must be a JSON object`);
  return parsed as Record<string, unknown>;
};

export const textField = (body: Record<string, unknown>, name: string): string => {
  const value = body[name];
  if (typeof value !== 'string') throw new RequestError(errorCodes.badRequest, `the body needs a text field "${name}"`);
  return value;
};

export const objectField = (body: Record<string, unknown>, name: string): Record<string, unknown> => {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new RequestError(errorCodes.badRequest, `the field "${name}" must be an object`);
  return value as Record<string, unknown>;
};

/** The parameters of a query: values by place or by name; undefined when there are none. */
export const parametersField = (
  body: Record<string, unknown>,
): readonly unknown[] | Record<string, unknown> | undefined => {
  const value = body['parameters'];
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value as readonly unknown[];
  return objectField(body, 'parameters');
};

interface Offset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A position: offsets of partitions; undefined when there is none. */
export const positionField = (body: Record<string, unknown>, name: string): readonly Offset[] | undefined => {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const isOffset = (one: unknown): one is Offset => {
    if (typeof one !== 'object' || one === null) return false;
    const { topic, partition, offset } = one as Partial<Record<keyof Offset, unknown>>;
    return typeof topic === 'string' && isCount(partition) && isCount(offset);
  };
  if (Array.isArray(value) && value.every(isOffset)) return value;
  throw new RequestError(
    errorCodes.badRequest,
    `the field "${name}" must be an array of objects with "topic", "partition" and "offset"`,
  );
};

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Lines of the body in groups: all whole lines of what has arrived. A line longer than `maxBytes` is refused. */
export async function* lineGroups(request: IncomingMessage, maxBytes: number): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of bodyOf(request)) {
    const text = decoder.decode(part, { stream: true });
    // What has been looked at is not searched again: a long line may come in many small parts.
    const end = text.lastIndexOf('\n');
    const held = rest.length + text.length;
    const lines = end < 0 ? [] : (rest + text.slice(0, end)).split('\n');
    rest = end < 0 ? rest + text : text.slice(end + 1);
    if (rest.length > maxBytes || (held > maxBytes && lines.some(({ length }) => length > maxBytes)))
      throw new RequestError(errorCodes.tooLarge, `a line is longer than ${maxBytes} bytes`);
    const whole = lines.filter((line) => line.trim() !== '');
    if (whole.length > 0) yield whole;
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield [rest];
}
