// Who imports whom, and what no file may contain: the rules of ARCHITECTURE.md, read from the sources themselves.
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { root } from '../support.js';

/** The rooms of lib/ and what each may import beside itself; '' are the entrances, the files at its top. */
const ROOMS: Record<string, readonly string[]> = {
  packages: [],
  base: [],
  comm: ['base'],
  movers: ['base'],
  transfer: ['movers', 'base', 'packages'],
  finalize: ['movers', 'base', 'packages'],
  'as-root': ['finalize', 'base'],
  verify: ['base'],
  '': ['base', 'comm', 'movers', 'transfer', 'finalize', 'as-root', 'verify'],
  cli: ['', 'finalize', 'base'],
};
/** An entrance imports the rooms of its behaviour only: a finalizer knows no live transfer, and the other way round. */
const LIVE = ['transfer', 'comm'];
const AFTERWARDS = ['finalize', 'as-root', 'movers'];
const ENTRANCES: Record<string, readonly string[]> = {
  index: [...LIVE, ...AFTERWARDS, 'verify'],
  axl: LIVE,
  transfer: LIVE,
  collective: LIVE,
  comm: LIVE,
  finalize: AFTERWARDS,
  survey: AFTERWARDS,
  orphans: AFTERWARDS,
  forget: AFTERWARDS,
  probe: AFTERWARDS,
  verify: ['verify'],
};
/** The rooms of native/, alike; only the binding knows Node. */
const NATIVE_ROOMS: Record<string, readonly string[]> = {
  base: [],
  comm: [],
  old_glibc: [],
  os: ['base'],
  journal: ['os', 'base'],
  plan: ['os', 'base', 'journal/format.h'],
  dataset: ['os', 'base'],
  manifest: ['os', 'base'],
  publish: ['journal', 'os', 'base'],
  copy: ['journal', 'publish/barrier.h', 'manifest/text.h', 'os', 'base'],
  finalize: ['copy', 'publish', 'journal', 'os', 'base'],
  upkeep: ['publish/barrier.h', 'journal', 'os', 'base'],
  '': ['finalize', 'upkeep', 'dataset', 'manifest', 'copy', 'publish', 'plan', 'journal', 'os', 'base'],
  binding: [
    '',
    'finalize',
    'upkeep',
    'dataset',
    'manifest',
    'comm',
    'copy',
    'publish',
    'plan',
    'journal',
    'os',
    'base',
  ],
};

/** Which packages are imported where. In lib/base and lib/transfer it is a type. */
const PACKAGES: Record<string, string[]> = {
  'packages/fast-glob.cjs': ['fast-glob'],
  'packages/proper-lockfile.cjs': ['proper-lockfile'],
  'transfer/sources': ['fast-glob'],
  'base/glob': ['fast-glob'],
  'cli/parse': ['commander'],
};

const read = (path: string): string => fs.readFileSync(join(root, path), 'utf8');

/** What a module imports or exports from, types and dynamic imports included. */
function imports(source: string): string[] {
  const code = source.replace(/^\s*(\*|\/\/|\/\*\*).*$/gm, '');
  return [...code.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\()'([^']+)'/g)].map((match) => match[1] as string);
}

/** Files below a folder, as paths from it. */
function below(dir: string, name: RegExp): string[] {
  const all = fs.readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' });
  return all.filter((path) => name.test(path)).sort();
}

const roomOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');

/** Each module of lib/, by its path without `.ts`, and what it imports. */
const ofLib = new Map(
  below('lib', /\.(ts|cjs)$/).map((path) => [path.replace(/\.ts$/, ''), imports(read(join('lib', path)))]),
);

/** The modules of lib/ that a module imports. */
const own = (name: string) =>
  (ofLib.get(name) ?? []).filter((path) => path.startsWith('.')).map((path) => join(dirname(name), path).slice(0, -3));

