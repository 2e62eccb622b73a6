/** How an item ended, as a journal says it. */
export const DONE_AS = ['ok', 'skipped', 'failed', 'in-doubt', 'deferred'] as const;
export type DoneAs = (typeof DONE_AS)[number];

/** How many digits of a hash make a key or a fingerprint: 64 bits. */
export const DIGITS = 16;

/**
 * What a journal is made of. Keys and fingerprints are 64 bits of a SHA-256, in hexadecimal; places are byte offsets.
 *
 * Each is written as a line of JSON, with its number in the journal as `n` and the CRC-32C of all before it as `c`.
 */
export type JournalRecord =
  /** The first of a journal: what it is. */
  | {
      readonly t: 'job';
      /** The format. */
      readonly v: number;
      readonly batchx: string;
      readonly name: string;
      /** When the job was begun; the stamp of all its runs. */
      readonly at: string;
      readonly stamp: string;
      /** Makes keys of rows that are nothing to others. */
      readonly salt?: string;
    }
  /** A run begins. */
  | {
      readonly t: 'run';
      readonly epoch: number;
      readonly at: string;
      readonly pid: number;
      readonly boot: string;
      /** How the names of its temporary files begin. */
      readonly mark?: string | undefined;
      /** The number of the chain below; records of results name it. */
      readonly p: number;
      /** What each step does, with all steps before it: a result counts as long as its own is the same. */
      readonly chain: readonly string[];
      /** The command line, to be said again. */
      readonly args?: readonly string[] | undefined;
      /** Where it was given. */
      readonly cwd?: string | undefined;
      /** Whether items are split: parts of them have records as they have. */
      readonly parts?: true | undefined;
    }
  /** A run writes these, beside the files of items. */
  | { readonly t: 'writes'; readonly paths: readonly string[] }
  /** Items begin. */
  | { readonly t: 'start'; readonly k: readonly string[] }
  /** An item begins that nothing else runs beside, as it was running when runs died. */
  | { readonly t: 'alone'; readonly k: string }
  /** A call begins that must not be done twice. */
  | { readonly t: 'intent'; readonly k: string; readonly s: string }
  /** A file is whole, and gets its name next. */
  | { readonly t: 'ready'; readonly k: string; readonly path: string; readonly size: number; readonly sha256: string }
  /** Processes are started: they have this in their environment. */
  | { readonly t: 'processes'; readonly mark: string }
  /** Temporary files are made in a folder. */
  | { readonly t: 'folder'; readonly path: string }
  /** A step is done; its result is in the results at `r`. */
  | { readonly t: 'step'; readonly k: string; readonly f: string; readonly s: string; readonly r: number }
  /**
   * Items have ended, one or several of them: keys and fingerprints stand behind each other. `f` are the fingerprints of
   * their contents, `m` those of their files' sizes and times, where they are files.
   */
  | {
      readonly t: 'done';
      readonly as: DoneAs;
      readonly p: number;
      readonly k: string;
      readonly f: string;
      readonly m?: string | undefined;
      /** Where the result of each is, or its dead letter; -1 when none is kept. */
      readonly r: readonly number[];
      /** There when files were written for it. */
      readonly w?: 1 | undefined;
    }
  /** It is no longer known how an item has ended: the next run does it. */
  | { readonly t: 'again'; readonly k: string }
  /** A file has the content that it had, with other times. */
  | { readonly t: 'touched'; readonly k: string; readonly m: string }
  /** The results of items have been shown. */
  | { readonly t: 'emitted'; readonly k: readonly string[] }
  /** What has ended before this counts, with so much of each output: its path, its size and the sum of its bytes. */
  | { readonly t: 'commit'; readonly outputs: readonly (readonly [path: string, size: number, crc: number])[] }
  /** All of the journal up to this place is on the disk. */
  | { readonly t: 'synced'; readonly to: number }
  /** A run is over. */
  | { readonly t: 'end'; readonly epoch: number; readonly how: EndedHow; readonly exit?: number | string };

/** `complete`: all of the input was read, and nothing is left to do but what failed. */
export type EndedHow = 'complete' | 'partial' | 'interrupted' | 'halted' | 'error';

/** The format that is written; newer ones are refused. */
export const JOURNAL_FORMAT = 1;
