// The command line of axl-cp, end to end: each option, AXL's variables and keys, what it prints. What goes where:
// axl-cp-rules.test.ts. What becomes of a copy that is interrupted: axl-cp-ends.test.ts.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CP } from '../../lib/cli/cp/options.js';
import { inspect } from '../../lib/index.js';
import { leave } from '../journals.js';
import {
  axlCp,
  axlFinalize,
  bytes,
  CP_BINARY,
  NOBODY,
  noStrangers,
  Place,
  program,
  root,
  temporaries,
  tree,
} from '../support.js';
import { at, made, OLD, ready, under, without } from './copies.js';

const TERMINAL = join(root, 'test', 'cli', 'terminal.py');
const noPython = spawnSync('python3', ['-c', 'import pty']).status === 0 ? false : 'no python3';

const pidOf = (stateFile: string): number => inspect(stateFile).pid;

/** Every option, with a command line that is right, and what is to be there then. */
const OPTIONS: readonly (readonly [string, readonly string[], Record<string, string>, RegExp?])[] = [
  ['--recursive', ['--recursive', 'src', 'new'], under('new')],
  ['--preserve', ['-p', 'file', 'new'], { new: 'F' }],
  ['--archive', ['--archive', 'src', 'new'], under('new')],
  ['--state-file', ['-S', 'states/one', 'file', 'new'], { new: 'F' }],
  ['--verify', ['--verify', 'checksum', 'file', 'new'], { new: 'F' }],
  ['--verify', ['--verify=none', 'file', 'new'], { new: 'F' }],
  ['--dry-run', ['-r', '--dry-run', 'src', 'new'], {}, /^axl-cp: planned, 2 files, 2 bytes\n$/],
  ['--glob', ['--glob', 'src/**', '--glob', '!**/a', 'new'], { 'new/': '', 'new/sub/': '', 'new/sub/b': 'B' }],
  [
    '--glob',
    ['--glob', 's*/a', '--glob', 'src/s*/*', 'file', 'old'],
    { 'old/src/': '', 'old/src/a': 'A', 'old/sub/': '', 'old/sub/b': 'B', 'old/file': 'F' },
  ],
  ['--files-from', ['--files-from', 'list', 'old'], { 'old/file': 'F', 'old/a': 'A' }],
  ['--null', ['-0', '--files-from', 'list0', 'new/'], { 'new/': '', 'new/file': 'F', 'new/two\nlines': 'N' }],
  ['--links', ['-r', '--links', 'follow', 'src', 'new'], under('new')],
  ['--type', ['-X', 'default', 'file', 'new'], { new: 'F' }],
  ['--type', ['-Xnative', 'file', 'new'], { new: 'F' }],
  ['--type', ['-X', 'sync', 'file', 'new'], { new: 'F' }],
  ['--type', ['--type=pthread', 'file', 'new'], { new: 'F' }],
  ['--threads', ['--threads', '1', 'file', 'new'], { new: 'F' }],
  ['--name', ['--json', '--name', 'ckpt.42', 'file', 'new'], { new: 'F' }, /"name":"ckpt\.42"/],
  ['--rank', ['--rank', '3/8', 'file', 'new'], { new: 'F' }],
  ['--metadata', ['--metadata', 'owner=warn,acls=skip', 'file', 'new'], { new: 'F' }],
  ['--config', ['--config', 'FILE_BUF_SIZE=32M', '--config', 'RANK=0', 'file', 'new'], { new: 'F' }],
  [
    '--verbose',
    ['-v', 'file', 'new'],
    { new: 'F' },
    /^\/.*\/file -> \/.*\/new\naxl-cp: published, 1 file, 1 bytes?\n$/,
  ],
  ['--progress', ['--progress', 'file', 'new'], { new: 'F' }],
  ['--json', ['--json', 'file', 'new'], { new: 'F' }, /^\{"version":/],
  ['--version', ['--version'], {}, /^\d+\.\d+\.\d+\n$/],
  ['--help', ['--help'], {}, /^Usage: axl-cp \[options\] SOURCE\.\.\. DEST\n/],
];

t.test('each option does what it says', async (t) => {
  for (const [, args, wanted, said = /^$/] of OPTIONS)
    await t.test(args.join(' '), async (t) => {
      const place = ready(t);
      place.write('list', 'file\nsrc/a\n');
      place.write('list0', 'file\0two\nlines\0');
      place.write('two\nlines', 'N');
      const before = made(place);
      const ended = await axlCp(args, at(place));
      t.same([ended.status, ended.stderr], [0, '']);
      t.match(ended.stdout, said);
      t.same(made(place), { ...before, ...wanted });
      t.same(tree(place.states), {}, 'no state file stays');
    });
});

/** In axl-cp-ends.test.ts. */
const ELSEWHERE = ['--resume', '--background', '--all-ranks', '--wait', '--job-ended'];

t.test('every option has its test', (t) => {
  const tested = new Set([...OPTIONS.map(([name]) => name), ...ELSEWHERE]);
  t.same([...tested].sort(), CP.options.map(({ name }) => name).sort());
  t.end();
});

t.test('a wrong command line is status 2, says in one line what is wrong, and does nothing', async (t) => {
  const place = ready(t);
  const before = made(place);
  const wrong: [string[], RegExp][] = [
    [[], /missing SOURCE and DEST/],
    [['file'], /missing DEST after file/],
    [['', 'new'], /is empty/],
    [['--glob', '*'], /missing DEST/],
    [['-U'], /-U needs -S/],
    [['--background', 'file', 'new'], /--background needs -S/],
    [['--all-ranks', 'file', 'new'], /--all-ranks needs -S/],
    [['-0', 'file', 'new'], /-0 needs --files-from/],
    [['--job-ended', 'file', 'new'], /needs -U or --wait/],
    [['-X', 'state_file', 'file', 'new'], /-S STATE_FILE -U/],
    [['-X', 'dw', 'file', 'new'], /DataWarp/],
    [['-X', 'bbapi', 'file', 'new'], /burst buffer/],
    [['-X', 'cppr', 'file', 'new'], /Allowed choices/],
    [['--wait', 's', '-S', 's'], /exclude each other/],
    [['--wait', 's', 'file', 'new'], /takes one STATE_FILE/],
    [['--dry-run', '--background', '-S', 's', 'file', 'new'], /exclude each other/],
    [['-S', '', 'file', 'new'], /Must not be empty/],
    [['--threads', '0', 'file', 'new'], /Must be 1 to 256/],
    [['--rank', '8/8', 'file', 'new'], /I\/N/],
    [['--metadata', 'all', 'file', 'new'], /Must be/],
    [['--config', 'MKDIR', 'file', 'new'], /KEY=VALUE/],
    [['--config', 'NAME=x', 'file', 'new'], /KEY=VALUE with one of FILE_BUF_SIZE/],
    [['--config', 'MKDIR=2', 'file', 'new'], /MKDIR must be 0 or 1/],
    [['--config', 'FILE_BUF_SIZE=5000', 'file', 'new'], /multiple of 4096/],
    [['--config', 'RANK=3', 'file', 'new'], /--rank 3\/N/],
    [['--recursiv', 'file', 'new'], /unknown option.*--recursive/],
    [['--files-from', 'list0', 'old'], /give -0/],
    [['-0', '--files-from', 'list', 'old'], /find -print0/],
    [['host:/x', 'new'], /names another host/],
    [['file', 's3://bucket/x'], /is a URL/],
  ];
  place.write('list', 'file\n');
  place.write('list0', 'file\0');
  for (const [args, why] of wrong) {
    const { status, stdout, stderr } = await axlCp(args, at(place));
    t.same([status, stdout], [2, ''], args.join(' '));
    t.match(stderr, /^axl-cp: [^\n]+\n$/);
    t.match(stderr, why);
  }
  t.same(without(made(place), 'list'), before);
});

t.test("AXL's variables count, and its keys before them", async (t) => {
  const place = ready(t);
  const run = (env: Record<string, string>, ...args: string[]) => axlCp(args, at(place, { env }));
  const refused = await run({ AXL_MKDIR: '0' }, '-r', 'src', 'new');
  t.equal(refused.status, 1);
  t.match(refused.stderr, /^axl-cp: MKDIR is 0.*: 2; make them first.*\n$/);
  t.same(made(place), OLD);
  t.equal((await run({ AXL_MKDIR: '0' }, 'file', 'old')).status, 0, 'no directory is needed');
  t.equal((await run({ AXL_MKDIR: '0' }, '--config', 'MKDIR=1', '-r', 'src', 'new')).status, 0);
  t.match((await run({ AXL_DEBUG: '1' }, 'file', 'old')).stdout, /published, 1 file/);
  t.equal((await run({ AXL_DEBUG: '1' }, '--config', 'DEBUG=0', 'file', 'old')).stdout, '');
  for (const value of ['0', '1', '']) {
    const env = { AXL_USE_EXTENSION: value, AXL_COPY_METADATA: value };
    fs.utimesSync(place.path('file'), 1, 1);
    t.equal((await run(env, 'file', 'copied')).status, 0);
    t.equal(fs.statSync(place.path('copied')).mtimeMs, 1000, 'metadata are always kept');
  }
  for (const [name, value] of [
    ['AXL_MKDIR', 'no'],
    ['AXL_DEBUG', 'x'],
    ['AXL_DEBUG_PAUSE_AFTER', '-1'],
    ['AXL_USE_EXTENSION', '7'],
    ['AXL_THREADS', '0'],
  ] as const) {
    const { status, stderr } = await run({ [name]: value }, 'file', 'never');
    t.match(stderr, new RegExp(`^axl-cp: .*${name}.*\\n$`));
    t.equal(status, 2, name);
  }
  t.notOk(fs.existsSync(place.path('never')));
});

t.test('--rank, --name and the size of chunks are recorded; a launcher tells the rank', async (t) => {
  const place = ready(t);
  const env = { AXL_DEBUG_PAUSE_AFTER: '0' };
  const recorded = async (more: Record<string, string>, ...args: string[]) => {
    const state = place.path('states', `s${fs.readdirSync(place.states).length}`);
    await axlCp(['--background', '-S', state, ...args, 'file', 'new'], at(place, { env: { ...env, ...more } }));
    return inspect(state);
  };
  const own = await recorded({}, '--rank', '3/8', '--name', 'ckpt.7', '--config', 'FILE_BUF_SIZE=64K');
  t.match(own, { name: 'ckpt.7', rank: 3, size: 8, chunkSize: 65536, alive: 'yes' });
  const launcher = { PMI_RANK: '2', PMI_SIZE: '4' };
  t.match(await recorded(launcher), { name: 'axl-cp', rank: 2, size: 4 });
  t.match(await recorded(launcher, '--config', 'RANK=1'), { rank: 1, size: 4 });
  for (const name of fs.readdirSync(place.states)) process.kill(pidOf(place.path('states', name)), 'SIGKILL');
});

t.test('sources come from standard input, whatever is in their names', async (t) => {
  const place = new Place(t);
  const names = ['two\nlines', ' space', '-r', 'back\\slash', '\xff'].map((name) => Buffer.from(name, 'latin1'));
  fs.mkdirSync(place.path('in'));
  for (const name of names) fs.writeFileSync(Buffer.concat([Buffer.from(`${place.path('in')}/`), name]), name);
  const command = `cd '${place.path('in')}' && find . -type f -print0 | "$@"`;
  const args = [process.execPath, CP_BINARY, '-0', '--files-from', '-', '../out/'];
  const { status, stderr } = await program('/bin/sh', ['-c', command, 'sh', ...args]);
  t.same([status, stderr], [0, '']);
  const sorted = (dir: string) => fs.readdirSync(place.path(dir), 'buffer').sort(Buffer.compare);
  t.same(sorted('out'), sorted('in'));
  const none = await program('/bin/sh', ['-c', `: | "$@"`, 'sh', ...args], { cwd: place.path('in') });
  t.same([none.status, none.stderr], [1, 'axl-cp: --files-from - names no source: nothing was copied\n']);
});

t.test('names that are not UTF-8 are copied, also in the background, and JSON has their bytes', async (t) => {
  const place = new Place(t);
  const odd = Buffer.from(`${place.root}/\xff`, 'latin1');
  fs.writeFileSync(odd, 'odd');
  const run = (words: string) =>
    program('/bin/sh', ['-c', `"$1" "$2" ${words}`, 'sh', process.execPath, CP_BINARY], at(place));
  const { stdout } = await run(`--json "$(printf '\\377')" "$(printf 'new\\376')"`);
  const { files, fileList } = JSON.parse(stdout);
  t.equal(files, 1);
  t.same(Buffer.from(fileList[0].sourceBase64, 'base64'), odd);
  const dispatched = await run(`--background -S states/s "$(printf '\\377')" "$(printf 'bg\\376')"`);
  t.same([dispatched.status, dispatched.stderr], [0, '']);
  t.equal((await run('--wait states/s')).status, 0);
  for (const name of ['new\xfe', 'bg\xfe'])
    t.equal(fs.readFileSync(Buffer.from(`${place.root}/${name}`, 'latin1'), 'utf8'), 'odd');
});

t.test('a state file that is there already is not written over, and what it is is said', async (t) => {
  const place = ready(t);
  const state = await leave.incomplete(place, 'a');
  const before = tree(place.root);
  const run = async (file: string) => (await axlCp(['-S', file, 'file', 'new'], at(place))).stderr;
  t.equal(await run(state), `axl-cp: ${state} is there already: -U goes on with its copy\n`);
  for (const name of ['file', 'src'])
    t.equal(await run(name), `axl-cp: ${name} is there already, and is no state file: give -S another name\n`);
  t.match(await run('none/x'), /^axl-cp: open .*none\/x: ENOENT.*\n$/);
  t.match(
    (await axlCp(['file', '/proc/new'], at(place))).stderr,
    /^axl-cp: open \/proc\/\.axl-cp\.\S+: ENOENT; .*give -S STATE_FILE\n$/,
  );
  t.same(tree(place.root), before);
});

t.test('-p says what of the metadata could not be kept', { skip: await noStrangers() }, async (t) => {
  const place = ready(t);
  fs.chmodSync(place.root, 0o777);
  for (const [args, said] of [
    [['file', 'new'], ''],
    [['-p', 'file', 'kept'], "axl-cp: 1 without all of its source's metadata (owner)\n"],
  ] as const) {
    const { status, stderr } = await axlCp(args, at(place, { uid: NOBODY }));
    t.same([status, stderr], [0, said]);
  }
  t.equal((await axlCp(['-p', '--metadata', 'owner=fail', 'file', 'never'], at(place, { uid: NOBODY }))).status, 1);
  t.notOk(fs.existsSync(place.path('never')));
});

t.test('on a terminal --progress is a bar of its bytes', { skip: noPython }, async (t) => {
  const place = ready(t);
  fs.writeFileSync(place.path('big'), bytes(8 << 20));
  const env = { TERM: 'xterm', LC_ALL: 'C.UTF-8', AXL_DEBUG_PAUSE_AFTER: `${4 << 20}` };
  const command = [process.execPath, CP_BINARY, '--progress', place.path('big'), place.path('new')];
  const { status, stdout } = await program('python3', [TERMINAL, '100', ' 50% ', 'INT', ...command], { env });
  t.equal(status, 6, stdout);
  t.match(stdout, / 50% \| 0\/1 files \| 4\.0 MiB of 8\.0 MiB, /);
  t.match(stdout, /axl-cp: canceled; no file was published/);
  t.same(temporaries(place.root), []);
});

t.test('where the current directory is deleted a relative path is wrong, and an absolute one is right', async (t) => {
  const place = ready(t);
  const run = (...words: string[]) => {
    const gone = place.mkdir('gone');
    const command = `rmdir ${gone}; exec "$@"`;
    return program('/bin/sh', ['-c', command, 'sh', process.execPath, CP_BINARY, ...words], { cwd: gone });
  };
  const relative = await run('file', place.path('new'));
  t.equal(relative.status, 2);
  t.match(
    relative.stderr,
    /\baxl-cp: source is a relative path, and the current directory is not there any more: give[^\n]+\n$/,
  );
  t.equal((await run(place.path('file'), place.path('new'))).status, 0);
});

t.test('a glob without a file is a failure, and copies nothing', async (t) => {
  const place = ready(t);
  const { status, stderr } = await axlCp(['--glob', 'none*', 'new'], at(place));
  t.equal(status, 1);
  t.match(stderr, /^axl-cp: .*ENOENT.*\n$/);
  t.same(made(place), OLD);
});

t.test('the JSON document says what became of each file, and why one failed', async (t) => {
  const place = ready(t);
  const { stdout } = await axlCp(['--json', '-r', 'src', 'file', 'old/'], at(place));
  const { fileList, ...document } = JSON.parse(stdout);
  t.match(document, { action: 'published', status: 0, name: 'axl-cp', files: 3, filesDone: 3, bytes: 3, omitted: [] });
  t.same(Object.keys(fileList[0]).includes('crc32c'), true);
  t.match(fileList[0], { source: place.path('src/a'), dest: place.path('old/src/a'), size: 1, state: 'published' });
  t.equal(stdout.trimEnd().split('\n').length, 5, 'a file is a line');
  const failed = await axlCp(['--json', 'none', 'new'], at(place));
  t.equal(failed.status, 1);
  t.match(JSON.parse(failed.stdout), { action: 'failed', status: 1, error: { code: 'AXL_IO', errnoName: 'ENOENT' } });
});

t.test('a dry run says what would be copied or cannot be, and changes nothing', async (t) => {
  const place = ready(t);
  const before = tree(place.root);
  const dry = async (...args: string[]) => (await axlCp(['--dry-run', '--json', ...args], at(place))).stdout;
  t.match(JSON.parse(await dry('-r', 'src', 'old')), { action: 'planned', files: 2, bytes: 2 });
  t.match(JSON.parse(await dry('src', 'new')), { omitted: ['src'] });
  t.match(JSON.parse(await dry('none', 'new')), { action: 'failed', error: { errnoName: 'ENOENT' } });
  t.same(tree(place.root), before);
  const state = await leave.incomplete(place, 'a');
  const left = tree(place.root);
  t.match(JSON.parse(await dry('-S', state, '-U')), { action: 'planned', files: 1, filesDone: 0 });
  t.same(tree(place.root), left);
});

t.test('other copies of the directory take its state file for no data', async (t) => {
  const place = ready(t);
  place.write('big/0', bytes(1 << 20));
  const env = { AXL_DEBUG_PAUSE_AFTER: '0' };
  const state = '.axl-cp.0123456789abcdef.0';
  await axlCp(['--background', '-S', `old/${state}`, 'big/0', 'old'], at(place, { env }));
  t.equal((await axlCp(['-r', 'old', 'copied'], at(place))).status, 0);
  t.same(tree(place.path('copied')), { x: 'of before' });
  process.kill(pidOf(place.path('old', state)), 'SIGKILL');
});

t.test('KVTree state files of AXL are left to axl-finalize, with its command', async (t) => {
  const place = new Place(t);
  const kvtree = place.path('states/axl');
  fs.copyFileSync(join(root, 'test/fixtures/kvtree/d-completed-sync.kvt'), kvtree);
  const before = fs.readFileSync(kvtree);
  for (const args of [
    ['-S', kvtree, '-U'],
    ['--wait', kvtree],
  ]) {
    const { status, stderr } = await axlCp(args);
    t.equal(status, 1);
    t.equal(
      stderr,
      `axl-cp: ${kvtree} is a state file of the C library AXL: when its job is over, run axl-finalize --job-ended --incomplete resume ${kvtree}\n`,
    );
  }
  t.equal((await axlCp(['-S', kvtree, '/etc/hostname', place.path('new')])).status, 1);
  t.ok(fs.readFileSync(kvtree).equals(before));
  t.same(temporaries(place.root), []);
  t.equal(
    (await axlFinalize(['--dry-run', '--job-ended', '--incomplete', 'resume', kvtree])).stderr.includes('unknown'),
    false,
  );
});
