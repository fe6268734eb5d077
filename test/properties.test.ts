// What holds for any names, options, verdicts and trees, not only for those that somebody thought of. fast-check makes
// them up: the same each time, or others with AXL_TEST_SEED=N (`random` for any). A failure says its seed.
import { deepEqual } from 'node:assert/strict';
import * as fs from 'node:fs';
import fc from 'fast-check';
import type { Test } from 'tap';
import t from 'tap';
import {
  absolutePath,
  decodeLossless,
  displayName,
  encodeLossless,
  fromLatin1,
  join,
  pack,
} from '../lib/base/names.js';
import { checkOptions, shapes } from '../lib/base/options.js';
import type { Verdict } from '../lib/finalize/decide.js';
import { Homes } from '../lib/finalize/homes.js';
import { Candidates, scan } from '../lib/finalize/scan.js';
import { AxlError, type CreateOptions, Transfer } from '../lib/index.js';
import { findMatches } from '../lib/transfer/sources.js';
import { Place } from './support.js';
import { encodeVerdict, summed, verdictName } from './verdicts.js';

const { AXL_TEST_SEED: given = '1' } = process.env;
const seed = given === 'random' ? {} : { seed: Number(given) };

async function holds<T>(t: Test, property: fc.IRawProperty<T>, numRuns = 500): Promise<void> {
  const run = await fc.check(property as fc.IAsyncProperty<T>, { numRuns, ...seed });
  t.notOk(run.failed, (await fc.asyncDefaultReportMessage(run)) ?? 'holds');
}

const utf8 = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((text) => Buffer.from(text));
const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 24 }).map((bytes) => Buffer.from(bytes));
const bytes = fc.oneof(utf8, anyBytes, fc.array(fc.oneof(utf8, anyBytes), { maxLength: 3 }).map(Buffer.concat));
const path = bytes.filter((name) => name.length > 0 && !name.includes(0));
/** What a directory may hold. */
const name = path.filter((bytes) => !bytes.includes('/') && !['.', '..'].includes(bytes.toString('latin1')));
const latin1 = (bytes: Buffer) => bytes.toString('latin1');
const names = fc.uniqueArray(name, { maxLength: 12, selector: latin1 });

const split = (packed: Buffer) => latin1(packed).split('\0').slice(0, -1);

t.test('any bytes come back from the text that patterns match, which has no line break', (t) =>
  holds(
    t,
    fc.property(bytes, bytes, (a, b) => {
      const text = encodeLossless(a);
      const both = encodeLossless(Buffer.concat([a, Buffer.from('/'), b]));
      return (
        decodeLossless(text).equals(a) && !/[\n\r\u2028\u2029]/.test(text) && both === `${text}/${encodeLossless(b)}`
      );
    }),
  ),
);

t.test('a name that is shown stays on one line, without controls, and can be turned back', (t) =>
  holds(
    t,
    fc.property(bytes, (name) => {
      const shown = displayName(name);
      const back = Buffer.from(shown).toString('latin1');
      const bytes = back.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      return !/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.test(shown) && bytes === latin1(name);
    }),
  ),
);

t.test('an absolute path is canonical but for "..", loses no byte, and is the same the second time', (t) =>
  holds(
    t,
    fc.property(path, (given) => {
      const found = absolutePath(given, 'a path');
      const wanted = latin1(given)[0] === '/' ? given : join(Buffer.from(process.cwd()), given);
      const components = (path: Buffer) =>
        latin1(path)
          .split('/')
          .filter((c) => c !== '' && c !== '.');
      deepEqual(components(found), components(wanted));
      return /^\/$|^(\/[^/]+)+$/s.test(latin1(found)) && absolutePath(found, 'a path').equals(found);
    }),
  ),
);

t.test('a file: URL names the bytes that it encodes', (t) =>
  holds(
    t,
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (parts) => {
      const encoded = parts.map((part) => part.toString('hex').replace(/../g, '%$&'));
      const url = new URL(`file:///${encoded.join('/')}`);
      // The URL itself takes "%2e%2e" for "..".
      fc.pre(url.pathname === `/${encoded.join('/')}`);
      return latin1(absolutePath(url, 'a URL')) === `/${parts.map(latin1).join('/')}`;
    }),
  ),
);

t.test('packed names come out as they went in', (t) =>
  holds(
    t,
    fc.property(fc.array(path), (all) => deepEqual(split(pack(all)), all.map(latin1))),
  ),
);

