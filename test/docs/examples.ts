import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A piece of a text that stands for itself. */
export interface Example {
  /** Where it is, as `file:line`. */
  readonly where: string;
  /** The folder that its relative imports are meant from. */
  readonly folder: string;
  readonly text: string;
}

/** The pages whose examples are held to be true. */
export const pages = (): string[] => [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'examples/README.md',
];

/** The fenced blocks of a page whose info string is `language` and nothing else. */
export function blocksOf(page: string, language: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)]
    .filter(([, info]) => info === language)
    .map(({ 2: block = '', index }) => ({
      where: `${page}:${text.slice(0, index).split('\n').length}`,
      folder: 'docs',
      text: block,
    }));
}

/** What stands behind `@example` in the sources. */
export function examplesInSources(): Example[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.flatMap((name) => {
    const file = `src/${name}`;
    const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ESNext, true);
    const examples: Example[] = [];
    const visit = (node: ts.Node): void => {
      for (const tag of ts.getJSDocTags(node)) {
        // A tag belongs to the statement and to what is declared in it.
        if (tag.tagName.text !== 'example' || tag.parent.parent !== node) continue;
        const { line } = source.getLineAndCharacterOfPosition(tag.getStart());
        const text = ts.getTextOfJSDocComment(tag.comment) ?? '';
        examples.push({ where: `${file}:${line + 1}`, folder: dirname(file), text });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return examples;
  });
}

/** What is wrong with the examples by the compiler, with the options of the project, as `where: message`. */
export function compile(examples: readonly Example[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const host = ts.createCompilerHost(options);
  const virtual = new Map(examples.map((example, i) => [join(root, example.folder, `example-${i}.ts`), example]));
  const { fileExists, readFile } = host;
  host.getCurrentDirectory = () => root;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path)?.text ?? readFile(path);
  const program = ts.createProgram([...virtual.keys()], options, host);
  return [...virtual].flatMap(([path, { where }]) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) => `${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  });
}

/** What the comments of an example say it prints: those behind `console.log` and behind bare expressions. */
export function expected({ text }: Example): string | undefined {
  const said = [...text.matchAll(/^.*\S.*\/\/ (.*)$/gm)]
    .filter(([line]) => line.includes('console.log') || line.includes('.subscribe(); //') || isShown(line))
    .map(({ 1: value = '' }) => value);
  return said.length === 0 ? undefined : said.join(', ');
}

/** A statement that is nothing but an expression, behind which a comment tells its value. */
const isShown = (line: string): boolean =>
  /^(?!import|const|await|\s).*; \/\/ (['\d[{]|true|false|null|undefined)/.test(line) &&
  !/console\.|subscribe/.test(line);

/** An example as the body of an asynchronous function of `load`, which imports, and `console`. */
export function bodyOf({ text }: Example): string {
  const showing = text
    .split('\n')
    .map((line) => (isShown(line) ? line.replace(/^(.*?);? \/\/ .*$/, 'console.log(console.show($1));') : line))
    .join('\n');
  const imports = showing.replace(/^import (.+?) from '(.+)';$/gm, (_, names: string, from: string) => {
    const bound = names.startsWith('* as ')
      ? names.slice(5)
      : names.replace(/\btype \w+,? ?/g, '').replaceAll(' as ', ': ');
    return `const ${bound} = await load('${from}');`;
  });
  return ts.transpileModule(imports, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  }).outputText;
}
