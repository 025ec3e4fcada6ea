/**
 * Lines of a streamed answer over HTTP/2, in frames that clients can read one by one.
 *
 * Known clients parse each part of a body as it arrives, so a part has to hold whole lines, of a push query a single
 * one. A part is a DATA frame, and Node makes one of what is written at once. What is written while something is still
 * unsent would join it, so the next frame is written when the one before has left. Three things could still cut a
 * frame:
 *
 * - The limit for frames, 16 KiB: a longer line is cut in any case.
 * - The window of the client. It is opened again when half of it has been read, so no more than half of it is sent
 *   before the client has answered a PING, which it does in turn, behind the frames before it.
 * - The window of a client that reads more slowly than it receives: it answers and the window stays closed. All frames
 *   but the last have the size of a fixed part of the window, with spaces at the end of their last lines. Then the
 *   window is open for a number of whole frames at any time. (Rows of push queries are not filled up.)
 *
 * What cannot be prevented: on a network a frame arrives in several TCP segments, and a client may see a part of it.
 */

import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import type { LineWriter } from './line-writer.ts';

/** A frame of HTTP/2 holds this much unless the client allows more. */
const MAX_FRAME_BYTES = 16_384;
/** Of a connection, as long as the client sends no other; of a stream, unless its settings have another. */
const DEFAULT_WINDOW_BYTES = 65_535;

export class FrameWriter implements LineWriter {
  readonly #out: ServerHttp2Stream;
  /** Each line is a frame. */
  readonly #oneEach: boolean;
  readonly #pace: Pace;
  /** What all frames but the last are filled up to. */
  readonly #frameBytes: number;
  /** Bytes written so far. */
  #written = 0;
  /** Lines for the next frame, and their bytes. */
  #held = '';
  #heldBytes = 0;

  constructor(out: ServerHttp2Stream, oneEach: boolean) {
    this.#out = out;
    this.#oneEach = oneEach;
    this.#pace = Pace.of(out.session);
    this.#frameBytes = partOf(out.session?.remoteSettings.initialWindowSize ?? DEFAULT_WINDOW_BYTES);
  }

  async head(line: string): Promise<void> {
    await this.#send(line, Buffer.byteLength(line));
  }

  async lines(lines: Iterable<string>): Promise<void> {
    for (const line of lines) {
      if (this.#out.destroyed) return;
      const bytes = Buffer.byteLength(line);
      if (this.#oneEach) {
        await this.#send(line, bytes);
        continue;
      }
      const room = this.#frameBytes - (this.#written % this.#frameBytes) - this.#heldBytes;
      if (bytes > room && this.#heldBytes > 0) {
        // A line longer than a frame is filled up to a whole number of them.
        const fill = room < 0 ? (this.#frameBytes + (room % this.#frameBytes)) % this.#frameBytes : room;
        await this.#send(`${this.#held.slice(0, -1)}${' '.repeat(fill)}\n`, this.#heldBytes + fill);
        this.#held = '';
        this.#heldBytes = 0;
      }
      this.#held += line;
      this.#heldBytes += bytes;
    }
  }

  async end(): Promise<void> {
    if (this.#heldBytes > 0) await this.#send(this.#held, this.#heldBytes);
    if (!this.#out.destroyed) this.#out.end();
  }

  async #send(text: string, bytes: number): Promise<void> {
    await this.#pace.room(bytes);
    if (this.#out.destroyed) return;
    this.#written += bytes;
    await new Promise<void>((resolve) => {
      // A write to a stream that is destroyed meanwhile calls back too, with an error.
      this.#out.write(text, () => resolve());
    });
  }
}

/** The largest part of a window that fits into a frame, and that the window has a whole number of times; as much as a
 *  frame holds for a client that opens each window by itself, or has one of no such part. */
const partOf = (windowBytes: number): number => {
  if (windowBytes === 0) return MAX_FRAME_BYTES;
  for (let parts = Math.ceil(windowBytes / MAX_FRAME_BYTES); parts < 64; parts++)
    if (windowBytes % parts === 0) return windowBytes / parts;
  return MAX_FRAME_BYTES;
};

/** How much may be sent over one connection before its client has answered a PING. */
class Pace {
  static readonly #ofSessions = new WeakMap<Http2Session, Pace>();
  readonly #session: Http2Session | undefined;
  /** Bytes since the PING that was answered last. */
  #sent = 0;
  #allowed: number;
  #answer: Promise<void> | undefined;

  constructor(session: Http2Session | undefined) {
    this.#session = session;
    this.#allowed = this.#open();
  }

  static of(session: Http2Session | undefined): Pace {
    const known = session && Pace.#ofSessions.get(session);
    if (known !== undefined) return known;
    const made = new Pace(session);
    if (session !== undefined) Pace.#ofSessions.set(session, made);
    return made;
  }

  /** Resolves when so many bytes may be sent, or when the connection is closing. */
  async room(bytes: number): Promise<void> {
    while (this.#sent > 0 && this.#sent + bytes > this.#allowed) {
      if (this.#session === undefined || this.#session.closed || this.#session.destroyed) break;
      await (this.#answer ??= this.#ping(this.#session));
    }
    this.#sent += bytes;
  }

  async #ping(session: Http2Session): Promise<void> {
    const sent = this.#sent;
    // Calls back with an error when the connection ends before the answer.
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    this.#answer = undefined;
    this.#sent -= sent;
    if (!session.destroyed) this.#allowed = this.#open();
  }

  #open(): number {
    const { remoteSettings, state } = this.#session ?? {};
    const ofStream = (remoteSettings?.initialWindowSize ?? DEFAULT_WINDOW_BYTES) / 2;
    return Math.min(ofStream, state?.remoteWindowSize ?? DEFAULT_WINDOW_BYTES);
  }
}
