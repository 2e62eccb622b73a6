import * as z from 'zod';
import { BatchxError } from '../../core/errors.js';
import { expression } from '../../core/expression.js';
import { byteSize, oneOf, show, someTime, textLike } from '../../core/schema.js';
import { templateText } from '../../core/template-option.js';
import { parseRequestLine } from './http-url.js';

/** What rules may speak of. */
export const RULE_NAMES = ['response', 'data', 'item'] as const;

const rule = () => expression(RULE_NAMES);

const statuses = 'a status such as 404, or a range such as "2xx" or "200-204"';

const status = () => z.union([z.int().min(200).max(599), textLike(/^(?:[2-5]xx|[2-5]\d\d(?:-[2-5]\d\d)?)$/, statuses)]);

/** Headers that the connection itself needs as they are. */
const OF_CONNECTION = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** What is wrong with the name of a header, if something is. */
function wrongHeader(name: string): string | undefined {
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
    return `expected the name of a header, of letters, digits and -, got ${show(name)}`;
  if (!OF_CONNECTION.includes(name.toLowerCase())) return undefined;
  return `the header ${show(name)} is that of the connection, and not to be set`;
}

const scalar = () => z.union([templateText(), z.number(), z.boolean()]);

/** Names and values as they are written behind each other; an array gives one of each of its values. */
const pairs = () => z.record(z.string().min(1), z.union([scalar(), z.array(scalar())]));

export const httpOptions = z
  .strictObject({
    request: z
      .string()
      .superRefine((text, context) => {
        try {
          parseRequestLine(text);
        } catch (error) {
          context.addIssue({ code: 'custom', message: BatchxError.from(error).message });
        }
      })
      .meta({ template: true })
      .describe(
        'The method and the URL, as `PUT https://shop.example/{{ sku }}`; GET when there is only a URL. Values are encoded for the place where they stand; one at the front is a URL itself, as `{{ url }}` or `{{ config.base }}/items`.',
      ),
    headers: z
      .record(z.string(), templateText())
      .superRefine((headers, context) => {
        for (const message of Object.keys(headers).map(wrongHeader))
          if (message !== undefined) context.addIssue({ code: 'custom', message });
      })
      .default({})
      .describe('Headers by name; a value with a line break fails its item.'),
    query: pairs().default({}).describe('What is added to the query of the URL; an array once for each of its values.'),
    json: z
      .unknown()
      .optional()
      .meta({ template: true })
      .describe('The body as JSON, with templates in its texts; `{{ name }}` alone stands for the value as it is.'),
    body: templateText().optional().describe('The body as text; `{{ name }}` alone may be bytes.'),
    form: pairs().optional().describe('The body as the fields of a form.'),
    as: z
      .enum(['auto', 'json', 'text', 'bytes', 'none', 'response'])
      .default('auto')
      .describe(
        'What the body of the answer is read as: `auto` by its type; `none` leaves the data as they were; `response` gives { status, headers, body }.',
      ),
    expect: oneOf(`${statuses}, or an array of them`, [status(), z.array(status()).min(1)])
      .default('2xx')
      .describe('The statuses that are a success.'),
    success: rule().optional().describe('An answer for which this is false is a failure, whatever its status.'),
    throttled: rule()
      .optional()
      .describe('An answer for which this is true says to come back later, whatever its status.'),
    retryAfter: rule()
      .optional()
      .describe(
        'How long to wait before the next attempt, in milliseconds or as `2s`; what the headers say unless given.',
      ),
    cost: oneOf('a number, an expression or a function', [z.number().min(0), rule()])
      .optional()
      .describe(
        'What a request costs, as a number: of the answer once it is there (`response`), and before it, where `response` is undefined, as far as that can be told. Rates with `tokens` count it, and it is noted in the metadata of the item.',
      ),
    redirects: z.int().min(0).max(5).default(0).describe('How many redirects are followed.'),
    maxBody: byteSize().default('10MB').describe('The longest body of an answer, packed or not.'),
    headersTimeout: someTime()
      .optional()
      .describe('How long to wait for an answer to begin; 300 s, or as long as an attempt may take if that is longer.'),
    bodyTimeout: someTime()
      .optional()
      .describe('How long to wait for more of its body; 300 s, or as long as an attempt may take if that is longer.'),
    allowPrivate: z
      .boolean()
      .default(false)
      .describe(
        'Allow private and local addresses where the host comes from data, or from a redirect to another host.',
      ),
    idempotencyKey: templateText()
      .optional()
      .describe(
        'What the server knows a repeated request by, sent as the header `idempotency-key`: with it any method may be tried again.',
      ),
  })
  .superRefine(({ json, body, form }, context) => {
    const given = Object.entries({ json, body, form }).filter(([, value]) => value !== undefined);
    if (given.length < 2) return;
    const names = given.map(([name]) => `\`${name}\``).join(' and ');
    const message = `expected one of \`json\`, \`body\` and \`form\`, got ${names}`;
    context.addIssue({ code: 'custom', path: [given[1]?.[0] ?? 'body'], message });
  })
  .meta({
    not: {
      anyOf: [
        ['json', 'body'],
        ['json', 'form'],
        ['body', 'form'],
      ].map((required) => ({ required })),
    },
  });
