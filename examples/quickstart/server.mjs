import { createServer } from 'node:http';

/** How many requests it takes in any second. */
const LIMIT = 20;

/**
 * A service as they are: it gives the outline of a text in Markdown, takes 20 requests a second and refuses more, and is
 * not always there.
 */
export function outlineServer() {
  const starts = [];
  let requests = 0;
  return createServer((request, response) => {
    const now = performance.now();
    while (starts.length > 0 && starts[0] <= now - 1000) starts.shift();
    if (starts.length >= LIMIT) return refuse(response, 429, { 'retry-after': '1' });
    starts.push(now);
    requests++;
    if (requests % 4 === 2) return refuse(response, 503, {});
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text) => (body += text));
    request.on('end', () => answer(response, request.url, body));
    return undefined;
  });
}

function refuse(response, status, headers) {
  response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end('come back later\n');
}

function answer(response, url, body) {
  if (url !== '/outline') return refuse(response, 404, {});
  const { text } = JSON.parse(body);
  const headings = [];
  let inCode = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) inCode = !inCode;
    const [, marks, heading] = (!inCode && /^(#{1,6}) (.+)$/.exec(line)) || [];
    if (heading !== undefined) headings.push({ level: marks.length, text: heading });
  }
  const outline = { title: headings[0]?.text ?? '', headings };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(outline));
  return undefined;
}
