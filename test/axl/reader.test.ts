// The fixtures are files that AXL, SCR and KVTree have written. What the reader says of each is what is in it; and what
// the tests write is what those libraries write.
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { inspect, list } from '../../lib/index.js';
import { FIXTURES, fixtures, format, framed, leaveAxl, parse, type Tree, value } from '../kvtree.js';
import { Place } from '../support.js';

const read = (path: string): Buffer => fs.readFileSync(path);
const isOfAxl = (path: string): boolean => {
  const tree = parse(read(path));
  return ['STATE', 'STATUS', 'TYPE'].every((key) => tree.some(([k]) => k === key));
};
const copy = (place: Place, bytes: Buffer): string => place.write('states/a.state_file', bytes);

t.test('the writer of the tests writes every fixture byte for byte', async (t) => {
  t.ok(fixtures().length > 20);
  for (const path of fixtures()) t.ok(format(parse(read(path))).equals(read(path)), path);
});

const STATES: Readonly<Record<string, string>> = { 1: 'never-dispatched' };

for (const path of fixtures().filter(isOfAxl))
  t.test(`a state file of AXL is read: ${path.slice(FIXTURES.length + 1)}`, async (t) => {
    const place = new Place(t);
    const tree = parse(read(path));
    // Below a directory that is there, as the recorded one was.
    const moved = (text: string) => text.replace(/^\/(p|l)\//, `${place.root}/$1/`);
    const rebased = (below: Tree): Tree => below.map(([key, more]): Tree[number] => [moved(key), rebased(more)]);
    const stateFile = copy(place, format(rebased(tree)));
    const files = tree.find(([key]) => key === 'FILE')?.[1] ?? [];
    const suffix = value(tree, 'USE_EXTENSION') === '1' ? /\._AXL\d*$/ : /$^/;
    const dest = (below: Tree) => moved(value(below, 'DEST') ?? '');
    for (const [, below] of files)
      fs.mkdirSync(join(Buffer.from(dest(below), 'latin1').toString(), '..'), { recursive: true });
    if (value(tree, 'STATE') === '4')
      for (const [, below] of files) fs.writeFileSync(Buffer.from(dest(below).replace(suffix, ''), 'latin1'), '');
    const seen = inspect(stateFile);
    const name = Buffer.from(value(tree, 'NAME') ?? '', 'latin1').toString();
    t.match(seen, { format: 'axl', name, files: files.length });
    const expected = STATES[value(tree, 'STATE') ?? ''] ?? (value(tree, 'STATE') === '4' ? 'published' : 'incomplete');
    t.equal(seen.state, expected);
    for (const [i, [source, below]] of files.entries()) {
      const file = seen.fileList[i];
      t.equal(file?.sourceBytes.toString('latin1'), moved(source));
      t.equal(file?.destBytes.toString('latin1'), dest(below).replace(suffix, ''));
      if (value(tree, 'STATE') === '1') continue;
      const ns = (key: string) =>
        BigInt(value(below, `${key}_SECS`) ?? 0) * 1_000_000_000n + BigInt(value(below, `${key}_NSECS`) ?? 0);
      t.match(file, { size: Number(value(below, 'SIZE')), metadata: { mode: Number(value(below, 'MODE')) & 0o7777 } });
      t.match(file?.metadata, { uid: Number(value(below, 'UID')), mtimeNs: ns('MTIME'), atimeNs: ns('ATIME') });
    }
  });

t.test("files of KVTree that are not AXL's are no state files", async (t) => {
  const others = fixtures().filter((path) => !isOfAxl(path));
  t.same(
    others.map((path) => basename(path)),
    ['flush.scr', 'index.scr', 'mini-emptytree.kvt', 'mini.kvt'],
  );
  for (const path of others) t.equal(inspect(path).state, 'not-state', path);
});

const whole = (): Buffer => read(join(FIXTURES, 'c-full.kvt'));
const spoiled = (at: number, n: number): Buffer => {
  const bytes = whole();
  bytes[at] = n;
  return bytes;
};
/** With the size and the CRC that it should have. */
const changed = (from: string, to: string): Buffer =>
  framed(Buffer.from(whole().toString('latin1').replace(from, to), 'latin1').subarray(20, -4));
const deep = (n: number): Tree => (n === 0 ? [] : [['x', deep(n - 1)]]);

const MALFORMED: Readonly<Record<string, readonly [bytes: () => Buffer, code: string]>> = {
  'an empty file': [() => Buffer.alloc(0), 'AXL_STATE_CORRUPT'],
  'a file that ends within its header': [() => whole().subarray(0, 10), 'AXL_STATE_CORRUPT'],
  'a truncated file': [() => read(join(FIXTURES, 'malformed/trunc-half.kvt')), 'AXL_STATE_CORRUPT'],
  'a changed byte': [() => read(join(FIXTURES, 'malformed/flip-data.kvt')), 'AXL_STATE_CORRUPT'],
  'a count of 2^32-1 under a right CRC': [
    () => read(join(FIXTURES, 'malformed/count-ffffffff-goodcrc.kvt')),
    'AXL_STATE_CORRUPT',
  ],
  'bytes behind the end': [() => Buffer.concat([whole(), Buffer.alloc(4)]), 'AXL_STATE_CORRUPT'],
  'no CRC': [() => spoiled(19, 0), 'AXL_STATE_CORRUPT'],
  'another version': [() => spoiled(7, 2), 'AXL_STATE_VERSION'],
  'keys that are nested too deep': [() => format(deep(40)), 'AXL_STATE_CORRUPT'],
  'a size that is no number': [() => changed('20000\0', '2x000\0'), 'AXL_STATE_CORRUPT'],
  'a negative size': [() => changed('20000\0', '-2000\0'), 'AXL_STATE_CORRUPT'],
  'a missing size': [() => changed('SIZE\0', 'SIZ_\0'), 'AXL_STATE_CORRUPT'],
  'a state that is none': [() => changed('STATE\0\0\0\0\x012', 'STATE\0\0\0\0\x019'), 'AXL_STATE_CORRUPT'],
  'a relative destination': [() => changed('DEST\0\0\0\0\x01/p', 'DEST\0\0\0\0\x01xp'), 'AXL_STATE_CORRUPT'],
  'a destination that leads elsewhere': [() => changed('/dst/f4', '/../..4'), 'AXL_STATE_CORRUPT'],
  'a destination that occurs twice': [() => changed('/dst/f4', '/dst/f3'), 'AXL_STATE_CORRUPT'],
  'a destination without the suffix': [() => changed('f4._AXL\0', 'f4._AXX\0'), 'AXL_STATE_CORRUPT'],
  'no word of temporary names': [() => changed('USE_EXTENSION\0', 'USE_EXTENSIOX\0'), 'AXL_STATE_VERSION'],
};

for (const [what, [bytes, code]] of Object.entries(MALFORMED))
  t.test(`a malformed state file of AXL is refused: ${what}`, async (t) => {
    const stateFile = copy(new Place(t), bytes());
    const { error, state } = inspect(stateFile);
    t.match({ state, error }, { state: 'corrupt', error: { code, path: stateFile } });
    if (code === 'AXL_STATE_CORRUPT' && bytes().length > 0 && !what.includes('twice'))
      t.match(error?.message, /at byte \d+/);
  });

t.test('no state file of AXL that is cut short or has a changed byte is believed', async (t) => {
  const place = new Place(t);
  place.write('source/a', 'a');
  const stateFile = leaveAxl(place.path('states', 'a.state_file'), { [place.path('source/a')]: place.path('dest/a') });
  const bytes = read(stateFile);
  for (let at = 0; at < bytes.length; at++) {
    fs.writeFileSync(stateFile, bytes.subarray(0, at));
    if (inspect(stateFile).state === 'complete') t.fail(`cut at ${at}`);
    const other = Buffer.from(bytes);
    other[at] = (other[at] as number) ^ 0x10;
    fs.writeFileSync(stateFile, other);
    if (inspect(stateFile).state === 'complete') t.fail(`changed at ${at}`);
  }
  fs.writeFileSync(stateFile, bytes);
  t.match((await list(place.states)).transfers, [{ state: 'complete' }]);
});
