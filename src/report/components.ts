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
  const schema = schemaOf(options);
  return { kind, name, status, summary, options: optionsIn(schema), examples, schema };
}

/** Describes the options of a schema. */
export const describeOptions = (schema: z.ZodObject): OptionDescription[] => optionsIn(schemaOf(schema));

const schemaOf = (schema: z.ZodObject): SchemaNode =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;

const optionsIn = ({ properties = {}, required = [] }: SchemaNode): OptionDescription[] =>
  Object.entries(properties).map(([option, node]) => ({
    name: option,
    type: typeOf(node),
    required: required.includes(option),
    default: node.default,
    description: node.description ?? '',
  }));

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (node.const !== undefined) return node.const === Infinity ? 'Infinity' : JSON.stringify(node.const);
  const forms = [...new Set(node.anyOf?.map(typeOf).filter((type) => type !== 'any'))];
  if (forms.length > 0) return forms.join(' | ');
  if (node.type === 'array') return `${node.items === undefined ? 'any' : typeOf(node.items)}[]`;
  return typeof node.type === 'string' ? node.type : (node.type?.join(' | ') ?? 'any');
}
