// What a published file has besides its name: contents, owner, mode, times, xattrs, holes.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { axlFinalize, bytes, isRoot, library, NOBODY, noStrangers, Place, program, tree } from '../support.js';
import { copyAs, copySource } from './copying.js';

const MIB = 1 << 20;

interface Facts {
  readonly mode: string;
  readonly owner: string;
  readonly size: bigint;
  readonly atime: bigint;
  readonly mtime: bigint;
}

function factsOf(path: string): Facts {
  const { mode, uid, gid, size, atimeNs, mtimeNs } = fs.lstatSync(path, { bigint: true });
  return { mode: mode.toString(8), owner: `${uid}:${gid}`, size, atime: atimeNs, mtime: mtimeNs };
}

/** Of everything in a directory, and itself. Looking changes the atime of links and directories. */
function facts(dir: string): Record<string, Partial<Facts>> {
  const names = ['', ...fs.readdirSync(dir, { recursive: true, encoding: 'utf8' })];
  const entries = names.map((name): [string, Partial<Facts>] => {
    const { mode, owner, size, atime, mtime } = factsOf(join(dir, name));
    const isFile = fs.lstatSync(join(dir, name)).isFile();
    return [name, isFile ? { mode, owner, size, atime, mtime } : { mode, owner, mtime }];
  });
  return Object.fromEntries(entries);
}

/** Small files, one of several chunks, directories, a link; with odd modes and times. */
function variety(place: Place): void {
  place.write('source/small', 'small');
  place.write('source/empty', '');
  place.write('source/large', bytes(20 * MIB + 1));
  for (const mode of [0o000, 0o400, 0o604, 0o755, 0o1777, 0o6755, 0o4751])
    fs.chmodSync(place.write(`source/modes/${mode.toString(8)}`), mode);
  place.write('source/closed/inside/file');
  place.mkdir('source/sticky');
  fs.symlinkSync('small', place.path('source/link'));
  const times: [string, number, number][] = [
    ['small', 1_000_000_000.123, 981_173_106.789],
    ['large', 2_400_000_000, 2_500_000_000],
    ['empty', 0, 0],
    ['modes/755', -86_400, -1.5],
  ];
  for (const [name, atime, mtime] of times) fs.utimesSync(place.path('source', name), atime, mtime);
  fs.lutimesSync(place.path('source/link'), 1e9, 1.1e9);
  fs.utimesSync(place.path('source/sticky'), 1e9, 1.2e9);
  fs.chmodSync(place.path('source/sticky'), 0o3777);
  fs.chmodSync(place.path('source/closed/inside'), 0o500);
  fs.chmodSync(place.path('source/closed'), 0o555);
  fs.chmodSync(place.source, 0o750);
}

t.test('contents, modes, times and owners are those of the source at dispatch, of directories too', async (t) => {
  for (const durability of ['full', 'none'] as const) {
    const place = new Place(t);
    variety(place);
    if (isRoot) {
      spawnSync('chown', ['-Rh', '1234:5678', place.source]);
      fs.chmodSync(place.path('source/modes/6755'), 0o6755); // chown took these
      fs.chmodSync(place.path('source/modes/4751'), 0o4751);
    } else fs.rmSync(place.path('source/modes/0')); // only root can read it
    const before = facts(place.source);
    const report = await copySource(place, { durability });
    t.equal(report.ownerWarnings, 0);
    t.same(facts(place.dest), before, durability);
    t.same(tree(place.dest), tree(place.source));
  }
});

t.test('a file that is replaced keeps nothing of its own', async (t) => {
  const place = new Place(t);
  fs.chmodSync(place.write('source/a', 'new'), 0o640);
  fs.chmodSync(place.write('dest/source/a', 'of before, and longer'), 0o4777);
  const old = fs.openSync(place.path('dest/source/a'), 'r');
  const before = factsOf(place.path('source/a'));
  await copySource(place);
  t.same(factsOf(place.path('dest/source/a')), before);
  t.equal(fs.readFileSync(old, 'utf8'), 'of before, and longer', 'who has it open reads on');
  fs.closeSync(old);
});

t.test('a directory that was there keeps its mode', async (t) => {
  const place = new Place(t);
  place.write('source/a');
  fs.chmodSync(place.source, 0o700);
  place.mkdir('dest/source', 0o2775);
  await copySource(place);
  t.equal(factsOf(place.path('dest/source')).mode, '42775');
});