t.test('whatever options are, they are accepted, or a TypeError or RangeError names one of them', (t) =>
  holds(
    t,
    fc.property(
      fc.constantFrom(...(Object.keys(shapes) as (keyof typeof shapes)[])),
      fc.infiniteStream(
        fc.oneof(fc.anything(), fc.integer({ min: -1, max: 1 << 20 }), fc.constantFrom('auto', 'full')),
      ),
      fc.dictionary(fc.string(), fc.anything(), { maxKeys: 1 }),
      fc.subarray(Object.values(shapes).flatMap((shape) => Object.keys(shape))),
      (call, values, extra, keys) => {
        const shape = shapes[call] as Parameters<typeof checkOptions>[2];
        const own = keys.filter((key) => key in shape).map((key) => [key, values.next().value] as const);
        const options = { ...Object.fromEntries(own), ...extra };
        try {
          checkOptions(call, options, shape);
          return Object.keys(options).every((key) => Object.hasOwn(shape, key));
        } catch (error) {
          if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
          return Object.keys(options).some((key) => (error as Error).message.includes(key));
        }
      },
    ),
    2000,
  ),
);

t.test('options that no create() takes are refused before anything is made', async (t) => {
  const place = new Place(t);
  await holds(
    t,
    fc.asyncProperty(fc.record({ name: fc.anything(), rank: fc.double(), size: fc.anything() }), async (options) => {
      const wrong = { ...options, rank: -1 - Math.abs(options.rank || 0), stateFile: place.stateFile };
      const error = await Transfer.create(wrong as CreateOptions).catch((error: unknown) => error);
      return (error instanceof TypeError || error instanceof RangeError) && fs.readdirSync(place.states).length === 0;
    }),
  );
});

/** An empty directory, the same for each run of a property. */
function emptied(place: Place, dir: string): Buffer {
  fs.rmSync(place.path(dir), { recursive: true, force: true });
  return Buffer.from(place.mkdir(dir));
}

t.test('what a pattern finds keeps its path below the base of the pattern', async (t) => {
  const place = new Place(t);
  const base = fc.constantFrom('', 'a', 'a/b', 'a/b/c', 'back\\slash', 'a/st*r');
  const property = fc.asyncProperty(base, name, names, names, async (base, cwd, below, deeper) => {
    const dir = join(emptied(place, 'globs'), cwd);
    const start = join(dir, Buffer.from(base));
    fs.mkdirSync(start, { recursive: true });
    for (const name of below) fs.mkdirSync(join(start, name));
    const files = below.flatMap((parent) => deeper.map((name) => join(parent, name)));
    for (const file of files) fs.writeFileSync(join(start, file), '');
    const pattern = base === '' ? '**' : `${base.replace(/[\\*]/g, '\\$&')}/**`;
    const found = split(await findMatches([pattern], { cwd: dir, dest: '/dest', dot: true }));
    const wanted = [...below, ...files].map((name) => `${latin1(join(start, name))} -> /dest/${latin1(name)}`);
    const pairs = found.flatMap((source, i) => (i % 2 === 0 ? [`${source} -> ${found[i + 1]}`] : []));
    deepEqual(pairs.sort(), wanted.sort());
  });
  await holds(t, property, 60);
});

t.test('a scan finds every name of a directory once, with a pattern or without', async (t) => {
  const place = new Place(t);
  const property = fc.asyncProperty(names, async (all) => {
    const dir = emptied(place, 'scanned');
    for (const name of all) fs.writeFileSync(join(dir, name), '');
    const wanted = all.map((name) => latin1(join(dir, name))).sort();
    for (const search of [{}, { pattern: ['**'] }, { recursive: true }]) {
      const { directories, unreadable } = await scan([dir], search);
      const candidates = new Candidates(directories);
      const numbers = Array.from({ length: candidates.size }, (_, i) => i);
      deepEqual(unreadable, []);
      deepEqual(split(candidates.pack(numbers)).sort(), wanted);
    }
  });
  await holds(t, property, 100);
});

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });
const listed = fc.array(fc.tuple(hex(32), name), { minLength: 1, maxLength: 12 });
const drawn = fc.record({
  decision: fc.constantFrom('publish' as const, 'roll back' as const),
  scope: fc.constant('listed' as const),
  dataset: hex(32),
  name: fc.string({ unit: 'grapheme', minLength: 1 }),
  size: fc.nat(),
  transfers: listed.map((pairs) => new Map(pairs.map(([uuid, name]) => [uuid, latin1(name)]))),
});

