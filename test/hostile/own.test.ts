// Root's own transfers into directories that another user owns, and root's own command line: what he puts in the way
// must not make root give him anything.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Transfer } from '../../lib/index.js';
import { cutBefore, quiet, TYPE, temporaryName } from '../journals.js';
import { axlFinalize, isRoot, program, root } from '../support.js';
import { forge, newUuid } from './forge.js';
import { as, BOB, differences, fingerprint, MALLORY, World } from './world.js';

const skip = isRoot ? '' : 'needs root: only root can be attacked by another user';
if (skip) console.error(`SKIPPED a hostile user around root's own transfers: ${skip}`);

/** Root copies into a directory of mallory's, and its process ends. */
async function rootCopies(world: World, source: string): Promise<{ stateFile: string; dest: string }> {
  const dest = join(world.home, 'dest');
  as(MALLORY, () => fs.mkdirSync(dest));
  const stateFile = join(world.rootStates, 'roots');
  await using transfer = await Transfer.create({ name: 'roots', stateFile });
  await transfer.add(source, dest);
  await transfer.dispatch();
  await quiet(transfer);
  return { stateFile, dest };
}

/** Mallory puts a file of his in the place of another: with the same inode number, which file systems use again. */
function takeInode(path: string, content: string): boolean {
  const { ino } = fs.statSync(path, { bigint: true });
  return as(MALLORY, () => {
    fs.unlinkSync(path);
    const tried: string[] = [];
    for (let i = 0; i < 5000; i++) {
      const name = `${path}.${i}`;
      fs.writeFileSync(name, content);
      tried.push(name);
      if (fs.statSync(name, { bigint: true }).ino === ino) break;
    }
    const last = tried.pop() as string;
    const same = fs.statSync(last, { bigint: true }).ino === ino;
    fs.renameSync(last, path);
    for (const name of tried) fs.unlinkSync(name);
    return same;
  });
}

t.test('a file that a user put in the place of a temporary one never gets its setuid root', { skip }, async (t) => {
  const world = new World(t);
  const program = world.victim(world.place.path('program'), 0, 0o4755);
  const { size } = fs.statSync(program);
  const { stateFile, dest } = await rootCopies(world, program);
  const temporary = temporaryName(stateFile, join(dest, 'program'));
  if (!takeInode(temporary, '#'.repeat(size)))
    return t.comment('this file system does not use inode numbers again at once');
  await axlFinalize(['--job-ended', world.rootStates]);
  for (const name of fs.readdirSync(dest)) {
    const { uid, mode } = fs.statSync(join(dest, name));
    t.same([uid, mode & 0o7777], [MALLORY, 0o644], name);
  }
});

t.test('a resume as root copies into no directory that a user has put a link for', { skip }, async (t) => {
  const world = new World(t);
  const source = world.place.mkdir('source');
  world.victim(join(source, 'a'));
  fs.symlinkSync('/nowhere', join(source, 'link'));
  world.place.write('source/made/b');
  const { stateFile, dest } = await rootCopies(world, source);
  cutBefore(stateFile, TYPE.done);
  as(MALLORY, () => {
    fs.renameSync(dest, `${dest}.away`);
    fs.symlinkSync(world.etc, dest);
  });
  const before = fingerprint(world.etc);
  const { status } = await axlFinalize(['--job-ended', '--incomplete', 'resume', world.rootStates]);
  t.same(differences(before, fingerprint(world.etc)), []);
  t.equal(status, 3);
});

t.test("a user cannot have root give him another's directory in the place of one that it made", { skip }, async (t) => {
  const world = new World(t);
  const source = world.place.mkdir('empty', 0o777);
  fs.chownSync(source, MALLORY, MALLORY);
  const { dest } = await rootCopies(world, source);
  const bobs = join(dest, 'bobs');
  fs.mkdirSync(bobs, { mode: 0o700 });
  fs.chownSync(bobs, BOB, BOB);
  as(MALLORY, () => {
    fs.rmdirSync(join(dest, 'empty'));
    fs.renameSync(bobs, join(dest, 'empty'));
  });
  await axlFinalize(['--job-ended', world.rootStates]);
  const { uid, mode } = fs.statSync(join(dest, 'empty'));
  t.same([uid, mode & 0o777], [BOB, 0o700]);
});

t.test("a user's link below root's input does not make root act on state files of others", { skip }, async (t) => {
  const world = new World(t);
  const { stateFile, dest } = await rootCopies(world, world.victim(world.place.path('a')));
  cutBefore(stateFile, TYPE.done);
  const before = [fs.readdirSync(world.rootStates), fs.readdirSync(dest)];
  as(MALLORY, () => {
    fs.symlinkSync(world.rootStates, join(world.states, 'below'));
    fs.symlinkSync(stateFile, join(world.states, 'link'));
  });
  await axlFinalize(['--job-ended', '--recursive', world.states]);
  await axlFinalize(['--job-ended', '--recursive', join(world.states, '*'), world.states]);
  t.same([fs.readdirSync(world.rootStates), fs.readdirSync(dest)], before);
});

