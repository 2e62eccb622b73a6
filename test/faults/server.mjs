// A real server that notes each call it is sent, and answers the same to the same.
import { createServer } from 'node:http';

export async function startServer({ ms = 0 } = {}) {
  const calls = [];
  const listeners = new Set();
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('error', () => undefined);
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      calls.push(decodeURIComponent(request.url.split('/').at(-1)));
      for (const listener of listeners) listener();
      const body = Buffer.concat(chunks).toString('utf8');
      const answer = () => {
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({ id: calls.length > 0 ? decodeURIComponent(request.url.split('/').at(-1)) : '', said: body }),
        );
      };
      if (ms > 0) setTimeout(answer, ms);
      else answer();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    /** Told of each call; gives how to leave. */
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
