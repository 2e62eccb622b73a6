/** What stands where a secret would. */
const HIDDEN = '***';

/** Shorter values would be found in words that have nothing to do with them. */
const SHORTEST = 4;

/** Finds secrets in text, also where they are encoded: in URLs, in Base64 and in JSON. */
export class Secrets {
  readonly #forms: readonly string[];

  constructor(values: Iterable<string>) {
    const all = [...values].filter((value) => value.length >= SHORTEST).flatMap(formsOf);
    // The longer one first, as it may have the other in it.
    this.#forms = [...new Set(all)].sort((a, b) => b.length - a.length);
  }

  get none(): boolean {
    return this.#forms.length === 0;
  }

  /** The text with each secret in it replaced by three stars. */
  redact(text: string): string {
    let result = text;
    for (const form of this.#forms) {
      if (result.includes(form)) result = result.replaceAll(form, HIDDEN);
      result = withoutBeginning(result, form);
    }
    return result;
  }
}

/** A text that was cut may end in the middle of a secret. */
function withoutBeginning(text: string, form: string): string {
  const at = text.lastIndexOf(form.slice(0, SHORTEST));
  if (at < 0) return text;
  const end = text.endsWith('...') ? text.length - 3 : text.length;
  return end - at < form.length && text.slice(at, end) === form.slice(0, end - at)
    ? text.slice(0, at) + HIDDEN + text.slice(end)
    : text;
}

/** A value as it may turn up. In Base64 it depends on what stands before it: all three ways, less what is not its own. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const own = text.slice(shift === 0 ? 0 : shift + 1, (bytes.length + shift) % 3 === 0 ? undefined : -1);
    return own.length < SHORTEST ? '' : own;
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const form = new URLSearchParams({ v: value }).toString().slice(2);
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const escaped = JSON.stringify(value).slice(1, -1);
  const encoded = encodeURIComponent(value);
  const all = [value, ...base64, ...url, form, encoded, encoded.toLowerCase(), percent, percent.toUpperCase(), escaped];
  return all.filter((text) => text.length >= SHORTEST);
}