t.test('each room of lib/ imports only the rooms below it', async (t) => {
  t.same([...new Set([...ofLib.keys()].map(roomOf))].sort(), Object.keys(ROOMS).sort(), 'every room has its rule');
  for (const name of ofLib.keys()) {
    const allowed = ROOMS[roomOf(name)] ?? [];
    t.same(
      own(name).filter((other) => roomOf(other) !== roomOf(name) && !allowed.includes(roomOf(other))),
      [],
      name,
    );
  }
});

t.test('an entrance imports the rooms of its behaviour only', async (t) => {
  t.same([...ofLib.keys()].filter((name) => roomOf(name) === '').sort(), Object.keys(ENTRANCES).sort());
  for (const [name, rooms] of Object.entries(ENTRANCES))
    t.same(
      own(name).filter((other) => !['', 'base', ...rooms].includes(roomOf(other))),
      [],
      name,
    );
});

/** The first circle that is found, as a path. */
function circle(edges: (name: string) => readonly string[], names: Iterable<string>): string[] {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of edges(name)) {
      const found = visit(next, [...path, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  for (const name of names) {
    const found = visit(name, []);
    if (found.length > 0) return found;
  }
  return [];
}

t.test('no modules of lib/ import each other in a circle', async (t) => {
  t.same(circle(own, ofLib.keys()), []);
  t.same(
    circle((name) => ({ a: ['b'], b: ['c'], c: ['b'] })[name] ?? [], ['a']),
    ['b', 'c', 'b'],
    'one is found',
  );
});

t.test('lib/cli is the only one that bin/ imports', async (t) => {
  const bin = below('bin', /\.ts$/).map((path) => [path, imports(read(join('bin', path)))] as const);
  t.same(
    bin.map(([name, from]) => [name, from.filter((path) => !path.startsWith('node:'))]),
    [
      ['axl-cp.ts', ['./start.js']],
      ['axl-finalize.ts', ['./start.js']],
      ['axl-verify.ts', ['./start.js']],
      ['command.ts', ['../lib/cli/main.js']],
      ['start.ts', []],
    ],
  );
});

t.test('packages are imported in one place each', async (t) => {
  for (const [name, from] of ofLib) {
    const packages = from.filter((path) => !path.startsWith('.') && !path.startsWith('node:'));
    t.same([...new Set(packages)], PACKAGES[name] ?? [], name);
  }
});

/** What a C++ file includes of ours, and of others. */
function includes(path: string): string[] {
  return [...read(path).matchAll(/^#include ["<]([^">]+)[">]/gm)].map((match) => match[1] as string);
}

const native = below('native', /\.(cc|h)$/);

t.test('each room of native/ includes only the rooms below it', async (t) => {
  t.same([...new Set(native.map(roomOf))].sort(), Object.keys(NATIVE_ROOMS).sort(), 'every room has its rule');
  for (const name of native) {
    const allowed = NATIVE_ROOMS[roomOf(name)] ?? [];
    const others = includes(join('native', name)).filter((path) => native.includes(path));
    t.same(
      others.filter(
        (path) => roomOf(path) !== roomOf(name) && !allowed.includes(roomOf(path)) && !allowed.includes(path),
      ),
      [],
      name,
    );
  }
});

t.test('only the binding knows Node', async (t) => {
  const knows = native.filter((name) => includes(join('native', name)).some((path) => /napi|node_api|^uv/.test(path)));
  t.ok(knows.length > 0);
  t.same(
    knows.filter((name) => roomOf(name) !== 'binding'),
    [],
  );
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

t.test('no file names a directory of one machine', async (t) => {
  const top = fs.readdirSync(root).filter((name) => /\.(md|json|txt)$/.test(name));
  const machine = /(?<![\w.:/-])\/(?:home|Users|work|root)\/\w/;
  t.same(
    [...files, ...top].filter((path) => machine.test(read(path))),
    [],
  );
});
