import * as z from 'zod';
import type { AnyDefinition } from '../core/define.js';

/** What there is to know of a component, as data: made from its definition alone. */
export interface ComponentDescription {
  readonly kind: string;
  readonly name: string;
  readonly status: string;
  readonly summary: string;
  readonly options: readonly OptionDescription[];
  readonly examples: readonly { readonly title: string; readonly options: unknown }[];
  readonly schema: unknown;
}

export interface OptionDescription {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default: unknown;
  readonly description: string;
}

interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
}

/** Describes a component from its definition. */
export function describeComponent({
  kind,
  name,
  status,
  summary,
  options,
  examples,
}: AnyDefinition): ComponentDescription {
  const schema = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  const described = Object.entries(schema.properties ?? {}).map(([option, node]) => ({
    name: option,
    type: typeOf(node),
    required: schema.required?.includes(option) ?? false,
    default: node.default,
    description: node.description ?? '',
  }));
  return { kind, name, status, summary, options: described, examples, schema };
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.anyOf !== undefined)
    return [...new Set(node.anyOf.map(typeOf).filter((type) => type !== 'any'))].join(' | ');
  if (node.type === 'array') return `${node.items === undefined ? 'any' : typeOf(node.items)}[]`;
  return typeof node.type === 'string' ? node.type : (node.type?.join(' | ') ?? 'any');
}

/** Components as text: a line each, or with `full` their options and examples too. */
export function listComponents(components: readonly ComponentDescription[], full: boolean): string {
  if (full) return components.map(describe).join('\n');
  const longest = Math.max(...components.map(({ name }) => name.length));
  const kinds = [...new Set(components.map(({ kind }) => kind))];
  const groups = kinds.map((kind) => {
    const lines = components
      .filter((each) => each.kind === kind)
      .map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`);
    return `${HEADINGS[kind] ?? kind}:\n${lines.join('\n')}\n`;
  });
  return groups.join('\n') + '\n`batchx steps <name>` tells the options of one.\n';
}

const HEADINGS: Readonly<Record<string, string>> = {
  source: 'Sources',
  step: 'Steps',
  flow: 'Steps that change how many items there are',
  sink: 'Sinks',
  aggregator: 'Aggregates',
};

function describe({ kind, name, status, summary, options, examples }: ComponentDescription): string {
  const lines = [`${name} (${kind}${status === 'stable' ? '' : `, ${status}`})`, `  ${summary}`];
  if (options.length > 0) lines.push('', '  Options:');
  for (const option of options) {
    const value = option.required
      ? 'required'
      : option.default === undefined
        ? 'optional'
        : `${JSON.stringify(option.default)} unless said`;
    lines.push(`    ${option.name}: ${option.type}, ${value}`, `        ${option.description}`);
  }
  if (examples.length > 0) lines.push('', '  Examples:');
  for (const example of examples)
    lines.push(`    ${example.title}`, `        ${name}: ${JSON.stringify(example.options)}`);
  return lines.join('\n') + '\n';
}
