// File systems of several hosts, each with its servers in a network namespace of its own, for one test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import type { Test } from 'tap';
import type { Place } from '../support.js';

/** Of the loopback device of the namespace: GlusterFS refuses 127.0.0.1. */
const ADDRESS = '10.91.0.1';
const PATIENCE_S = 60;

const namespaceOf = (place: Place): string => `axl-${place.root.slice(-6)}`;
const inside = (place: Place): string[] => ['nsenter', `--net=/run/netns/${namespaceOf(place)}`];

/** Runs a script in the namespace. @returns what it complained about, or '' */
function run(place: Place, text: string, ...args: string[]): string {
  const [command, ...more] = [...inside(place), 'sh', '-ec', text, 'sh', ...args] as [string, ...string[]];
  const { status, stdout, stderr } = spawnSync(command, more, { encoding: 'utf8', timeout: 300_000 });
  return status === 0 ? '' : `status ${status}: ${stdout}${stderr}`;
}

/** Until a command of the namespace succeeds. @returns why it does not, or '' */
function until(place: Place, text: string, ...args: string[]): string {
  return run(
    place,
    `for i in $(seq ${PATIENCE_S * 5}); do if ${text}; then exit 0; fi; sleep 0.2; done; exit 1`,
    ...args,
  );
}

function openNamespace(t: Test, place: Place): string {
  const name = namespaceOf(place);
  const { status, stderr } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (status !== 0) return `no network namespace: ${stderr}`;
  t.teardown(() => spawnSync('ip', ['netns', 'del', name]));
  return run(place, `ip link set lo up && ip addr add ${ADDRESS}/32 dev lo`);
}

/** A script that serves until it is killed, with all that it has started. */
function serve(t: Test, place: Place, text: string, ...args: string[]): ChildProcess {
  const log = fs.openSync(place.path('servers.log'), 'a');
  const [command, ...more] = [...inside(place), 'sh', '-ec', text, 'sh', ...args] as [string, ...string[]];
  const child = spawn(command, more, { detached: true, stdio: ['ignore', log, log] });
  fs.closeSync(log);
  t.teardown(() => {
    const pids = spawnSync('ip', ['netns', 'pids', namespaceOf(place)], { encoding: 'utf8' }).stdout.split('\n');
    for (const pid of pids) if (Number(pid) > 1) process.kill(Number(pid), 'SIGKILL');
  });
  return child;
}

const failed = (place: Place, why: string): string =>
  why && `${why}\n${fs.readFileSync(place.path('servers.log'), 'utf8').split('\n').slice(-20).join('\n')}`;

/** glusterd keeps its things in fixed places: it gets a mount namespace, too. */
const GLUSTERD = `exec unshare -m sh -ec '
for dir in /var/lib/glusterd /run /var/log/glusterfs; do mkdir -p $dir; mount -t tmpfs tmpfs $dir; done
glusterd -N & until gluster --mode=script volume list >/dev/null 2>&1; do sleep 0.2; done
gluster --mode=script volume create axl ${ADDRESS}:$1/brick force; gluster --mode=script volume start axl
touch $1/ready; wait' sh "$1"`;

export const glusterFs = {
  needs: ['glusterd', 'gluster', 'glusterfs', 'ip', 'nsenter'],
  start(t: Test, place: Place): string {
    const why = openNamespace(t, place);
    if (why) return why;
    place.mkdir('brick');
    serve(t, place, GLUSTERD, place.root);
    return failed(place, until(place, 'test -e "$1/ready"', place.root));
  },
  mount: (place: Place, to: string): string =>
    run(
      place,
      `glusterfs --volfile-server=${ADDRESS} --volfile-id=axl --log-file="$2" "$1"; until mountpoint -q "$1"; do sleep 0.1; done`,
      to,
      place.path('client.log'),
    ),
};

