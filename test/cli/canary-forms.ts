/** What stands between the lines of a text. */
const lines = (text: string, size: number, end: string): string =>
  (text.match(new RegExp(`.{1,${size}}`, 'g')) ?? []).join(end);

const hex = (value: string): string => Buffer.from(value).toString('hex');
const base64 = (value: string): string => Buffer.from(value).toString('base64');

/** What a value may have become where somebody tells it. */
export const forms: Readonly<Record<string, (value: string) => string>> = {
  plain: (value) => value,
  'in other line ends': (value) => value.replaceAll('\n', '\r\n'),
  indented: (value) => value.replaceAll('\n', '\n    '),
  'in one line': (value) => value.replaceAll('\n', ' '),
  json: (value) => JSON.stringify({ value }),
  'json in json': (value) => JSON.stringify(JSON.stringify({ value })),
  url: (value) => encodeURIComponent(value),
  form: (value) => new URLSearchParams({ value }).toString(),
  'form in a url': (value) => encodeURIComponent(new URLSearchParams({ value }).toString()),
  base64,
  'base64 behind a name': (value) => base64(`user:${value}`),
  'base64 between others': (value) => base64(`us:${value}:end`),
  'wrapped base64': (value) => lines(base64(`u:${value}`), 76, '\n'),
  'wrapped base64 of mail': (value) => lines(base64(`us:${value}`), 76, '\r\n'),
  'narrow base64': (value) => lines(base64(`user:${value}`), 20, '\n  '),
  'wrapped base64 in json': (value) => JSON.stringify({ value: lines(base64(value), 76, '\n') }),
  hex,
  'upper hex': (value) => hex(value).toUpperCase(),
  'wrapped hex': (value) => lines(hex(value), 60, '\n'),
  'bytes in hex': (value) => hex(value).toUpperCase().replace(/../g, '$& '),
  'bytes with colons': (value) => hex(value).replace(/..(?=.)/g, '$&:'),
};
