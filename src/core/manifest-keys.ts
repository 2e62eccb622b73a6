/** What a manifest may say besides its `items`: what is done with them, for a run that is given it by `--manifest`. */
export const MANIFEST_KEYS = ['items', 'pipeline', 'output', 'outputRoot'] as const;