/** An object like any other. */
const verdict = drawn.map((each) => ({ ...each }));

t.test('a verdict is read as it was written, and the first one counts', async (t) => {
  const place = new Place(t);
  const property = fc.asyncProperty(verdict, verdict, async (first, second) => {
    emptied(place, 'states');
    const home = await new Homes().open(place.path('states'));
    deepEqual(await home.decide(first), first);
    deepEqual(await home.read(first.dataset), first);
    deepEqual(await home.decide({ ...second, dataset: first.dataset }), first);
    return true;
  });
  await holds(t, property, 60);
});

t.test('whatever a verdict file holds, it is a verdict or AXL_STATE_CORRUPT', async (t) => {
  const place = new Place(t);
  const forged = fc.record({
    ...{ decision: fc.nat(4), scope: fc.nat(5), name: fc.string(), size: fc.nat() },
    dataset: fc.oneof(hex(32), fc.constant('0'.repeat(32))),
    transfers: fc.array(fc.tuple(hex(32), fc.oneof(name.map(latin1), fc.string())), { maxLength: 4 }),
  });
  const cut = fc.tuple(forged.map(encodeVerdict), fc.nat(200)).map(([bytes, at]) => summed(bytes.subarray(0, at)));
  const content = fc.oneof(forged.map(encodeVerdict), cut, anyBytes, fc.json().map(Buffer.from));
  const property = fc.asyncProperty(content, async (content) => {
    const dataset = '0'.repeat(32);
    fs.writeFileSync(place.path('states', verdictName(dataset)), content);
    const home = await new Homes().open(place.path('states'));
    const read = await home.read(dataset).catch((error: unknown) => error);
    if (read instanceof AxlError) return read.code === 'AXL_STATE_CORRUPT';
    const { decision, scope, transfers } = read as Verdict;
    return decision !== undefined && scope !== undefined && (scope === 'listed') === transfers.size > 0;
  });
  await holds(t, property, 300);
});

interface Tree {
  readonly [name: string]: Tree | Uint8Array | string;
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.nat(20_000).map((size) => Buffer.alloc(size, size)),
);
const { tree } = fc.letrec<{ tree: Tree; node: Tree[string] }>((tie) => ({
  tree: fc.dictionary(name.map(latin1), tie('node'), { maxKeys: 4, depthIdentifier: 'tree' }),
  node: fc.oneof({ depthIdentifier: 'tree', maxDepth: 3 }, content, path.map(latin1), tie('tree')),
}));

function make(dir: Buffer, tree: Tree): void {
  fs.mkdirSync(dir);
  for (const [name, node] of Object.entries(tree)) {
    const path = join(dir, fromLatin1(name));
    if (node instanceof Uint8Array) fs.writeFileSync(path, node, { mode: 0o400 + (node.length % 0o400) });
    else if (typeof node === 'string') fs.symlinkSync(fromLatin1(node), path);
    else make(path, node);
  }
  fs.utimesSync(dir, 1, 1e9 + Object.keys(tree).length + 0.25);
}

/** Everything that a copy has to have, by name. */
function seen(dir: Buffer, below = ''): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of fs.readdirSync(dir, 'buffer')) {
    const path = join(dir, name);
    const stats = fs.lstatSync(path, { bigint: true });
    const at = `${below}/${latin1(name)}`;
    const content = stats.isFile()
      ? fs.readFileSync(path, 'latin1')
      : stats.isSymbolicLink() && fs.readlinkSync(path, 'latin1');
    out[at] = [stats.mode, stats.mtimeNs, content];
    if (stats.isDirectory()) Object.assign(out, seen(path, at));
  }
  return out;
}

t.test('a tree of any names and contents arrives as it is, and leaves nothing else behind', async (t) => {
  const place = new Place(t);
  const property = fc.asyncProperty(tree, async (tree) => {
    for (const dir of ['source', 'dest']) fs.rmSync(place.path(dir), { recursive: true, force: true });
    make(Buffer.from(place.source), tree);
    await using transfer = await place.create({ durability: 'none' });
    await transfer.add(place.source, place.dest);
    await transfer.dispatch();
    await transfer.wait();
    await transfer.free();
    deepEqual(fs.readdirSync(place.states), []);
    deepEqual(seen(Buffer.from(place.dest)), seen(Buffer.from(place.source)));
  });
  await holds(t, property, 40);
});