const cephConfig = (place: Place, id: string): string => `[global]
fsid = ${id}
mon host = [v2:${ADDRESS}:3300,v1:${ADDRESS}:6789]
public addr = ${ADDRESS}
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
run dir = ${place.path('run')}
log file = ${place.path('ceph.log')}
admin socket = ${place.path('run')}/$name.$pid.asok
keyring = ${place.path('keyring')}
[mon]
mon data = ${place.path('mon')}
mon initial members = a
[osd]
osd data = ${place.path('osd')}
osd objectstore = memstore
memstore device bytes = 4294967296
[mds]
mds data = ${place.path('mds')}
[mgr]
mgr data = ${place.path('mgr')}
`;

const CEPH = `export CEPH_CONF=$1/ceph.conf; cd "$1"
monmaptool --create --fsid "$2" --addv a [v2:${ADDRESS}:3300,v1:${ADDRESS}:6789] monmap >/dev/null
ceph-mon --mkfs -i a --monmap monmap; ceph-mon -f -i a &
until timeout 5 ceph -s >/dev/null 2>&1; do sleep 0.2; done
ceph-mgr -f -i x &
ceph osd new "$3"; ceph-osd -i 0 --mkfs --osd-uuid "$3"; ceph-osd -f -i 0 &
ceph osd pool create meta 8; ceph osd pool create data 8; ceph fs new axl meta data
ceph-mds -f -i a & until ceph fs status 2>/dev/null | grep -q active || ceph mds stat | grep -q active; do sleep 0.2; done
touch ready; wait`;

export const cephFs = {
  needs: ['ceph-mon', 'ceph-mgr', 'ceph-osd', 'ceph-mds', 'ceph-fuse', 'ceph', 'ip', 'nsenter'],
  start(t: Test, place: Place): string {
    const why = openNamespace(t, place);
    if (why) return why;
    for (const name of ['run', 'mon', 'osd', 'mds', 'mgr']) place.mkdir(name);
    const id = randomUUID();
    place.write('ceph.conf', cephConfig(place, id));
    place.write('keyring', '');
    serve(t, place, CEPH, place.root, id, randomUUID());
    return failed(place, until(place, 'test -e "$1/ready"', place.root));
  },
  mount: (place: Place, to: string): string => run(place, 'ceph-fuse -c "$2/ceph.conf" "$1"', to, place.root),
};

const MOOSE = `cd "$1"
mfsmaster -c master.cfg start; mfschunkserver -c chunks.cfg start
until mfsmount -H ${ADDRESS} "$1/try" && dd if=/dev/zero of="$1/try/file" bs=1M count=1 conv=fsync; do umount -l try || true; sleep 1; done
chmod 755 try; rm try/file; umount -l try; touch ready; sleep infinity`;

export const mooseFs = {
  needs: ['mfsmaster', 'mfschunkserver', 'mfsmount', 'ip', 'nsenter'],
  start(t: Test, place: Place): string {
    const why = openNamespace(t, place);
    if (why) return why;
    for (const name of ['master', 'chunks', 'disk', 'try']) place.mkdir(name);
    place.write('exports.cfg', `* / rw,alldirs,admin,maproot=0:0\n* . rw\n`);
    place.write('disks.cfg', `${place.path('disk')}\n`);
    place.write('topology.cfg', '');
    const common = 'WORKING_USER = root\nWORKING_GROUP = root\nNICE_LEVEL = 0\n';
    const master = `${common}DATA_PATH = ${place.path('master')}\nEXPORTS_FILENAME = ${place.path('exports.cfg')}\n`;
    place.write('master.cfg', `${master}TOPOLOGY_FILENAME = ${place.path('topology.cfg')}\n`);
    const chunks = `${common}DATA_PATH = ${place.path('chunks')}\nHDD_CONF_FILENAME = ${place.path('disks.cfg')}\n`;
    place.write('chunks.cfg', `${chunks}MASTER_HOST = ${ADDRESS}\nBIND_HOST = ${ADDRESS}\n`);
    place.write('master/metadata.mfs', 'MFSM NEW');
    serve(t, place, MOOSE, place.root);
    return failed(place, until(place, 'test -e "$1/ready"', place.root));
  },
  mount: (place: Place, to: string): string =>
    run(place, `mfsmount -H ${ADDRESS} "$1"; until mountpoint -q "$1"; do sleep 0.1; done`, to),
};
