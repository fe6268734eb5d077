// axl-verify as people and scripts use it: lines, statuses, JSON, the bar, signals; also as root over a user's directory.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { axlVerify, bytes, isRoot, NOBODY, noStrangers, Place, program, root } from '../support.js';
import { at, checkpoint } from '../verify/manifests.js';

const BINARY = join(root, 'dist', 'bin', 'axl-verify.js');
const TERMINAL = join(root, 'test', 'cli', 'terminal.py');
const noPython =
  (await program('python3', ['-c', 'import pty']).catch(() => ({ status: 1 }))).status !== 0 && 'no python3';

t.test('a line for each file, a summary, and status 0 if all is well', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [['a'], ['sub/b']]);
  const { status, stdout, stderr } = await axlVerify(['--strict', dir]);
  t.same([status, stderr], [0, '']);
  t.equal(stdout, `ok ${dir}/a\nok ${dir}/sub/b\naxl-verify: 2 files ok, 30 bytes; 2 manifests\n`);
  const quiet = await axlVerify(['--quiet', dir]);
  t.same([quiet.status, quiet.stdout, quiet.stderr], [0, '', '']);
});

t.test('the status says the gravest of what was found', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  const status = async (...args: string[]) => (await axlVerify([...args, dir])).status;
  checkpoint(dir, [['a'], ['b']]);
  place.write('ckpt/more');
  t.same([await status(), await status('--strict')], [0, 3], 'extra');
  t.equal(await status(place.path('none')), 1, 'unreadable');
  fs.rmSync(join(dir, 'a'));
  t.equal(await status(place.path('none')), 3, 'missing');
  t.equal((await axlVerify([join(dir, '.axl-manifest.1')])).status, 0);
  checkpoint(dir, [['a'], ['b']]);
  fs.rmSync(join(dir, '.axl-manifest.0'));
  const { status: lacking, stderr } = await axlVerify([dir]);
  t.equal(lacking, 3, 'a rank');
  t.match(stderr, /^axl-verify: 1 of 2 ranks without a manifest in the inputs: 0\n$/);
});

