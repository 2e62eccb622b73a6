/** What templates and expressions of a pipeline may name besides an item. */
export interface PipelineContext extends Record<string, unknown> {
  readonly config: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly run: { readonly id: string; readonly stamp: string };
}