t.test("a user's link in root's input leads to no state files of others", { skip }, async (t) => {
  const world = new World(t);
  const bobs = world.place.mkdir('bobs');
  fs.chownSync(bobs, BOB, BOB);
  const stateFile = join(bobs, 'state');
  as(BOB, () => fs.writeFileSync(stateFile, forge({ uuid: newUuid(), files: [], until: 'created' })));
  as(MALLORY, () => {
    fs.symlinkSync(bobs, join(world.states, 'link'));
    fs.symlinkSync(world.place.root, join(world.states, 'above'));
  });
  for (const input of ['link', 'link/', 'link/state', 'above/bobs', 'above/bobs/state']) {
    const { status, stderr } = await axlFinalize(['--job-ended', join(world.states, input)]);
    t.equal(status, 1, input);
    t.match(stderr, `root follows no symbolic link of user ${MALLORY}`);
  }
  t.ok(fs.existsSync(stateFile));
  fs.symlinkSync(bobs, world.place.path('roots-own'));
  const { status } = await axlFinalize(['--job-ended', world.place.path('roots-own')]);
  t.equal(status, 0);
  t.notOk(fs.existsSync(stateFile), 'a link of root leads where root wants');
});

t.test("another user's lock on a shared state directory keeps nobody from his work", { skip }, async (t) => {
  const world = new World(t);
  const stateFile = join(world.sticky, 'bobs');
  as(BOB, () => fs.writeFileSync(stateFile, forge({ uuid: newUuid(), files: [], until: 'created' })));
  const lock = join(world.sticky, `.axl-finalize.${BOB}.lock`);
  as(MALLORY, () => {
    fs.mkdirSync(lock);
    fs.utimesSync(lock, 2 ** 31, 2 ** 31); // never stale
  });
  const { status, stderr } = await axlFinalize(['--job-ended', world.sticky]);
  t.equal(status, 0, stderr);
  t.notOk(fs.existsSync(stateFile));
});

t.test('a report goes through no link that is not of root or of who owns the directory', { skip }, async (t) => {
  for (const option of ['--report', '--metrics']) {
    const world = new World(t);
    const existing = world.victim(join(world.etc, 'existing'));
    const out = join(world.home, 'out');
    as(MALLORY, () => {
      fs.symlinkSync(world.etc, out);
      fs.symlinkSync(existing, join(world.home, 'direct'));
      fs.linkSync(join(world.home, 'direct'), join(world.home, 'linked'));
    });
    const before = fingerprint(world.etc);
    for (const name of ['out/new', 'out/existing', 'direct', 'linked'])
      await axlFinalize(['--job-ended', option, join(world.home, name), world.rootStates]);
    t.same(differences(before, fingerprint(world.etc)), [], option);
  }
});

t.test("nothing in a user's directory is run because root stands in it", { skip }, async (t) => {
  const world = new World(t);
  world.victim(join(world.etc, 'victim'));
  const marker = join(world.etc, 'was-here');
  const code = `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '');`;
  as(MALLORY, () => {
    for (const name of ['commander', 'proper-lockfile', 'fast-glob', 'dist', 'build/Release', 'bin']) {
      const dir = join(world.states, 'node_modules', name);
      fs.mkdirSync(dir, { recursive: true });
      fs.writeFileSync(join(dir, 'index.js'), code);
      fs.cpSync(dir, join(world.states, name), { recursive: true });
    }
    for (const name of ['.noderc', '.node_repl_history', 'index.js', '.npmrc', 'node.config.json', 'openssl.cnf'])
      fs.writeFileSync(join(world.states, name), name === '.npmrc' ? 'node-options=--require=./index.js' : code);
    fs.writeFileSync(join(world.states, 'package.json'), JSON.stringify({ type: 'commonjs', main: 'index.js' }));
    fs.writeFileSync(join(world.states, 'getent'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    fs.writeFileSync(join(world.states, 'state'), 'not one');
  });
  const before = fingerprint(world.place.root);
  const cli = join(root, 'dist', 'bin', 'axl-finalize.js');
  const env = { HOME: world.states, PATH: `${world.states}:/usr/bin:/bin`, UV_USE_IO_URING: '1' };
  for (const args of [['.'], ['--dataset', '--recursive', '.']]) {
    const { stderr } = await program(process.execPath, [cli, ...args], { cwd: world.states, env });
    t.equal(stderr, '');
  }
  t.same(differences(before, fingerprint(world.place.root)), []);
});
