// The examples of the docstrings and of the pages run, each in a place of its own where the files that it names exist. Every
// public symbol has its sentence, what it throws, and an example.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { leave } from '../journals.js';
import { library, Place, program, root } from '../support.js';

const source = ts.createProgram([join(root, 'lib/index.ts')], {
  ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, skipLibCheck: true, noEmit: true },
});
const checker = source.getTypeChecker();
const index = checker.getSymbolAtLocation(
  source.getSourceFile(join(root, 'lib/index.ts')) as ts.SourceFile,
) as ts.Symbol;
const exported = checker
  .getExportsOfModule(index)
  .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol));
const isCode = ({ flags }: ts.Symbol): boolean => (flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) !== 0;

const sentence = (symbol: ts.Symbol): string => ts.displayPartsToString(symbol.getDocumentationComment(checker));
const tags = (symbol: ts.Symbol, name: string): string[] =>
  symbol
    .getJsDocTags(checker)
    .filter((tag) => tag.name === name)
    .map((tag) => ts.displayPartsToString(tag.text));

/** What a caller can reach of a class or an interface: neither private nor internal. */
function members(symbol: ts.Symbol): ts.Symbol[] {
  const own = [
    ...(symbol.members?.values() ?? []),
    ...(symbol.flags & ts.SymbolFlags.Class ? (symbol.exports?.values() ?? []) : []),
  ];
  return own.filter((member) => {
    const [declaration] = member.declarations ?? [];
    if (!declaration || ts.isConstructorDeclaration(declaration) || ts.isTypeParameterDeclaration(declaration))
      return false;
    const name = ts.getNameOfDeclaration(declaration);
    const inherited = (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Override) !== 0;
    return name !== undefined && !ts.isPrivateIdentifier(name) && !inherited && tags(member, 'internal').length === 0;
  });
}

const named = (symbol: ts.Symbol, member?: ts.Symbol): string =>
  member ? `${symbol.name}.${member.name.replace(/^__@(\w+)@\d+$/, '[$1]')}` : symbol.name;

t.test('every public symbol, and each of its members, has its sentence', (t) => {
  t.ok(exported.length > 60);
  for (const symbol of exported) {
    t.ok(sentence(symbol) !== '', symbol.name);
    for (const member of members(symbol)) t.ok(sentence(member) !== '', named(symbol, member));
  }
  t.end();
});

/** These have nothing to refuse. */
const NEVER_THROW = ['launched', 'displayName', 'Transfer.unref', 'Transfer.ref', 'CollectiveTransfer.unref'].concat([
  'CollectiveTransfer.ref',
]);

t.test('every public function and method says what it throws', (t) => {
  for (const symbol of exported.filter(isCode)) {
    const methods = members(symbol).filter(({ flags }) => flags & ts.SymbolFlags.Method);
    const all = symbol.flags & ts.SymbolFlags.Function ? [named(symbol)] : methods.map((one) => named(symbol, one));
    for (const [i, name] of all.entries()) {
      const thrown = tags(symbol.flags & ts.SymbolFlags.Function ? symbol : (methods[i] as ts.Symbol), 'throws');
      t.equal(thrown.length > 0, !NEVER_THROW.includes(name), name);
    }
  }
  t.end();
});

/** `@example examples/api/NAME.ts`. */
const included = (text: string): string[] =>
  [...text.matchAll(/^examples\/api\/\w+\.ts$/gm)].map(([name]) => fs.readFileSync(join(root, name), 'utf8'));

const fenced = (text: string): string[] =>
  [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] as string);

interface Example {
  readonly of: string;
  readonly code: string;
}

const docstrings: Example[] = exported
  .filter(isCode)
  .flatMap((symbol) =>
    tags(symbol, 'example').flatMap((text) =>
      [...fenced(text), ...included(text)].map((code) => ({ of: symbol.name, code })),
    ),
  );
const pages = ['README.md'].concat(
  fs
    .readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.endsWith('api.md'))
    .map((name) => join('docs', name)),
);
const shown: Example[] = pages.flatMap((of) =>
  fenced(fs.readFileSync(join(root, of), 'utf8')).map((code) => ({ of, code })),
);

t.test('every file of examples/api is the example of a docstring', (t) => {
  const all = new Set(docstrings.map(({ code }) => code));
  const dir = join(root, 'examples/api');
  for (const name of fs.readdirSync(dir)) t.ok(all.has(fs.readFileSync(join(dir, name), 'utf8')), name);
  t.end();
});

t.test('every public function and class has an example', (t) => {
  const has = new Set(docstrings.map(({ of }) => of));
  for (const { name } of exported.filter(isCode)) t.ok(has.has(name), name);
  t.end();
});

/** The functions of the caller that examples speak of. */
const CALLERS = 'function computeNextStep() {}\nfunction trainOn() {}';

/** Makes what an example names: sources, directories, and state files of processes that died. */
async function furnish(place: Place, code: string): Promise<string> {
  for (const name of ['ckpt.42/rank7', 'ckpt.42.0', 'step-1200/shard.0', 'step-1200/.metadata'])
    place.write(`l/ssd/${name}`, 'checkpoint');
  for (const name of ['p/lustre/run', 'p/lustre/run/ckpt.39', 'p/run/step-1200', 'p/job']) place.mkdir(name);
  fs.renameSync(place.states, place.path('p/job/state'));
  fs.symlinkSync('p/job/state', place.states);
  for (const [, name = ''] of code.matchAll(/(?:open|inspect)\('\/p\/job\/state\/([\w.]+)'/g))
    await leave.incomplete(place, name);
  return code.replaceAll(/(['"`])\/(p|l)\//g, `$1${place.root}/$2/`);
}

const imports = (code: string): string => {
  const symbols = exported.filter(isCode).map(({ name }) => name);
  const used = symbols.filter((name) => new RegExp(`\\b${name}\\b`).test(code) && !code.includes(`function ${name}`));
  return `import { ${used.join(', ')} } from '${library}';\n`;
};

/** As JavaScript that the oldest Node that we name can run, which has no `await using`. */
function runnable(code: string): string {
  const whole = code.includes("from 'axl-transfer'")
    ? code.replace("'axl-transfer'", `'${library}'`)
    : imports(code) + code;
  const { outputText } = ts.transpileModule(whole, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return `${outputText}\n${CALLERS}`;
}

t.jobs = 4;
for (const { of, code } of [...docstrings, ...shown])
  t.test(`the example of ${of} runs`, { buffered: true }, async (t) => {
    const place = new Place(t);
    const text = runnable(await furnish(place, code));
    const ended = await program(process.execPath, ['--input-type=module', '-e', text]);
    t.equal(ended.status, 0, ended.stderr);
  });

t.test('every example has the types that it should have', (t) => {
  const place = new Place(t);
  const files = [...docstrings, ...shown].map(({ of, code }, i) => {
    const head = code.includes("from 'axl-transfer'") ? '' : imports(code).replace(library, 'axl-transfer');
    const text = `${head}${code}\n${CALLERS}\nexport {};\n`;
    return place.write(`${of.replace(/\W/g, '-')}-${i}.mts`, text.replace("'axl-transfer'", `'${root}/lib/index.js'`));
  });
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const typeRoots = [join(root, 'node_modules/@types')];
  const program = ts.createProgram(files, { ...options, typeRoots, rootDir: '/', noEmit: true });
  const found = ts.getPreEmitDiagnostics(program);
  t.same(
    found.map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
    [],
  );
  t.end();
});
