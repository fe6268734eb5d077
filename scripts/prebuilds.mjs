// `npm run prebuilds [-- --all]`: the addons that a package has, one for each machine of TARGETS, in prebuilds/, and the
// sources from which `axl-transfer build` compiles another. A machine whose compiler is not here is left out, and said to be; with
// --all that is a failure. What is current is not made again.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cmakeBuild, contentHash, platformTag, root, stamped } from './toolchain.mjs';

/** Each has glibc, and is made by its own compiler or by another machine's that makes code for it. */
export const TARGETS = [
  { tag: 'linux-x64-glibc', processor: 'x86_64', compiler: 'x86_64-linux-gnu-g++', package: 'g++-x86-64-linux-gnu' },
  {
    tag: 'linux-arm64-glibc',
    processor: 'aarch64',
    compiler: 'aarch64-linux-gnu-g++',
    package: 'g++-aarch64-linux-gnu',
  },
];
const prebuilds = join(root, 'prebuilds');
const SOURCES = join(prebuilds, 'source.tar.gz');
const INPUTS = ['CMakeLists.txt', 'native', 'scripts/prebuilds.mjs', 'node_modules/node-addon-api/package.json'];

const exists = (command) => spawnSync(command, ['--version']).status === 0;
export const fileOf = (tag) => join(prebuilds, tag, 'axl_native.node');

const canMake = ({ tag, compiler }) => tag === platformTag || exists(compiler);
const buildOf = (tag) => join(root, `build-prebuilt-${tag}`);
const stampOf = (tag) => join(buildOf(tag), 'prebuilt.stamp');
const isCurrent = ({ tag }) => existsSync(fileOf(tag)) && stamped(stampOf(tag), contentHash(INPUTS, tag));

export const prebuildsAreCurrent = () => existsSync(SOURCES) && TARGETS.every(isCurrent);

/** Small rather than fast: what takes time is in the kernel. @returns {Promise<string | undefined>} what failed */
async function make({ tag, processor, compiler }) {
  const cross = [
    '-DCMAKE_SYSTEM_NAME=Linux',
    `-DCMAKE_SYSTEM_PROCESSOR=${processor}`,
    `-DCMAKE_CXX_COMPILER=${compiler}`,
  ];
  const options = ['-DCMAKE_BUILD_TYPE=MinSizeRel', '-DAXL_UNITY=ON', ...(tag === platformTag ? [] : cross)];
  const hash = contentHash(INPUTS, tag);
  const failure = await cmakeBuild(buildOf(tag), options, 'axl_prebuilt', Math.min(8, availableParallelism()));
  if (failure !== undefined) return failure;
  mkdirSync(dirname(fileOf(tag)), { recursive: true });
  const draft = `${fileOf(tag)}.${process.pid}`;
  cpSync(join(buildOf(tag), 'axl_prebuilt.node'), draft);
  renameSync(draft, fileOf(tag));
  writeFileSync(stampOf(tag), `${hash}\n`);
  return undefined;
}

/** For `axl-transfer build`: our sources and the headers of Node-API, a fifth as large as they are. */
function packSources() {
  const directory = mkdtempSync(join(tmpdir(), 'axl-source-'));
  const require = createRequire(import.meta.url);
  const [api, addon] = [require('node-api-headers').include_dir, require('node-addon-api').include_dir];
  const include = join(directory, 'include');
  cpSync(api, include, { recursive: true });
  for (const name of ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h']) cpSync(join(addon, name), join(include, name));
  cpSync(join(api, '..', 'LICENSE'), join(include, 'LICENSE.node-api-headers'));
  cpSync(join(addon, 'LICENSE.md'), join(include, 'LICENSE.node-addon-api.md'));
  for (const name of ['native', 'CMakeLists.txt']) cpSync(join(root, name), join(directory, name), { recursive: true });
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']; // of the same, the same bytes
  mkdirSync(prebuilds, { recursive: true });
  execFileSync('tar', [...same, '-czf', SOURCES, '-C', directory, 'CMakeLists.txt', 'include', 'native']);
  rmSync(directory, { recursive: true });
}

/** @returns {Promise<string[]>} the tags that were left out. @throws what a compiler printed */
export async function prebuild() {
  packSources();
  const possible = TARGETS.filter(canMake);
  for (const target of possible.filter((each) => !isCurrent(each))) {
    const failure = await make(target);
    if (failure !== undefined) throw new Error(`prebuilds: compiling for ${target.tag} failed:\n${failure}`);
  }
  const missing = TARGETS.filter((target) => !possible.includes(target));
  for (const { tag, package: name } of missing) {
    rmSync(dirname(fileOf(tag)), { recursive: true, force: true }); // of another source, perhaps
    console.error(`prebuilds: ${tag} is left out: its compiler is the package ${name} of Debian`);
  }
  return missing.map(({ tag }) => tag);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = await prebuild().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
  if (missing.length > 0 && process.argv.includes('--all')) process.exit(1);
}