t.test('files of every size around those of buffers and chunks are copied exactly', async (t) => {
  const place = new Place(t);
  const sizes = [
    0,
    1,
    4095,
    4096,
    256 << 10,
    (256 << 10) + 1,
    8 * MIB - 1,
    8 * MIB,
    8 * MIB + 1,
    16 * MIB,
    16 * MIB + 1,
  ];
  for (const size of sizes) place.write(`source/${size}`, bytes(size, size + 1));
  const report = await copySource(place);
  t.same(tree(place.dest), tree(place.source));
  t.equal(
    report.bytes,
    sizes.reduce((sum, size) => sum + size, 0),
  );
});

t.test('the report has the CRC-32C of the contents', async (t) => {
  const place = new Place(t);
  place.write('source/check', '123456789');
  place.write('source/zeros', Buffer.alloc(32));
  const { files } = await copySource(place);
  const sums = files.map(({ source, crc32c }) => [source.slice(-5), crc32c]).sort();
  t.same(sums, [
    ['check', 0xe306_9283],
    ['zeros', 0x8a91_36aa],
  ]);
});

t.test('a sparse file stays sparse, whatever its size', async (t) => {
  const place = new Place(t);
  const holes: [string, number, number[]][] = [
    ['hole', 3 * MIB, []],
    ['tail', 6 * MIB, [0]],
    ['head', 6 * MIB, [6 * MIB - 10]],
    ['large', 64 * MIB, [0, 30 * MIB, 64 * MIB - 10]],
  ];
  for (const [name, size, data] of holes) {
    const fd = fs.openSync(place.write(`source/${name}`, ''), 'r+');
    fs.ftruncateSync(fd, size);
    for (const at of data) fs.writeSync(fd, 'some data', at);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  }
  const blocks = (path: string) => fs.statSync(path).blocks;
  if (blocks(place.path('source/large')) * 512 >= MIB) return t.plan(0, `no sparse files in ${place.root}`);
  await copySource(place);
  for (const [name] of holes) {
    const [of, is] = [blocks(place.path('source', name)), blocks(place.path('dest', name))];
    t.ok(is * 512 <= of * 512 + 128 * 1024, `${name}: ${is} blocks for ${of}`);
  }
  t.same(tree(place.dest), tree(place.source));
});

/** lsetxattr and lgetxattr by number: Node has no call for them, perl has syscall(). */
const XATTR = { x64: [189, 192], arm64: [6, 9] }[process.arch as string];

