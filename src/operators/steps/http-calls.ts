import type * as z from 'zod';
import { BatchxError, haltingOf } from '../../core/errors.js';
import { contentTypeOf, isText, jsonIn, textOf } from '../../core/http/content.js';
import { acceptEncoding, decodeBody, DecodeFailure } from '../../core/http/decode.js';
import { exchange, type ExchangeLimits, type HttpAnswer, type HttpRequest } from '../../core/http/exchange.js';
import { failureOf, lateOf, requestLine } from '../../core/http/failure.js';
import { locationOf, redirected } from '../../core/http/redirect.js';
import { refusedBy } from '../../core/http/refused.js';
import type { Item } from '../../core/item.js';
import { beginning } from '../../core/response-error.js';
import { Deadline } from '../../core/policy/deadline.js';
import { serverPauses } from '../../core/policy/server-pauses.js';
import type { Runtime } from '../../core/runtime.js';
import { toBytes } from '../../core/schema.js';
import type { Slot } from '../../core/slot.js';
import type { httpOptions } from './http-options.js';
import { type ItemRequest, Requests } from './http-request.js';
import { expected, type HttpResponse, Rules } from './http-rules.js';

/** How long to wait for an answer, and for more of it, unless said; in milliseconds. */
const PATIENCE = 300_000;

/** An answer, and the request that it is to: after redirects another one than the first. */
interface Answered {
  readonly request: HttpRequest;
  readonly answer: HttpAnswer;
}

/** The requests of one step, and what becomes of their answers. */
export class HttpCalls {
  readonly #options: z.output<typeof httpOptions>;
  readonly #runtime: Runtime;
  readonly #requests: Requests;
  readonly #rules: Rules;
  readonly #isExpected: (status: number) => boolean;
  readonly #maxBody: number;
  #usualMs = 0;
  #exchangeLimits: ExchangeLimits | undefined = undefined;

  constructor(options: z.output<typeof httpOptions>, runtime: Runtime) {
    this.#options = options;
    this.#runtime = runtime;
    this.#requests = new Requests(options, runtime);
    this.#rules = new Rules(options);
    this.#isExpected = expected(options.expect);
    this.#maxBody = toBytes(options.maxBody);
  }

  /** Makes the request of an item, and gives the item that it becomes. */
  readonly run = async (item: Item, slot: Slot): Promise<Item> => {
    const first = this.#requests.of(item);
    const { request, answer } = await this.#ask(first, slot);
    try {
      return await this.#finish(item, request, answer);
    } catch (error) {
      const known = askedBy(BatchxError.from(error), request);
      // The answer is there: it is the rule that is wrong, whatever was done.
      throw request.method === first.method || known.code === 'expression' ? known : afterwards(known);
    }
  };

