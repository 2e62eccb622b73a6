import { defineCommand } from '../command.js';
import { refuseJsonBody, withCurlHints } from '../curl-flags.js';
import { httpFlags } from '../http-flags.js';
import { parseLine } from '../parse-line.js';

export const command = defineCommand({
  name: 'http',
  usage: '[method] <url> [input...]',
  summary: 'Makes a request over HTTP for each row or value, several at once, and writes a row for each answer.',
  examples: [
    {
      line: `batchx http GET 'https://shop.example/{{ sku }}' products.csv`,
      does: 'One for each row, with its fields.',
    },
    {
      line: `cat prices.jsonl | batchx http PUT 'https://shop.example/{{ sku }}' --json-body '{"price": "{{ price }}"}' --rate 2/s --retries 3`,
      does: 'A body of JSON; no more than two a second; what fails is tried again.',
    },
    {
      line: `batchx http POST https://shop.example/ids -H 'authorization: Bearer {{ env.TOKEN }}' --secret TOKEN -d '{{ data }}' ::: a b`,
      does: 'Values, and a key that is shown nowhere.',
    },
    { line: `batchx http GET '{{ data }}' -a urls.txt --as none`, does: 'Whether each URL of a list answers.' },
    {
      line: `batchx http GET 'https://shop.example/{{ sku }}' products.csv --dry-run`,
      does: 'What would be asked, without asking.',
    },
  ],
  flags: httpFlags,
  notes: [
    'Inputs are those of `batchx map`: files of rows, globs in quotes, folders, `-` for standard input, or values behind `:::`. Where nothing in the request stands for a value of a row, and no input is named, one request is made. Without a method it is GET, or POST when there is a body.',
    '{{ name }} stands for a field of the row, {{ data }} for the row or the value itself, also with filters, as {{ name | upcase }}. In the URL and its query, and in forms, values are encoded, and none leads to another place than it stands in; in --json-body a value that stands alone keeps its kind. Single braces mean nothing. Where the host comes from data only public addresses are connected to, unless --allow-private.',
    'A row is written for each request: {"id","success","result"}, or "error" in place of "result"; of what came back, JSON is a value. --as response gives { status, headers, body }. A status other than 2xx, or than --expect says, is a failure.',
    'What may have been done is not done twice: of POST and PATCH only those are tried again that have not reached the server, or were refused, unless there is an --idempotency-key. Others end in doubt.',
    'It is what `batchx run` does with the file that --print-pipeline prints. The exit code is 0 when all went well, 1 when some failed or are in doubt, 2 for wrong usage, 3 for a halt, 4 when there is nothing to do, 5 when an output cannot be written.',
  ],
  choices: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  parse(args) {
    refuseJsonBody(args);
    try {
      return parseLine(httpFlags, args, 'https://shop.example');
    } catch (error) {
      throw withCurlHints(error, args);
    }
  },
  async run(line) {
    const { runRequests } = await import('../pipelines.js');
    return runRequests(line);
  },
});