t.test('a wrong command line is status 2, and reads nothing', async (t) => {
  const wrong = [[], [''], ['--jobs', '0', '/'], ['--jobs=x', '/'], ['--stric', '/'], ['--strict=1', '/']];
  for (const args of wrong) {
    const { status, stdout, stderr } = await axlVerify(args);
    t.same([status, stdout], [2, ''], args.join(' '));
    t.match(stderr, /^axl-verify: [^\n]+\n$/);
  }
  t.match(await axlVerify(['--version']), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
});

t.test('the JSON document has what the lines have, and bytes of names that are not UTF-8', async (t) => {
  const place = new Place(t);
  const dir = place.mkdir('ckpt');
  checkpoint(dir, [['a', '\xff', '\x1b[2J']]);
  fs.rmSync(at(dir, '\xff'));
  const { status, stdout } = await axlVerify(['--json', dir]);
  const { files, ...document } = JSON.parse(stdout);
  t.match(document, {
    status,
    intact: false,
    interrupted: false,
    counts: { ok: 2, missing: 1 },
    unreadable: [],
    bytes: 29,
  });
  t.same(document.manifests, [{ path: `${dir}/.axl-manifest.0`, rank: 0, ranks: 1, files: 3 }]);
  t.match(files[0], { path: `${dir}/a`, verdict: 'ok', size: 13 });
  t.same(Buffer.from(files[1].pathBase64, 'base64'), at(dir, '\xff'));
  t.notOk(stdout.includes('\x1b'));
  t.equal(stdout.trimEnd().split('\n').length, 6, 'a file is a line');
  const lines = (await axlVerify([dir])).stdout;
  t.match(lines, `ok ${dir}/\\x1b[2J\n`);
  t.match(lines, `missing ${dir}/\\xff\n`);
});

t.test('an input whose name is not UTF-8 is read', async (t) => {
  const place = new Place(t);
  const dir = at(place.root, 'd\xff');
  fs.mkdirSync(dir);
  checkpoint(place.mkdir('ckpt'), [['a']]);
  for (const name of ['a', '.axl-manifest.0'])
    fs.copyFileSync(place.path('ckpt', name), Buffer.concat([dir, Buffer.from(`/${name}`)]));
  const run = `"$1" "$2" "$(printf '${place.root}/d\\377')"`;
  const { status, stdout } = await program('/bin/sh', ['-c', run, 'sh', process.execPath, BINARY]);
  t.same([status, stdout.split('\n')[0]], [0, `ok ${place.root}/d\\xff/a`]);
});

/** A checkpoint that takes for ever to read, and no room. */
function endless(place: Place): string {
  const dir = place.mkdir('endless');
  fs.writeFileSync(join(dir, 'sparse'), '');
  fs.truncateSync(join(dir, 'sparse'), 2 ** 43);
  const lines = `# ${2 ** 43} 1.000000000\nCRC32C (sparse) = 00000000\n`;
  fs.writeFileSync(join(dir, '.axl-manifest.0'), `# axl-manifest 1\n# rank 0 of 1\n# files 1\n${lines}`);
  return dir;
}

t.test(
  'a long run has a bar of its bytes on a terminal, and a signal ends it with status 6',
  { skip: noPython },
  async (t) => {
    const place = new Place(t);
    const command = [process.execPath, BINARY, endless(place)];
    const env = { TERM: 'xterm', LC_ALL: 'C.UTF-8' };
    const { status, stdout } = await program('python3', [TERMINAL, '100', 'iB/s, ', 'INT', ...command], { env });
    t.equal(status, 6);
    t.match(stdout, / 0% \| 0\/1 files \| [\d.]+ [KMG]iB of 8\.0 TiB, [\d.]+ [KMG]iB\/s, \S+( \S+)? left/);
    t.match(stdout, /axl-verify: SIGINT: stopping/);
    t.match(stdout, 'axl-verify: 0 files ok; 1 manifest; stopped early');
  },
);

t.test('memory does not grow with the size of a file', async (t) => {
  const place = new Place(t);
  const peak = async (size: number) => {
    const dir = place.mkdir(`m${size}`);
    fs.writeFileSync(join(dir, 'f'), '');
    fs.truncateSync(join(dir, 'f'), size);
    fs.writeFileSync(join(dir, '.axl-manifest.0'), 'CRC32C (f) = 00000000\n');
    const tell = place.write('tell.cjs', "process.on('exit', () => console.error(process.resourceUsage().maxRSS));");
    const { stderr } = await program(process.execPath, ['-r', tell, BINARY, '--no-progress', dir]);
    return Number(stderr) * 1024;
  };
  const [small, large] = [await peak(1), await peak(2 ** 31)];
  t.ok(small > 0 && large - small < 16 << 20, `${large - small} bytes more for 2 GiB`);
});

t.test(
  "as root it reads a user's checkpoint, and no FIFO, device or link in it",
  { skip: isRoot ? '' : 'needs root' },
  async (t) => {
    const place = new Place(t);
    const dir = place.mkdir('ckpt');
    checkpoint(dir, [['a', 'fifo', 'device', 'link', 'way/x']]);
    for (const name of ['fifo', 'device', 'link']) fs.rmSync(join(dir, name));
    fs.rmSync(join(dir, 'way'), { recursive: true });
    spawnSync('mkfifo', [join(dir, 'fifo')]);
    spawnSync('mknod', [join(dir, 'device'), 'c', '1', '5']);
    fs.symlinkSync('/etc/shadow', join(dir, 'link'));
    fs.symlinkSync('/etc', join(dir, 'way'));
    place.give(NOBODY);
    const { status, stdout } = await axlVerify([dir]);
    t.equal(status, 3);
    const found = stdout.split('\n').map((line) => line.split(' ')[0]);
    t.same(found.slice(0, 5), [
      'ok',
      'changed',
      fs.existsSync(join(dir, 'device')) ? 'changed' : 'missing',
      'changed',
      'changed',
    ]);
    t.notMatch(stdout, /CRC-32C is/, 'nothing of another file is told');
  },
);

t.test('a user verifies what others own, if it may be read', { skip: await noStrangers() }, async (t) => {
  const place = new Place(t);
  checkpoint(place.mkdir('ckpt'), [['a', 'secret']]);
  place.write('ckpt/big', bytes(1000));
  fs.chmodSync(place.path('ckpt/secret'), 0o600);
  const { status, stdout } = await axlVerify([place.path('ckpt')], { uid: NOBODY });
  t.equal(status, 1);
  t.match(stdout, `unreadable ${place.path('ckpt/secret')}: EACCES, permission denied\n`);
});