  async #ask(first: ItemRequest, slot: Slot): Promise<Answered> {
    const { redirects, allowPrivate } = this.#options;
    let request: HttpRequest = first;
    for (let hop = 0; ; hop++) {
      const guarded = !allowPrivate && (first.fromData || request.url.hostname !== first.url.hostname);
      let to: URL | undefined;
      let answer: HttpAnswer;
      try {
        if (request.url.host !== first.url.host) await this.#allowed(request, slot);
        const dispatcher = await this.#runtime.dispatcher(guarded);
        answer = await exchange(dispatcher, request, this.#limits(slot), slot);
        to = this.#isExpected(answer.status) ? undefined : locationOf(answer, request);
      } catch (error) {
        throw request.method === first.method ? error : afterwards(BatchxError.from(error, 'http'));
      }
      if (to === undefined || redirects === 0) return { request, answer };
      if (hop >= redirects) {
        throw new BatchxError('http', `${requestLine(first)} was redirected more than ${redirects} times`, {
          class: 'permanent',
        });
      }
      request = redirected(request, answer.status, to, (text) => this.#runtime.redact(text));
    }
  }

  /** Another server than that of the call may have asked to be left alone: nobody has looked for that yet. */
  #allowed(request: HttpRequest, { signal }: Slot): Promise<void> | undefined {
    const pauses = serverPauses(this.#runtime).of(request.url.host);
    if (pauses.try()) return undefined;
    return new Promise((resolve, reject) => {
      const cancel = pauses.wait(() => resolve());
      const stop = (): void => {
        cancel();
        reject(failureOf(lateOf(signal.reason, request), request, false));
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop);
    });
  }

  /** An attempt that may take longer than usual may wait for its answer as long. */
  #limits({ limitMs = 0 }: Slot): ExchangeLimits {
    const usual = limitMs > PATIENCE && limitMs < Infinity ? Math.ceil(limitMs) : PATIENCE;
    if (usual !== this.#usualMs) {
      const { headersTimeout = `${usual}ms`, bodyTimeout = `${usual}ms` } = this.#options;
      const headers = new Deadline(headersTimeout, this.#runtime);
      const body = new Deadline(bodyTimeout, this.#runtime);
      this.#exchangeLimits = { headers, body, maxBody: this.#maxBody };
      this.#usualMs = usual;
    }
    return this.#exchangeLimits as ExchangeLimits;
  }

  async #finish(item: Item, request: HttpRequest, answer: HttpAnswer): Promise<Item> {
    const { status, headers } = answer;
    const { as } = this.#options;
    const isExpected = this.#isExpected(status);
    const encodings = headers['content-encoding'];
    const isPacked = encodings !== undefined && (as !== 'none' || this.#rules.any);
    const bytes = isPacked ? await decodeBody(answer.body, String(encodings), this.#maxBody) : answer.body;
    const body = this.#valueOf(request, answer, bytes, isExpected);
    if (this.#rules.any || !isExpected) {
      const response: HttpResponse = { status, headers, body };
      if (this.#rules.isThrottled(response, item)) throw await this.#throttled(item, request, answer, response);
      if (!isExpected) throw await this.#refused(item, request, answer, response);
      if (!this.#rules.isSuccess(response, item)) {
        const said = `${requestLine(request)} answered ${status}, which is no \`success\`${this.#told(body)}`;
        throw new BatchxError('http', said, { class: 'permanent' });
      }
    }
    const cost = this.#rules.any ? this.#rules.costOf({ status, headers, body }, item) : undefined;
    const http = cost === undefined ? { status } : { status, cost };
    const noted = item.withExtra({ metadata: { ...item.extra.metadata, http } });
    return as === 'none' ? noted : noted.withData(as === 'response' ? { status, headers, body } : body);
  }

  /** The body as it is asked for. Of an answer that is no success it is what can be read. */
  #valueOf(request: HttpRequest, answer: HttpAnswer, bytes: Buffer | DecodeFailure, strict: boolean): unknown {
    const { as, maxBody } = this.#options;
    const { status, headers } = answer;
    if (as === 'none' && !this.#rules.any) return undefined;
    if (request.method === 'HEAD' || status === 204 || status === 205 || status === 304) return null;
    if (bytes instanceof DecodeFailure || (answer.cut && strict)) {
      if (!strict) return null;
      throw unusable(
        bytes instanceof DecodeFailure ? bytes : 'long',
        `${requestLine(request)} answered ${status}`,
        maxBody,
      );
    }
    const type = contentTypeOf(headers['content-type']);
    const given = as === 'auto' || as === 'response' || as === 'none' ? undefined : as;
    const kind = given ?? type.kind ?? (isText(bytes) ? 'text' : 'bytes');
    if (kind === 'bytes') return bytes;
    if (given === undefined && bytes.length === 0) return null;
    const text = textOf(type, bytes);
    if (kind === 'text') return text;
    try {
      return jsonIn(text, () => requestLine(request));
    } catch (error) {
      if (!strict) return text;
      throw isFramed(headers) ? error : cutOff(error as BatchxError);
    }
  }

  async #throttled(item: Item, request: HttpRequest, answer: HttpAnswer, response: HttpResponse): Promise<BatchxError> {
    const { retryAfterMs } = await refusedBy(answer, request, this.#runtime);
    const wait = this.#rules.waitOf(response, item) ?? retryAfterMs;
    const said = `${requestLine(request)} answered ${response.status}, which is \`throttled\`${this.#told(response.body)}`;
    return new BatchxError('http', said, { class: 'throttled', ...(wait !== undefined && { retryAfterMs: wait }) });
  }

  async #refused(item: Item, request: HttpRequest, answer: HttpAnswer, response: HttpResponse): Promise<BatchxError> {
    const error = await refusedBy(answer, request, this.#runtime);
    const to = locationOf(answer, request);
    if (to !== undefined) {
      const where = requestLine({ method: 'GET', url: to }).slice('GET '.length);
      return new BatchxError('http', `${error.message}; it redirects to ${where}, which \`redirects\` would follow`, {
        class: 'permanent',
      });
    }
    const wait = this.#rules.waitOf(response, item);
    if (wait === undefined) return error;
    const { message, class: kind } = error;
    return new BatchxError('http', message, {
      class: kind === 'unprocessed' ? 'throttled' : kind,
      retryAfterMs: wait,
      ...haltingOf(error),
    });
  }

  /** What an answer says, for a message. */
  #told(body: unknown): string {
    const text =
      body === null || body instanceof Uint8Array ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const line = beginning(text ?? '', (each) => this.#runtime.redact(each));
    return line === '' ? '' : `: ${line}`;
  }
}

/** An answer that is a success, but whose body is of no use: the call was done all the same. */
function unusable(why: DecodeFailure | 'long', asked: string, maxBody: string): BatchxError {
  const { kind, encoding } = why === 'long' ? { kind: why, encoding: '' } : why;
  const message = {
    long: `a body of more than ${maxBody}${encoding === '' ? '' : `, packed as ${encoding}`}`,
    unknown: `a body that is packed as ${encoding}, expected ${acceptEncoding}`,
    short: `a body that ends before its ${encoding} does`,
    broken: `a body that is not ${encoding}, as its header says`,
  }[kind];
  const short = kind === 'short';
  return new BatchxError('http', `${asked} with ${message}`, {
    class: short ? 'ambiguous' : 'permanent',
    maybeDone: true,
  });
}

/** Whether it is known where the body ends, so that none is taken for whole that is not. */
const isFramed = (headers: HttpResponse['headers']): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

/** The end of the connection was the end of the body: there may have been more. */
const cutOff = ({ code, message, cause }: BatchxError): BatchxError =>
  new BatchxError(code, message, { class: 'ambiguous', maybeDone: true, cause });

/** Says which server it is that is to be left alone. */
const askedBy = (error: BatchxError, { url }: HttpRequest): BatchxError =>
  error.retryAfterMs === undefined ? error : Object.assign(error, { server: url.host });

/** What fails once a redirect has made another request of it: the first one was done. */
function afterwards(error: BatchxError): BatchxError {
  if (error.class === 'cancelled' || error.class === 'fatal') return error;
  const { code, message, retryable, retryAfterMs, server } = error;
  return new BatchxError(code, message, {
    class: retryable ? 'ambiguous' : error.class,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(server !== undefined && { server }),
    maybeDone: true,
    cause: error,
    ...haltingOf(error),
  });
}