function perl(code: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('perl', ['-e', code, ...args], { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

const setXattr = (path: string, name: string, value: string) =>
  perl('syscall($ARGV[0] + 0, @ARGV[1 .. 3], length($ARGV[3]), 0) == 0 or exit 1', `${XATTR?.[0]}`, path, name, value);
const getXattr = (path: string, name: string) =>
  perl(
    'my $v = " " x 999; my $n = syscall($ARGV[0] + 0, @ARGV[1, 2], $v, 999); $n >= 0 or exit 1; print substr($v, 0, $n)',
    `${XATTR?.[1]}`,
    path,
    name,
  );

t.test('user xattrs are copied, to read-only files and directories too', async (t) => {
  if (!XATTR || perl('') === undefined) return t.plan(0, 'no perl to set xattrs with, or its system call is not known');
  const place = new Place(t);
  place.write('source/dir/file');
  for (const name of ['source/dir/file', 'source/dir'])
    if (setXattr(place.path(name), 'user.axl', `of ${name}`) === undefined)
      return t.plan(0, `no user xattrs in ${place.root}`);
  fs.chmodSync(place.path('source/dir/file'), 0o444);
  fs.chmodSync(place.path('source/dir'), 0o555);
  await copySource(place);
  t.equal(getXattr(place.path('dest/dir/file'), 'user.axl'), 'of source/dir/file');
  t.equal(getXattr(place.path('dest/dir'), 'user.axl'), 'of source/dir');
  t.equal(factsOf(place.path('dest/dir/file')).mode, '100444');
});

t.test('who may not give files away publishes them as his own without setuid, and hears of it', async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  for (const owner of ['', 'warn', 'skip'] as const) {
    const place = new Place(t);
    fs.chmodSync(place.write('source/setuid'), 0o6755);
    place.mkdir('parent', 0o777);
    fs.chownSync(place.states, NOBODY, NOBODY);
    const report = await copyAs(NOBODY, place, place.path('parent/dest'), owner === '' ? {} : { owner });
    t.match(
      report,
      { state: 'completed', ownerWarnings: 1, files: [{ state: 'published', ownerGiven: false }] },
      owner,
    );
    t.match(factsOf(place.path('parent/dest/setuid')), { mode: '100755', owner: `${NOBODY}:${NOBODY}` });
  }
});

t.test("with owner 'fail' a file that cannot be given away fails", async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  place.write('source/a');
  place.mkdir('parent', 0o777);
  fs.chownSync(place.states, NOBODY, NOBODY);
  const report = await copyAs(NOBODY, place, place.path('parent/dest'), { owner: 'fail' });
  t.match(report, { state: 'failed', files: [{ error: { code: 'AXL_IO', errnoName: 'EPERM', syscall: 'fchown' } }] });
  t.notOk(fs.existsSync(place.path('parent/dest')));
});

t.test(
  'root of a user namespace gives no owner away, nor does the finalizer outside, and that is no failure',
  async (t) => {
    const skip = (await noStrangers()) || (spawnSync('unshare', ['-Ur', 'true'], { uid: NOBODY }).status ?? 1);
    if (skip !== 0) return t.plan(0, `it takes root and a user namespace: ${skip}`);
    const place = new Place(t);
    place.write('source/own');
    place.write('source/directory/own');
    place.give(NOBODY);
    fs.chownSync(place.write('source/unmapped'), 1, 1);
    const code = `
const axl = await import('${library}');
const [stateFile, source, dest, waits] = process.argv.slice(1);
const t = await axl.Transfer.create({ name: 'x', stateFile, durability: 'none' });
await t.add(source, dest);
await t.dispatch();
await (waits ? t.wait() : t.settle());`;
    const rank = (...args: string[]) =>
      program('unshare', ['-Ur', process.execPath, '--input-type=module', '-e', code, ...args], { uid: NOBODY });
    const inside = await rank(place.path('states/in'), place.source, place.path('inside'), 'waits');
    t.equal(inside.status, 0, inside.stderr);
    await rank(place.path('states/out'), place.source, place.path('outside'));
    const outside = await axlFinalize(['--job-ended', place.states], { uid: NOBODY });
    t.equal(outside.status, 0, outside.stderr);
    for (const dest of ['inside', 'outside']) t.same(tree(place.path(dest)), tree(place.source));
  },
);

t.test("with owner 'skip' root publishes files as its own", async (t) => {
  if (!isRoot) return t.plan(0, 'only root can make files of another user');
  const place = new Place(t);
  place.write('source/a');
  fs.chownSync(place.path('source/a'), 1234, 5678);
  fs.chmodSync(place.path('source/a'), 0o4755);
  const report = await copySource(place, { owner: 'skip' });
  t.match(report, { ownerWarnings: 1, files: [{ ownerGiven: false }] });
  t.match(factsOf(place.path('dest/a')), { mode: '100755', owner: '0:0' });
});

t.test('the owner is given by axl-finalize too, where the transfer gave it', async (t) => {
  if (!isRoot) return t.plan(0, 'only root can make files of another user');
  const place = new Place(t);
  fs.chownSync(place.write('source/a'), 1234, 5678);
  fs.chmodSync(place.path('source/a'), 0o4751);
  {
    await using transfer = await place.create();
    await transfer.add(place.source, place.dest);
    await transfer.dispatch();
    for await (const _ of transfer.progress());
  }
  const { finalize } = await import('../../lib/index.js');
  t.match((await finalize(place.states)).counts, { published: 1 });
  t.match(factsOf(place.path('dest/a')), { mode: '104751', owner: '1234:5678' });
});

t.test(
  'names of one file become names of one file, unless that is not wanted or only one of them is copied',
  async (t) => {
    const place = new Place(t);
    const first = place.write('source/0', bytes(20 * MIB));
    place.mkdir('source/dir');
    for (const name of ['1', 'dir/2']) fs.linkSync(first, place.path('source', name));
    t.match(await copySource(place, { hardLinks: 'keep' }), { linksCopied: 0, filesPublished: 3, bytes: 60 * MIB });
    const facts = ['0', '1', 'dir/2'].map((name) => fs.statSync(place.path('dest', name)));
    t.same(new Set(facts.map(({ ino }) => ino)).size, 1);
    t.equal(facts[0]?.nlink, 3);
    t.same(tree(place.dest), tree(place.source));
    fs.rmSync(place.dest, { recursive: true });
    await copySource(place, { hardLinks: 'copy' });
    t.equal(fs.statSync(place.path('dest/0')).nlink, 1);
    await using one = await place.create({ hardLinks: 'keep', stateFile: place.path('states/one') });
    await one.add(place.path('source/1'), place.path('alone'));
    await one.dispatch();
    await one.wait();
    await one.free();
    t.equal(fs.statSync(place.path('alone')).nlink, 1);
  },
);
