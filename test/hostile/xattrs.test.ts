// State files of a user that claim xattrs, lists and capabilities: root's axl-finalize gives his files and directories
// none that he could not give them himself.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { crc32c } from '../journals.js';
import { axlFinalize, isRoot, noStrangers, said } from '../support.js';
import { type Claims, forge, newUuid, temporaryOf } from './forge.js';
import { as, differences, fingerprint, MALLORY, World } from './world.js';

const CONTENT = '#!/bin/sh\n';
/** All capabilities, effective, in revision 2. */
const CAPABILITY = Buffer.from('01000002ffffffffffffffffffffffffffffffff', 'hex');
/** cap_net_raw of a user namespace whose root is another user. */
const OF_NAMESPACE = Buffer.from('010000030020000000000000000000000000000032d40000', 'hex');
/** user:0:rwx and group:0:rwx. */
const LIST = Buffer.from(
  `02000000${['01000700', '02000700', '04000500', '08000700', '10000700', '20000500']
    .map((entry) => entry + (/^0[28]/.test(entry) ? '00000000' : 'ffffffff'))
    .join('')}`,
  'hex',
);

const GIVEN: Record<string, Buffer> = { 'system.posix_acl_access': LIST, 'user.own': Buffer.from('1') };
const REFUSED: Record<string, Buffer> = {
  'security.capability': CAPABILITY,
  'security.capability ': CAPABILITY,
  'security.selinux': Buffer.from('system_u:object_r:root_t:s0\0'),
  'security.ima': Buffer.from('x'),
  'trusted.overlay.opaque': Buffer.from('y'),
  'system.nfs4_acl': Buffer.alloc(24),
  'kind-3': Buffer.from('x'),
};

/** What root sees of xattrs, everywhere below. */
const xattrs = (path: string) =>
  spawnSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', path], { encoding: 'utf8' }).stdout;

/** Leaves a state file of mallory's, with a complete file and a directory that both claim `claims`. */
function leave(world: World, name: string, claims: Claims): string {
  return as(MALLORY, () => {
    const dir = join(world.home, name);
    fs.mkdirSync(dir);
    const uuid = newUuid();
    const file = { ...claims, source: '/s', dest: join(dir, 'file'), size: CONTENT.length };
    fs.writeFileSync(temporaryOf(uuid, file.dest), CONTENT, { mode: 0o700 });
    const { ino } = fs.statSync(temporaryOf(uuid, file.dest), { bigint: true });
    const dirs = [{ path: join(dir, 'made'), claims }];
    fs.mkdirSync(join(dir, 'made'), 0o700);
    const files = [{ ...file, inode: ino, crc: crc32c(Buffer.from(CONTENT)) }];
    fs.writeFileSync(join(world.states, name), forge({ uuid, files, dirs, until: 'settled' }), { mode: 0o600 });
    return dir;
  });
}

async function why(): Promise<string> {
  if (!isRoot) return 'needs root: only root can be attacked by another user';
  return (await noStrangers()) || (spawnSync('getfattr', ['--version']).status === 0 ? '' : 'no getfattr');
}

async function attack(t: Test, claimed: Record<string, Buffer>, more: readonly string[], claims: Claims) {
  const world = new World(t);
  const names = Object.keys(claimed);
  const dirs = names.map((name, i) => leave(world, `x${i}`, { ...claims, xattrs: [[name, claimed[name] as Buffer]] }));
  const before = fingerprint(world.place.root);
  const ended = await axlFinalize(['--job-ended', '--json', ...more, world.states]);
  t.same(differences(before, fingerprint(world.place.root)), []);
  t.notMatch(xattrs(world.place.root), /^(security|trusted|kind)/m, 'no xattr that only root can set');
  const published = names.filter((_, i) => fs.existsSync(join(dirs[i] as string, 'file')));
  for (const dir of dirs)
    for (const name of fs.readdirSync(dir)) t.equal(fs.lstatSync(join(dir, name)).uid, MALLORY, name);
  return { world, published, ...said(ended) };
}

const OWN: Claims = { mode: 0o755, uid: MALLORY, gid: MALLORY };
const ROOTS: Claims = { mode: 0o6755, uid: 0, gid: 0 };

t.test('a list and an xattr of the user are given, as he could give them', async (t) => {
  const skip = await why();
  if (skip) return t.plan(0, skip);
  const { world, published, counts } = await attack(t, GIVEN, [], OWN);
  t.same(published, Object.keys(GIVEN), JSON.stringify(counts));
  t.match(xattrs(world.home), /system.posix_acl_access=0x02000000/);
});

for (const more of [[], ['--metadata=warn'], ['--metadata=owner=fail,xattrs=warn'], ['--verify', 'checksum']])
  t.test(`no capability and no xattr of root's is given: ${more.join(' ') || 'plain'}`, async (t) => {
    const skip = await why();
    if (skip) return t.plan(0, skip);
    for (const claims of [OWN, ROOTS])
      for (const capability of [CAPABILITY, OF_NAMESPACE]) {
        const claimed = { ...REFUSED, ...GIVEN, 'security.capability': capability };
        const { published } = await attack(t, claimed, more, claims);
        const never = Object.keys(REFUSED).filter((name) => name !== 'security.capability');
        t.same(
          published.filter((name: string) => never.includes(name)),
          [],
          'what no writer writes is corrupt',
        );
      }
  });
