// Who imports whom, and what no file may contain: the rules of ARCHITECTURE.md, read from the sources themselves.
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t from 'tap';
import { root } from './support.js';

/** The modules of lib/, each above those that it may import. */
const LAYERS = [
  ...[
    'types',
    'clock',
    'finalize-types',
    'names',
    'options',
    'errors',
    'waiting',
    'launch',
    'native',
    'glob',
    'states',
    'report',
  ],
  ...[
    'verdict-lock',
    'verdict',
    'verdict-file',
    'identity',
    'copies',
    'comm/provider',
    'comm/directory',
    'comm/pmi',
    'comm/pmix',
    'comm',
    'agreement',
    'collective',
    'sources',
    'take-over',
    'transfer',
    'functions',
    'directory-as-root',
    'scan',
    'dataset',
    'tally',
    'directory-lock',
    'work',
  ],
  ...[
    'finalize-datasets',
    'finalize-listing',
    'owners',
    'others',
    'owner-service',
    'owner-process',
    'finalize',
    'survey',
    'index',
  ],
];
/** Those two have nothing to do with each other: a finalizer knows no live transfer. */
const LIVE = [
  ...[
    'take-over',
    'identity',
    'copies',
    'agreement',
    'collective',
    'sources',
    'states',
    'report',
    'transfer',
    'functions',
  ],
  ...['comm', 'comm/provider', 'comm/directory', 'comm/pmi', 'comm/pmix'],
];
const AFTERWARDS = LAYERS.slice(LAYERS.indexOf('scan'), LAYERS.indexOf('index'));

/** Which packages are imported where. */
const PACKAGES: Record<string, string[]> = {
  sources: ['fast-glob'],
  scan: ['fast-glob'],
  glob: ['fast-glob'],
  'directory-lock': ['proper-lockfile'],
  'cli/parse': ['commander'],
  'cli/bar': ['cli-progress'],
};

const read = (path: string): string => fs.readFileSync(join(root, path), 'utf8');

/** What a module imports or exports from, types and dynamic imports included. */
function imports(source: string): string[] {
  const code = source.replace(/^\s*(\*|\/\/|\/\*\*).*$/gm, '');
  return [...code.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)'([^']+)'/g)].map((match) => match[1] as string);
}

function modules(dir: string, prefix = ''): [string, string[]][] {
  const names = fs.readdirSync(join(root, dir)).filter((name) => name.endsWith('.ts'));
  return names.map((name) => [prefix + name.slice(0, -3), imports(read(join(dir, name)))]);
}

/** The modules of lib/ that a module imports. */
const own = (name: string, from: readonly string[]) =>
  from.filter((path) => path.startsWith('.')).map((path) => join(dirname(name), path).slice(0, -3));

const ofLib = [...modules('lib'), ...modules('lib/comm', 'comm/')];

t.test('each module of lib/ imports only those below it', async (t) => {
  t.same(ofLib.map(([name]) => name).sort(), [...LAYERS].sort(), 'every module has its layer');
  for (const [name, from] of ofLib)
    t.same(
      own(name, from).filter((other) => LAYERS.indexOf(other) >= LAYERS.indexOf(name)),
      [],
      name,
    );
});

t.test('what works after the job knows nothing of live transfers, and the other way round', async (t) => {
  for (const [name, from] of ofLib) {
    const foreign = AFTERWARDS.includes(name) ? LIVE : LIVE.includes(name) ? AFTERWARDS : [];
    t.same(
      own(name, from).filter((other) => foreign.includes(other)),
      [],
      name,
    );
  }
});

