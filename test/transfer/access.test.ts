// Who may do what with a published file: access control lists, capabilities, and what is told of what cannot be kept.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { type CreateOptions, finalize, inspect, list } from '../../lib/index.js';
import { axlFinalize, isRoot, NOBODY, noStrangers, Place } from '../support.js';
import { copyAs, copySource } from './copying.js';

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });
const acl = (path: string) => run('getfacl', '-pnc', path).stdout.trim().split('\n').sort().join(' ');
const setAcl = (path: string, ...args: string[]) => run('setfacl', ...args, path).status === 0;
const mode = (path: string) => (fs.statSync(path).mode & 0o7777).toString(8);

/** Why there can be no lists here; '' if there can. */
function without(place: Place): string {
  return setAcl(place.write('probe'), '-m', 'u:5001:r') ? '' : 'no setfacl, or no access control lists';
}

t.test('lists are copied, of directories their default lists too, and the mask is not the group', async (t) => {
  const place = new Place(t);
  const skip = without(place);
  if (skip) return t.plan(0, skip);
  const file = place.write('source/dir/file');
  fs.chmodSync(file, 0o600);
  setAcl(file, '-m', 'u:5001:rw');
  setAcl(place.path('source/dir'), '-m', 'g:5002:rwx,d:u:5001:rw');
  t.match(await copySource(place), { lacking: 0, lacks: [], notCopied: [] });
  for (const name of ['dir/file', 'dir']) t.equal(acl(`${place.dest}/${name}`), acl(`${place.source}/${name}`), name);
});

t.test('a default list of its new directory opens no file and no directory to anybody', async (t) => {
  const place = new Place(t);
  const skip = without(place);
  if (skip) return t.plan(0, skip);
  place.write('source/large', Buffer.alloc(20 << 20, 1));
  place.write('source/dir/file');
  for (const name of ['large', 'dir/file']) fs.chmodSync(`${place.source}/${name}`, 0o640);
  fs.chmodSync(`${place.source}/dir`, 0o750);
  place.mkdir('parent', 0o777);
  setAcl(place.path('parent'), '-m', 'd:u:5001:rwx');
  await using transfer = await place.create();
  await transfer.add(place.source, place.path('parent/dest'));
  await transfer.dispatch();
  await transfer.settle();
  const [temporary] = fs.readdirSync(place.path('parent/dest')).filter((name) => name.startsWith('large._AXL'));
  t.notMatch(acl(place.path('parent/dest', temporary as string)), /user:5001/, 'while it waits');
  t.match(mode(place.path('parent/dest')), '700');
  await transfer.wait();
  await transfer.free();
  for (const name of ['large', 'dir/file', 'dir', ''])
    t.equal(acl(place.path('parent/dest', name)), acl(place.path('source', name)), name);
});

t.test("with acls 'skip' a file has what its directory gives, and not the mask for its group", async (t) => {
  const place = new Place(t);
  const skip = without(place);
  if (skip) return t.plan(0, skip);
  const file = place.write('source/file');
  fs.chmodSync(file, 0o600);
  setAcl(file, '-m', 'u:5001:rw');
  const none = await copySource(place, { acls: 'skip' });
  t.match(none, { lacking: 1, lacks: ['mode', 'acls'], files: [{ lacks: ['mode', 'acls'], ownerGiven: true }] });
  t.equal(mode(`${place.dest}/file`), '600');
  fs.rmSync(place.dest, { recursive: true });
  place.mkdir('dest');
  setAcl(place.dest, '-m', 'd:u:5003:r');
  fs.chmodSync(place.write('plain'), 0o640);
  await using transfer = await place.create({ metadata: { acls: 'skip' } });
  await transfer.add(place.path('plain'), place.dest);
  await transfer.dispatch();
  await transfer.wait();
  await transfer.free();
  t.match(acl(`${place.dest}/plain`), /user:5003:r--/);
});

t.test('capabilities are copied by root, and told as lacking by others', async (t) => {
  const skip = await noStrangers();
  const place = new Place(t);
  const source = place.write('source/program');
  if (skip || run('setcap', 'cap_net_raw+ep', source).status !== 0) return t.plan(0, skip || 'no capabilities here');
  fs.chmodSync(source, 0o755);
  fs.chownSync(source, 1234, 5678);
  run('setcap', 'cap_net_raw+ep', source);
  t.match(await copySource(place), { lacking: 0 });
  t.match(run('getcap', `${place.dest}/program`).stdout, /cap_net_raw/);
  place.mkdir('parent', 0o777);
  fs.chownSync(place.states, NOBODY, NOBODY);
  const report = await copyAs(NOBODY, place, place.path('parent/dest'));
  t.match(report, { files: [{ lacks: ['owner', 'capabilities'] }] });
  t.equal(run('getcap', place.path('parent/dest/program')).stdout, '');
});

t.test('where the group cannot be given, nobody gains by the mode', async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  const file = place.write('source/file');
  fs.chownSync(file, NOBODY, 5678);
  fs.chmodSync(file, 0o640);
  place.mkdir('parent', 0o777);
  fs.chownSync(place.states, NOBODY, NOBODY);
  const report = await copyAs(NOBODY, place, place.path('parent/dest'));
  t.match(report, { lacking: 2, files: [{ lacks: ['owner', 'mode'] }] });
  t.equal(mode(place.path('parent/dest/file')), '600');
});

