import type { Dispatcher } from 'undici';
import { BatchxError } from '../errors.js';
import type { Deadline, Running } from '../policy/deadline.js';
import { nextTurn } from '../runtime.js';
import { showMs } from '../show-ms.js';
import type { Slot } from '../slot.js';
import { failureOf, lateOf, requestLine } from './failure.js';

const NOT_MODIFIED = 304;

/** A request as it goes over the connection. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

export interface ExchangeLimits {
  /** How long to wait for the headers, and for each part of the body. */
  readonly headers: Deadline;
  readonly body: Deadline;
  /** So much of the body is read, in bytes. */
  readonly maxBody: number;
}

/** A complete answer, but for its body beyond the limit. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** Whether there is more of the body than was read. */
  readonly cut: boolean;
}

/**
 * Sends one request and reads the answer to its end. When the slot's signal fires, or the body gets too long, the connection is
 * closed at once. What it rejects with says whether the request may have reached the server.
 */
export const exchange = (
  dispatcher: Dispatcher,
  request: HttpRequest,
  limits: ExchangeLimits,
  slot: Line,
): Promise<HttpAnswer> => new Promise((...settle) => new Exchange(request, limits, slot, settle).begin(dispatcher));

/** What an exchange needs of the slot of its call. */
type Line = Pick<Slot, 'signal' | 'onStop' | 'sent'>;

type Settle = [resolve: (answer: HttpAnswer) => void, reject: (error: BatchxError) => void];

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #limits: ExchangeLimits;
  readonly #slot: Line;
  readonly #settle: Settle;
  /** There from when the request is being written. */
  #controller: Dispatcher.DispatchController | undefined = undefined;
  #status = 0;
  #statusText = '';
  #headers: HttpAnswer['headers'] = {};
  #chunks: Buffer[] = [];
  #size = 0;
  #deadline: Deadline | undefined = undefined;
  #running: Running | undefined = undefined;
  #over = false;

  constructor(request: HttpRequest, limits: ExchangeLimits, slot: Line, settle: Settle) {
    this.#request = request;
    this.#limits = limits;
    this.#slot = slot;
    this.#settle = settle;
  }

  begin(dispatcher: Dispatcher): void {
    if (this.#slot.onStop !== undefined) this.#slot.onStop((reason) => this.#giveUp(lateOf(reason, this.#request)));
    else if (this.#slot.signal.aborted) this.#abort();
    else this.#slot.signal.addEventListener('abort', this.#abort);
    if (this.#over) return;
    const { method, url, headers, body } = this.#request;
    try {
      dispatcher.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method,
          headers,
          body: body ?? null,
          // Its own are checked only every second.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        this,
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Nobody wants it any more, but it could not be taken out of the queue.
    if (this.#over) {
      controller.abort(new Error('not wanted any more'));
      return;
    }
    this.#controller = controller;
    this.#slot.sent?.();
    this.#waitFor(this.#limits.headers, 'no answer');
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: HttpAnswer['headers'],
    statusText = '',
  ): void {
    // What is said before the answer is not the answer.
    if (status < 200 || this.#over) return;
    this.#waitFor(this.#limits.body, 'nothing more of the body');
    this.#status = status;
    this.#statusText = statusText;
    this.#headers = headers;
    const { 'content-length': length } = headers;
    if (Number(length) > this.#limits.maxBody) this.#cut(controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#waitFor(this.#limits.body, 'nothing more of the body');
    this.#size += chunk.length;
    const over = this.#size - this.#limits.maxBody;
    this.#chunks.push(over > 0 ? chunk.subarray(0, chunk.length - over) : chunk);
    if (over > 0) this.#cut(controller);
  }

  onResponseEnd(): void {
    // Only then the connection is free for the next request, which would go over another one until then.
    nextTurn(() => this.#answer(false));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    // It has no body, whatever its header says of the length: that is what a body would have had.
    if (this.#status === NOT_MODIFIED && this.#size === 0) nextTurn(() => this.#answer(false));
    else this.#fail(error);
  }

  /** Gives up unless there is more in time. */
  #waitFor(deadline: Deadline, what: string): void {
    this.#stopWaiting();
    this.#deadline = deadline;
    this.#running = deadline.start(() => {
      const text = `${requestLine(this.#request)}: ${what} within ${showMs(deadline.limitMs)}`;
      this.#giveUp(new BatchxError('timeout', text, { class: 'ambiguous', maybeDone: true }));
    });
  }

  #stopWaiting(): void {
    if (this.#running !== undefined) this.#deadline?.end(this.#running, false);
    this.#running = undefined;
  }

  /** The rest of the body is not read: that would keep the connection for as long as the server likes. */
  #cut(controller: Dispatcher.DispatchController): void {
    this.#answer(true);
    controller.abort(new Error('the rest is not wanted'));
  }

  readonly #abort = (): void => this.#giveUp(lateOf(this.#slot.signal.reason, this.#request));

  #giveUp(error: unknown): void {
    this.#fail(error);
    this.#controller?.abort(new Error('not wanted any more'));
  }

  #answer(cut: boolean): void {
    if (this.#over) return;
    this.#end();
    const chunks = this.#chunks;
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    const { [0]: resolve } = this.#settle;
    resolve({ status: this.#status, statusText: this.#statusText, headers: this.#headers, body, cut });
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#end();
    const { [1]: reject } = this.#settle;
    reject(failureOf(error, this.#request, this.#controller !== undefined));
  }

  #end(): void {
    this.#over = true;
    this.#stopWaiting();
    if (this.#slot.onStop === undefined) this.#slot.signal.removeEventListener('abort', this.#abort);
  }
}
