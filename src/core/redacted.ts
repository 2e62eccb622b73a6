/** A value as JSON, without the secrets that texts and keys in it may have. What is no text stays as it is, so that it is JSON. */
export function redactedJson(value: unknown, redact: (text: string) => string, indent?: number): string {
  return JSON.stringify(value, (_, each: unknown) => hide(each, redact), indent);
}

function hide(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  return entries.some(([key]) => redact(key) !== key)
    ? Object.fromEntries(entries.map(([key, each]) => [redact(key), each]))
    : value;
}
