import type { Durable } from '../core/durable.js';
import type { SinkWriter, Takes } from '../core/sink-writer.js';

/** A sink whose output is to be on the disk before its items count as done. */
export interface DurableSink {
  readonly takes: Takes;
  /** The output that it adds lines to, where it does so. */
  readonly path?: string | undefined;
  /** Opens it; `append` opens that output in place of the usual way. */
  open(append?: Durable['append']): SinkWriter | Promise<SinkWriter>;
}
