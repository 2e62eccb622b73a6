import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** `no-restricted-syntax` is replaced, not added to, by a later block: each block lists all that holds for its files. */
const zodAsNamespace = {
  selector: "ImportDeclaration[source.value='zod'] > :matches(ImportSpecifier, ImportDefaultSpecifier)",
  message: "Write `import * as z from 'zod'`: what is not used is then left out of the bundle.",
};
const strictObjects = {
  selector: "CallExpression[callee.object.name='z'][callee.property.name='object']",
  message: 'A misspelt option must not pass: use z.strictObject, or z.looseObject for what others send.',
};
const explicitExports = {
  selector: 'ExportAllDeclaration',
  message: 'The public surface is a list of names: export each by its name.',
};

const runtimeHas = (what) => `The world comes from the Runtime, so that tests can stand in for it: ${what}.`;
const clock = runtimeHas('use `runtime.scheduler`, `runtime.wallNow()` and `wait`');
const streams = runtimeHas('use its `stdio`, `env` and `signal`');
const chance = runtimeHas('use `runtime.random()`');
const logs = 'Steps neither log nor print: emit an event on the Runtime, the command line prints it.';

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const ambientGlobals = [
  ...[...timers, 'performance'].map((name) => ({ name, message: clock })),
  { name: 'process', message: streams },
  { name: 'console', message: logs },
];
const ambientSyntax = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='Date']",
    message: clock,
  },
];
const ambientProperties = [
  { object: 'Date', property: 'now', message: clock },
  { object: 'AbortSignal', property: 'timeout', message: clock },
  { object: 'Math', property: 'random', message: chance },
  ...['randomUUID', 'getRandomValues'].map((property) => ({ object: 'crypto', property, message: chance })),
  ...ambientGlobals.flatMap(({ name, message }) =>
    ['globalThis', 'global'].map((object) => ({ object, property: name, message })),
  ),
];
/** The same things again, by the modules that have them. */
const ambientImports = [
  ...['timers', 'timers/promises'].map((name) => ({ name, message: clock })),
  { name: 'process', message: streams },
  { name: 'console', message: logs },
  { name: 'perf_hooks', importNames: ['performance'], message: clock },
  {
    name: 'crypto',
    importNames: ['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'],
    message: chance,
  },
].flatMap((entry) => [entry, { ...entry, name: `node:${entry.name}` }]);

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'bench/data/', 'test/fixtures/', 'scripts/templates/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': ['error', zodAsNamespace],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],

      // What subclasses of Subscriber need is called deprecated, because rxjs 8 is to hide it. A contract test holds it.
      '@typescript-eslint/no-deprecated': [
        'error',
        { allow: [{ from: 'package', package: 'rxjs', name: ['super', 'Subscriber', 'destination', 'isStopped'] }] },
      ],

      // Against the grain here: an index known to be in range, a hook that may be sync or async, an async method that
      // an interface asks for, and overloads that read better than a union.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      // It takes what was tested once for true ever after. Here calls re-enter: `next` may unsubscribe, `push` may fill.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },

  {
    files: ['src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', zodAsNamespace, strictObjects] },
  },
  {
    files: ['src/index.ts', 'src/testing.ts'],
    rules: { 'no-restricted-syntax': ['error', zodAsNamespace, strictObjects, explicitExports, ...ambientSyntax] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**', 'src/core/runtime.ts'],
    rules: {
      'no-restricted-globals': ['error', ...ambientGlobals],
      'no-restricted-properties': ['error', ...ambientProperties],
      'no-restricted-imports': ['error', { paths: ambientImports }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**', 'src/core/runtime.ts', 'src/index.ts', 'src/testing.ts'],
    rules: { 'no-restricted-syntax': ['error', zodAsNamespace, strictObjects, ...ambientSyntax] },
  },

  {
    // Tests read JSON, poke at fakes and at what rxjs hides, and throw what nobody should: types prove nothing there.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-deprecated': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },

  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        ['AbortController', 'Buffer', 'URL', 'console', 'performance', 'process', ...timers].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
);
