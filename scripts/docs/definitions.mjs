import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/**
 * Loads the components as the program has them.
 *
 * Gives the descriptions of all that are in the registry, each with the `file` that it is from, what `pipelines` may
 * say in a file, and `optionsOf(file)`: what the schemas of a file say of their options, by name.
 */
export async function loadDefinitions(root) {
  const files = ['src/sources', 'src/sinks', 'src/operators'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((name) => `${folder}/${name.split(sep).join('/')}`)
      .filter((name) => name.endsWith('.ts')),
  );
  const { builtin, describeComponent, describeFile, modules } = await load(root, files);

  const describedIn = (file) => {
    const found = {};
    for (const value of Object.values(modules[file] ?? {})) {
      const schema = isSchema(value) ? value : isSchema(value?.options) ? value.options : undefined;
      if (schema === undefined) continue;
      const { options } = describeComponent({ kind: '', name: '', options: schema, examples: [] });
      for (const option of options) found[option.name] ??= option;
    }
    return found;
  };
  const fileOf = (definition) => files.find((file) => Object.values(modules[file]).includes(definition));

  const pipelines = describeFile(builtin);
  const verbOf = ({ kind, name }) => pipelines.forms.find((form) => form.kind === kind && form.name === name).verb;

  return {
    components: builtin.all.map((definition) => ({
      ...describeComponent(definition),
      verb: verbOf(definition),
      file: fileOf(definition),
    })),
    pipelines,
    optionsOf: (file) => describedIn(relative(root, file).split(sep).join('/')),
  };
}

const isSchema = (value) => typeof value === 'object' && value !== null && value._zod?.def?.type === 'object';

/** Bundles the sources and runs them. The bundle lies where the packages that it imports are found. */
async function load(root, files) {
  const folder = join(root, 'node_modules/.cache/batchx-docs');
  const outfile = join(folder, `${process.pid}.mjs`);
  mkdirSync(folder, { recursive: true });
  try {
    await build({
      absWorkingDir: root,
      stdin: {
        resolveDir: root,
        contents: [
          `export { builtin } from './src/builtin.ts';`,
          `export { describeComponent } from './src/report/components.ts';`,
          `export { describeFile } from './src/pipeline/file/describe.ts';`,
          ...files.map((file, i) => `import * as module${i} from './${file}';`),
          `export const modules = { ${files.map((file, i) => `'${file}': module${i}`).join(', ')} };`,
        ].join('\n'),
      },
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile, { force: true });
  }
}
