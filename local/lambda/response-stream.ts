import { Writable } from 'node:stream';

/** What precedes the body of a streamed HTTP answer. */
export type ResponseHead = {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly (string | number | boolean)[]>>;
};

/** Takes the head of an answer, once, and gives where its body goes. */
export type Respond = (head: ResponseHead) => Writable;

/**
 * What a streaming handler writes to. The head goes out with the first write, be it empty, as in Lambda; a write is
 * done when the client's connection has taken it, so a slow client slows the handler's source.
 */
export class ResponseStream extends Writable {
  readonly #respond: Respond;
  #head: ResponseHead | undefined;
  #body: Writable | undefined;
  #cut: Error | undefined;

  constructor(respond: Respond) {
    super();
    this.#respond = respond;
    // A handler that is not writing when its stream is destroyed has no listener; it learns at its next write.
    this.on('error', () => {});
  }

  /** Part of Lambda's interface; in an HTTP answer the type is one of the head's headers. */
  setContentType(_contentType: string): void {}

  /** Sets the head of the answer, until the first write. */
  begin(head: ResponseHead): this {
    this.#head = head;
    return this;
  }

  /**
   * Takes the reader away from the handler. Before the first write that is only noted: pipeline() leaves its source open
   * when it is given a stream that is destroyed already, and destroys it when the stream goes while they are joined.
   */
  cut(reason: Error): void {
    this.#cut = reason;
    if (this.#body !== undefined) this.destroy(reason);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#sendTo((body) => (chunk.length === 0 || body.write(chunk) ? done() : body.once('drain', () => done())), done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#sendTo((body) => body.end(() => done()), done);
  }

  #sendTo(use: (body: Writable) => void, failed: (error: Error) => void): void {
    if (this.#cut !== undefined) {
      setImmediate(() => this.destroy(this.#cut));
      return;
    }
    if (this.#head === undefined) {
      failed(new Error('The function has answered without a head: HttpResponseStream.from() was not called'));
      return;
    }
    this.#body ??= this.#respond(this.#head);
    use(this.#body);
  }
}
