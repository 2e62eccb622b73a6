import { join, relative, sep } from 'node:path';
import ts from 'typescript';

/**
 * What the doors of the library export, by the compiler: functions and types, with what their comments say.
 *
 * Each has `name`, `file`, `door`, `kind`, `text` (the comment), `examples` and `signature`; a function has `options`
 * too, the properties of its parameters whose type is called `...Options`.
 */
export function readExports(root) {
  const doors = { batchx: join(root, 'src/index.ts'), 'batchx/testing': join(root, 'src/testing.ts') };
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(Object.values(doors), options);
  const checker = program.getTypeChecker();

  return Object.entries(doors).flatMap(([door, path]) =>
    checker
      .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)))
      .map((symbol) => describe(symbol, door, { checker, root }))
      .filter((entry) => entry !== undefined),
  );
}

function describe(exported, door, { checker, root }) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const declarations = symbol.declarations.filter((declaration) => kindOf(declaration) !== undefined);
  const [declaration] = declarations;
  if (declaration === undefined) return undefined; // a definition: the reference has it
  const kind = kindOf(declaration);
  const file = declaration.getSourceFile().fileName;
  return {
    name: exported.name,
    door,
    kind,
    file: relative(root, file).split(sep).join('/'),
    text: ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim(),
    comment: ts.getJSDocCommentsAndTags(declaration).map((doc) => doc.getText()),
    examples: symbol
      .getJsDocTags(checker)
      .filter((tag) => tag.name === 'example')
      .map((tag) => ts.displayPartsToString(tag.text).trim()),
    signature: kind === 'function' ? signaturesOf(declarations) : shapeOf(declaration),
    options: kind === 'function' ? optionsOf(declarations, checker) : [],
  };
}

function kindOf(declaration) {
  if (ts.isFunctionDeclaration(declaration)) return 'function';
  // A constant that is an arrow function is a function to those who call it.
  if (ts.isVariableDeclaration(declaration) && declaration.initializer && ts.isArrowFunction(declaration.initializer))
    return 'function';
  if (ts.isClassDeclaration(declaration)) return 'class';
  if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) return 'type';
  return undefined;
}

/** The signatures without bodies; of overloads, those that a caller sees. */
function signaturesOf(declarations) {
  const overloads = declarations.length > 1 ? declarations.filter(({ body }) => body === undefined) : declarations;
  return overloads.map((declaration) => {
    const callable = ts.isFunctionDeclaration(declaration) ? declaration : declaration.initializer;
    const from = (callable.typeParameters ?? callable.parameters).pos - 1;
    const to = callable.type?.end ?? callable.parameters.end + 1;
    return declaration.name.text + callable.getSourceFile().text.slice(from, to);
  });
}

/** A type as it is declared; of a class what is public, without what it does. */
function shapeOf(declaration) {
  if (!ts.isClassDeclaration(declaration)) return [declaration.getText().replace(/^export /, '')];
  const head = declaration.getText().slice(0, declaration.members.pos - declaration.getStart());
  const members = declaration.members.filter((member) => !isHidden(member)).map(memberOf);
  return [`${head.replace(/^export /, '').trim()}\n${members.join('\n')}\n}`];
}

const isHidden = (member) =>
  (member.name !== undefined && ts.isPrivateIdentifier(member.name)) ||
  ts.isClassStaticBlockDeclaration(member) ||
  (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;

function memberOf(member) {
  const text = member.getText();
  const end = member.body?.pos ?? (member.type ?? member.initializer ?? member.name ?? member).end;
  const [comment] = ts.getJSDocCommentsAndTags(member).map((doc) => `  ${doc.getText()}\n`);
  return `${comment ?? ''}  ${text.slice(0, end - member.getStart()).trim()};`;
}

/** The properties of the parameters whose types are options. */
function optionsOf(declarations, checker) {
  const found = new Map();
  for (const declaration of declarations) {
    for (const { type } of (declaration.initializer ?? declaration).parameters) {
      for (const name of type === undefined ? [] : typeNamesIn(type)) {
        if (!name.text.endsWith('Options')) continue;
        const symbol = checker.getSymbolAtLocation(name);
        const alias = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
        const owner = alias.declarations[0];
        for (const property of checker.getDeclaredTypeOfSymbol(alias).getProperties()) {
          found.set(property.name, {
            name: property.name,
            of: alias.name,
            file: owner.getSourceFile().fileName,
            type: typeText(property, owner, checker),
            required: (property.flags & ts.SymbolFlags.Optional) === 0,
            text: ts.displayPartsToString(property.getDocumentationComment(checker)).trim(),
          });
        }
      }
    }
  }
  return [...found.values()];
}

function typeNamesIn(type) {
  const names = [];
  const visit = (node) => {
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) names.push(node.typeName);
    ts.forEachChild(node, visit);
  };
  visit(type);
  return names;
}

/** The type as it was written where it was written, otherwise as the compiler shows it. */
function typeText(property, owner, checker) {
  const written = property.valueDeclaration;
  if (written !== undefined && ts.isPropertySignature(written)) return written.type.getText();
  const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(property, owner));
  const shown = checker.typeToString(type, owner, ts.TypeFormatFlags.NoTruncation);
  return shown.replaceAll(/import\("[^"]*"\)\./g, '').replaceAll(/\bDataFunction<[^>]*>/g, '((data, item) => unknown)');
}