/** A file system without xattrs. */
function mountRamfs(t: Test, place: Place): string | undefined {
  const mounted = place.mkdir('ramfs');
  if (!isRoot || run('mount', '-t', 'ramfs', 'ramfs', mounted).status !== 0) return undefined;
  t.teardown(() => run('umount', '-l', mounted));
  return mounted;
}

t.test('what a file system cannot keep is a choice, and told by report, list, inspect and axl-finalize', async (t) => {
  const place = new Place(t);
  const skip = without(place);
  const ramfs = mountRamfs(t, place);
  if (skip || !ramfs) return t.plan(0, skip || 'only root can mount a file system without xattrs');
  const file = place.write('source/file');
  fs.chmodSync(file, 0o600);
  setAcl(file, '-m', 'u:5001:rw');
  run('setfattr', '-n', 'user.a', '-v', '1', file);
  const life = async (name: string, metadata?: CreateOptions['metadata']) => {
    const transfer = await place.create({ stateFile: place.path('states', name), ...(metadata && { metadata }) });
    await transfer.add(file, `${ramfs}/${name}`);
    await transfer.dispatch();
    return transfer;
  };
  const failed = await life('fail');
  await t.rejects(failed.wait(), { code: 'AXL_TRANSFER_FAILED', cause: { code: 'AXL_IO', syscall: 'fsetxattr' } });
  await failed.free();
  t.notOk(fs.existsSync(`${ramfs}/fail`));
  for (const word of ['warn', 'skip'] as const) {
    const transfer = await life(word, { xattrs: word, acls: word });
    t.match(await transfer.wait(), { lacking: 1, files: [{ lacks: ['mode', 'xattrs', 'acls'] }] });
    await transfer.free();
    t.equal(mode(`${ramfs}/${word}`), '600', 'the mask is nobody’s');
  }
  const left = await life('left', 'warn');
  await left.settle();
  await left[Symbol.asyncDispose]();
  const state = place.path('states/left');
  const lacks = { lacking: 1, lacks: ['mode', 'xattrs', 'acls'] };
  t.match(inspect(state), { ...lacks, metadata: { owner: 'warn', acls: 'warn' }, fileList: [{ lacks: lacks.lacks }] });
  t.match((await list(place.states)).transfers, [lacks]);
  const refused = await axlFinalize(['--metadata', 'xattrs=fail', place.states]);
  t.equal(refused.status, 1, 'what was refused is tried again if that is asked for');
  t.match(refused.stderr, /ENOTSUP/);
  const done = await axlFinalize([place.states]);
  t.equal(done.status, 0);
  t.match(done.stdout, /1 without all of its source's metadata \(mode, xattrs, acls\)/);
});

t.test('what axl-finalize can give, it gives if it is asked to, and reports what is lacking', async (t) => {
  const skip = await noStrangers();
  if (skip) return t.plan(0, skip);
  const place = new Place(t);
  const file = place.write('source/file');
  fs.chownSync(file, 1234, 5678);
  fs.chmodSync(file, 0o4750);
  const leave = async () => {
    await using transfer = await place.create({ owner: 'skip' });
    await transfer.add(place.source, place.dest);
    await transfer.dispatch();
    await transfer.settle();
  };
  await leave();
  t.match(await finalize(place.states), { counts: { published: 1 }, lacking: 1, lacks: ['owner', 'mode'] });
  fs.rmSync(place.dest, { recursive: true });
  await leave();
  const told = { metadata: { owner: 'fail' }, overwrite: 'replace' } as const;
  t.match(await finalize(place.states, told), { counts: { published: 1 }, lacking: 0, lacks: [] });
  t.match(mode(`${place.dest}/file`), '4750');
});

t.test('a label of SELinux is told, and not copied', async (t) => {
  const place = new Place(t);
  const label = ['-n', 'security.selinux', '-v', 'system_u:object_r:tmp_t:s0'];
  if (run('setfattr', ...label, place.write('source/file')).status !== 0) return t.plan(0, 'no labels can be set here');
  t.same((await copySource(place)).notCopied, ['security.selinux']);
});

t.test('words that are none, and two words for one part, are a TypeError', async (t) => {
  const place = new Place(t);
  const wrong: object[] = [
    { metadata: 'no' },
    { metadata: 1 },
    { metadata: { owners: 'fail' } },
    { metadata: { owner: 'no' } },
    { metadata: { owner: 'fail' }, owner: 'warn' },
    { metadata: { acls: 'fail' }, acls: 'skip' },
    { acls: 'warn' },
  ];
  for (const options of wrong) await t.rejects(place.create(options), TypeError, JSON.stringify(options));
  for (const word of ['no', 'owner=no', 'owners=fail', 'owner', 'owner=fail=warn', ''])
    t.equal((await axlFinalize([`--metadata=${word}`, place.states])).status, 2, word);
});
