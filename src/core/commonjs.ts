/** What a CommonJS module exports, once it is imported: bundled, it has all of that as its default only. */
export const exportsOf = <M extends object>(module: M): M => ('default' in module ? (module.default as M) : module);
