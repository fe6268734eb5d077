// Builds axl_faults (test/faults/*.cc) into build-faults, for the tests that put faults into the real programs. Silent;
// exits with 77 (skipped) where there is nothing to build: on other processors than x86-64 and 64-bit ARM.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildEnvironment, dropForeignBuild, root } from './toolchain.mjs';

const build = join(root, 'build-faults');

function quietly(...args) {
  const { status, stdout, stderr } = spawnSync('cmake', args, { env: buildEnvironment(), encoding: 'utf8' });
  if (status === 0) return;
  console.error(stdout + stderr);
  process.exit(1);
}

if (!['x64', 'arm64'].includes(process.arch)) {
  console.log(`axl_faults knows no system calls of ${process.arch}`);
  process.exit(77);
}
dropForeignBuild(build);
quietly('-S', root, '-B', build, '-DAXL_ADDON=OFF', '-DAXL_TESTS=ON', '-DAXL_WERROR=ON');
quietly('--build', build, '--target', 'axl_faults', '--parallel');
