// Answers each request on a connection with the same small JSON, as quickly as can be. Prints its port; ends with its
// standard input.
import { createServer } from 'node:net';

const body = JSON.stringify({
  id: 12345,
  sku: 'sku-12345',
  price: 19.99,
  tags: ['new', 'sale'],
  stock: { here: 3, there: 40 },
});
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nkeep-alive: timeout=60\r\n\r\n${body}`,
);
const end = Buffer.from('\r\n\r\n');
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  // The requests have no body, and none is cut in two at this size.
  socket.on('data', (bytes) => {
    for (let at = bytes.indexOf(end); at >= 0; at = bytes.indexOf(end, at + 4)) socket.write(answer);
  });
});
process.stdin.resume().on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