t.test('lib/cli is the only one that bin/ imports, and that nobody else does', async (t) => {
  t.same(
    modules('bin').map(([name, from]) => [name, from.filter((path) => !path.startsWith('node:'))]),
    [
      ['axl-finalize', []],
      ['command', ['../lib/cli/main.js']],
    ],
  );
  for (const [name, from] of ofLib)
    t.same(
      from.filter((path) => /^\.{1,2}\/cli\//.test(path)),
      [],
      name,
    );
  const known = ['index', 'finalize', 'survey', 'names', 'errors', 'directory-as-root', 'clock'];
  for (const [name, from] of modules('lib/cli'))
    t.same(
      from.filter((path) => path.startsWith('../') && !known.includes(basename(path, '.js'))),
      [],
      name,
    );
});

t.test('packages are imported in one place each', async (t) => {
  for (const [name, from] of [...modules('bin'), ...ofLib, ...modules('lib/cli', 'cli/')]) {
    const packages = from.filter((path) => !path.startsWith('.') && !path.startsWith('node:'));
    t.same([...new Set(packages)], PACKAGES[name] ?? [], name);
  }
});

/** What a C++ file includes of ours, and of others. */
function includes(path: string): string[] {
  return [...read(path).matchAll(/^#include ["<]([^">]+)[">]/gm)].map((match) => match[1] as string);
}

const native = fs.readdirSync(join(root, 'native')).filter((name) => /\.(cc|h)$/.test(name));

t.test('only the binding knows Node', async (t) => {
  const knows = native.filter((name) => includes(join('native', name)).some((path) => /napi|node_api|^uv/.test(path)));
  t.ok(knows.length > 0);
  t.same(
    knows.filter((name) => !name.startsWith('binding')),
    [],
  );
  const uses = native.filter((name) => includes(join('native', name)).some((path) => path.startsWith('binding')));
  t.same(
    uses.filter((name) => !name.startsWith('binding')),
    [],
  );
});

t.test('the parts of the engine include only those below them', async (t) => {
  const forbidden: Record<string, RegExp> = {
    engine: /^(?!engine\.h)\w+\.h$/,
    pmix: /^(?!pmix\.h)\w+\.h$/,
    publisher: /^(engine|copy_job|transfer|finalizer)/,
    roll_back: /^(engine|copy_job|transfer|finalizer)/,
    barrier: /^(engine|publisher|copy_job|transfer|finalizer)/,
    journal: /^(engine|publisher|copy_job|transfer|finalizer|plan|barrier)/,
    plan: /^(engine|publisher|copy_job|transfer|finalizer|journal\.h|barrier)/,
    metadata: /^(engine|publisher|copy_job|transfer|finalizer|journal|plan|barrier)/,
    os: /^(engine|publisher|copy_job|transfer|finalizer|journal|plan|barrier|metadata)/,
    finalizer: /^transfer/,
    resume: /^(engine|publisher|copy_job|transfer|finalizer|plan|barrier)/,
    survey: /^(publisher|copy_job|transfer|finalizer|plan|barrier|journal\.h)/,
    journal_reader: /^(os|journal|engine)\.h$/,
  };
  for (const [part, pattern] of Object.entries(forbidden)) {
    const files = native.filter((name) => name.replace(/\.\w+$/, '') === part);
    t.ok(files.length > 0, part);
    const included = files.flatMap((name) => includes(join('native', name))).filter((path) => native.includes(path));
    t.same(
      included.filter((path) => pattern.test(path)),
      [],
      part,
    );
  }
});

/** Our own text files. */
function* ours(dir: string): Generator<string> {
  for (const entry of fs.readdirSync(join(root, dir), { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory() && entry.name !== 'results') yield* ours(path);
    else if (entry.isFile() && /\.(ts|mjs|cc|h|md|json|txt|sh|yml)$/.test(entry.name)) yield path;
  }
}

const DIRS = ['lib', 'bin', 'native', 'test', 'scripts', 'examples', 'benchmarks', 'docs'];
const files = DIRS.filter((dir) => fs.existsSync(join(root, dir))).flatMap((dir) => [...ours(dir)]);

t.test('no file of code has more than 400 lines', async (t) => {
  const code = files.filter((path) => /\.(ts|mjs|cc|h|sh)$/.test(path));
  const long = code.map((path) => [path, read(path).split('\n').length - 1] as const).filter(([, n]) => n > 400);
  t.ok(code.length > 50);
  t.same(long, []);
});

t.test('no file names a directory of one machine', async (t) => {
  const top = fs.readdirSync(root).filter((name) => /\.(md|json|txt)$/.test(name));
  const machine = /(?<![\w.:/-])\/(?:home|Users|work|root)\/\w/;
  t.same(
    [...files, ...top].filter((path) => machine.test(read(path))),
    [],
  );
});
