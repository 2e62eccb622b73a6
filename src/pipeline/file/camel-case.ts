/** A name in kebab-case as keys of a file are written: `group-by` as `groupBy`. */
export const camelCase = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
