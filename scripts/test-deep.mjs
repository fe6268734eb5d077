// What `npm run test:deep [-- NAME...]` runs: setup, then the steps that take too long for `npm test`, all or those named.
// They are run one after another, and all of them even when one fails. The last line, alone on its line, is the total
// `N passed, N failed[, N skipped]`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { check, close, step, suite } from './steps.mjs';
import { root } from './toolchain.mjs';

const HOUR_MS = 3600_000;
const tap = [process.execPath, 'scripts/tap.mjs', '--timeout=86400', '--jobs=1'];
const DEEP = ['env', 'AXL_TEST_DEEP=1'];

/**
 * Each is a suite: a program that ends with the closing line, skips loudly what it cannot do here, and shows with its
 * exit status whether it failed. `minutes` are for two cores that others use, too; it may take ten times as long.
 */
const STEPS = [
  {
    name: 'faults',
    does: 'the real programs killed, torn, failed and stopped for another at each of their system calls',
    command: [
      ...DEEP,
      ...tap,
      ...['kill', 'errors', 'turns', 'meetings', 'phases'].map((name) => `test/faults/${name}.test.ts`),
    ],
    needs: 'seccomp user notification (Linux 5.9)',
    minutes: 240,
  },
  {
    name: 'hostile',
    does: "all that a hostile user can prepare for root's axl-finalize, and 2,000 rounds of swaps",
    command: [
      ...DEEP,
      'AXL_TEST_ROUNDS=2000',
      ...tap,
      ...['hostile', 'own', 'races'].map((name) => `test/hostile/${name}.test.ts`),
    ],
    needs: 'root',
    minutes: 20,
  },
  {
    name: 'crowd',
    does: '64 finalizers, half of them killed; 200 ranks in one state directory',
    command: [...DEEP, ...tap, 'test/finalize/crowd.test.ts'],
    minutes: 3,
  },
  {
    name: 'phases',
    does: 'finalizers and shards over a dataset in phases, killed 100 times three at a time, while a reader looks',
    command: [...DEEP, 'AXL_TEST_ROUNDS=100', ...tap, 'test/datasets/killed-in-phases.test.ts'],
    minutes: 2,
  },
  {
    name: 'model',
    does: 'every order of steps in the small worlds of the model, and 1,000,000 walks through larger ones',
    command: [...DEEP, 'AXL_TEST_WALKS=1000000', ...tap, 'test/model'],
    minutes: 45,
  },
  {
    name: 'power',
    does: 'power cuts on ext4, xfs, btrfs and ext2',
    command: [process.execPath, 'test/power/run.mjs'],
    needs: 'root, /dev/fuse, loop devices, e2fsprogs xfsprogs btrfs-progs fuse3 libfuse3-dev',
    minutes: 40,
  },
  {
    name: 'file-systems',
    does: 'ranks and finalizers on two hosts, on ten file systems, three of them with servers of their own',
    command: [...DEEP, ...tap, 'test/file-systems/matrix.test.ts'],
    needs:
      'root, and of mergerfs bindfs sshfs unionfs-fuse fuse-overlayfs fuse2fs glusterfs-server ceph-mon ceph-osd ' +
      'ceph-mgr ceph-mds ceph-fuse moosefs-master moosefs-chunkserver moosefs-client those that are to be tried',
    minutes: 30,
  },
  {
    name: 'mutants',
    does: 'deliberate faults in native/, each to be noticed by a test',
    command: [process.execPath, 'scripts/mutants.mjs'],
    minutes: 30,
  },
  {
    name: 'fuzz',
    does: '100,000,000 state files that nobody would write',
    command: [process.execPath, 'scripts/fuzz.mjs', '--runs', '100000000', 'journal'],
    needs: 'clang with libFuzzer',
    minutes: 85,
  },
  {
    name: 'ends',
    does: 'threads and processes that end in the middle of copies, a thousand times each',
    command: [process.execPath, 'scripts/stress.mjs', '--rounds', '1000'],
    minutes: 37,
  },
  {
    name: 'loading',
    ofPackage: true,
    does: 'the package in jest 29, in bundles of esbuild, on other versions of Node, without addons, without install scripts',
    command: [process.execPath, 'scripts/check-loading.mjs'],
    needs: 'the network',
    minutes: 6,
  },
  {
    name: 'elsewhere',
    ofPackage: true,
    does: 'the package in a Debian with glibc 2.31, and on 64-bit ARM under qemu',
    command: [process.execPath, 'scripts/check-elsewhere.mjs'],
    needs: 'the network, root, debootstrap qemu-user-static libc6-arm64-cross',
    minutes: 6,
  },
  ...['address', 'thread'].map((name) => ({
    name,
    does: `the addon in Node, under ${name === 'thread' ? 'TSan' : 'ASan and UBSan'}`,
    command: [process.execPath, 'scripts/sanitize.mjs', name],
    needs: name === 'thread' ? 'libtsan' : 'libasan, libubsan',
    minutes: 16,
  })),
];

function chosen(names) {
  const unknown = names.filter((name) => !STEPS.some((each) => each.name === name));
  if (unknown.length === 0) return STEPS.filter(({ name }) => names.length === 0 || names.includes(name));
  console.error(`No such step: ${unknown.join(' ')}. There are:`);
  for (const { name, does, needs, minutes } of STEPS)
    console.error(`  ${name.padEnd(12)} ${does}${needs ? `; needs ${needs}` : ''} (${minutes} min)`);
  process.exit(2);
}

const steps = chosen(process.argv.slice(2));
const setUp = (...flags) =>
  spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs'), ...flags], {
    stdio: ['ignore', 'inherit', 'inherit'],
  }).status === 0;
if (setUp() && (!steps.some(({ ofPackage }) => ofPackage) || setUp('--package'))) {
  await step('fault injector', () => check(process.execPath, [join(root, 'scripts', 'build-faults.mjs')]));
  for (const { name, does, command, minutes } of steps) {
    const timeout = Math.max(HOUR_MS, 10 * minutes * 60_000);
    await step(`${name}: ${does}`, () => suite(name, command[0], command.slice(1), timeout));
  }
} else {
  await step('setup', () => ({ failed: 1 }));
}
close();
