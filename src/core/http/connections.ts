import type { LookupFunction, Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { exportsOf } from '../commonjs.js';
import { systemCode } from '../errors.js';
import type { Events } from '../events.js';
import { type Connect, publicOnly } from './public-only.js';

/** What sends requests: loaded only where there are some, which takes some 50 ms. */
export const loadClient = async () => exportsOf(await import('undici'));

/**
 * The connections over which the requests of a run go, made when they are first asked for: one pool for each server,
 * with one request at a time on a connection.
 *
 * Connections that nobody uses do not keep the process alive, are closed after some seconds, and all of them with the
 * end of the run. Those of `guarded` requests are apart, so that none goes over a connection that it could not make.
 */
export class Connections {
  readonly #open = new Map<boolean, Promise<Dispatcher>>();
  readonly #connecting = new Set<Socket>();
  readonly #lookup: LookupFunction | undefined;
  /** Whether a connection is being closed whose request was given up. */
  #closing = false;

  /** `lookup` finds the addresses of a host, instead of the system. */
  constructor(events: Events, lookup?: LookupFunction) {
    this.#lookup = lookup;
    events.on('batch:end', () => void this.close());
  }

  /** What sends requests; with `guarded` only to public addresses. */
  get(guarded = false): Promise<Dispatcher> {
    let made = this.#open.get(guarded);
    if (made === undefined) this.#open.set(guarded, (made = this.#make(guarded)));
    return made;
  }

  /** Ends them all, with what is still running. Whoever asks again gets new ones. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(async (dispatcher) => (await dispatcher).destroy()));
    // Told with an error, or the client would go on waiting for them.
    for (const socket of this.#connecting) socket.destroy(new Error('the run is over'));
  }

  async #make(guarded: boolean): Promise<Dispatcher> {
    const { Agent, buildConnector: connector } = await loadClient();
    const options = (this.#lookup === undefined ? {} : { lookup: this.#lookup }) as buildConnector.BuildOptions;
    const connect = guarded ? publicOnly((own) => connector(own), this.#lookup) : (connector(options) as Connect);
    return new Agent({ connect: this.#noted(connect), pipelining: 1 });
  }

  /** A connection that is being made would keep the process alive until it is there, or given up. */
  #noted(connect: Connect): buildConnector.connector {
    return (options, callback) => {
      const tell = callback as (error: Error | null, socket?: Socket | null) => void;
      if (this.#closing) {
        this.#closing = false;
        queueMicrotask(() => tell(new Error('nobody wants it any more')));
        return;
      }
      let over = false;
      let pending: Socket | undefined = undefined;
      const done = ((error: Error | null, socket?: Socket | null) => {
        over = true;
        if (pending !== undefined) this.#connecting.delete(pending);
        if (socket != null) this.#watch(socket);
        tell(error, socket);
      }) as buildConnector.Callback;
      pending = connect(options, done);
      if (pending !== undefined && !over) this.#connecting.add(pending);
    };
  }

  /**
   * When a request is given up its connection is closed, and on that `undici` makes another one at once, for nobody. It
   * does so while the event is told, to which we listen first.
   */
  #watch(socket: Socket): void {
    socket.once('close', () => {
      if (systemCode(socket.errored) !== 'UND_ERR_INFO' || socket.errored?.message !== 'aborted') return;
      this.#closing = true;
      queueMicrotask(() => (this.#closing = false));
    });
  }
}
