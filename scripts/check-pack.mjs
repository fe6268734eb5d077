// Packs the package and uses it as a stranger would: installed by each package manager, scripts of packages blocked, with no
// compiler on PATH; on each Node of VERSIONS; and compiled there. Each time: one transfer, and --help of each program. Needs
// the network: npm installs those package managers and versions of Node. The last line is `N passed, N failed`.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { newestGlibc, requirements } from './elf.mjs';
import { emptyProject, environment, fetched, pack, pathWithoutCompiler, run, scratch } from './packing.mjs';
import { fileOf, TARGETS } from './prebuilds.mjs';
import { root } from './toolchain.mjs';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const TARBALL = `axl-transfer-${version}.tgz`;
const NPMS = ['10', '11', '12'];
const VERSIONS = ['20', '22', '24', '26'];
const PROGRAMS = ['axl-finalize', 'axl-verify', 'axl-cp', 'axl-transfer'];
const MOST_PACKAGES = 14;
/** 5.5 MiB, of which the two addons are more than half. */
const MOST_BYTES = 5.5 * 2 ** 20;
const GLIBC = [2, 28];
const SYSTEM_LIBRARIES = /^(libc\.so\.6|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$/;
const count = { passed: 0, failed: 0 };

function must(truth, what) {
  if (!truth) throw new Error(what);
}

function check(what, body) {
  const started = performance.now();
  try {
    body();
    count.passed++;
    console.log(`ok package, ${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    count.failed++;
    console.log(`NOT OK package, ${what}: ${error.message}`);
  }
}

/** Files below a directory. */
const files = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const npmCli = (npm) => join(npm, 'bin', 'npm-cli.js');

/** How the tarball comes into a project, and how a program of Node is started there. */
function managers() {
  const byNpm = Object.entries(npms).map(([version, path]) => ({
    name: `npm ${version}`,
    add: [npmCli(path), 'install', '--no-audit', '--no-fund'],
  }));
  const yarn = join(fetched('@yarnpkg/cli-dist', '4'), 'bin', 'yarn.js');
  return [
    ...byNpm,
    { name: 'pnpm', add: [join(fetched('pnpm', 'latest'), 'bin', 'pnpm.mjs'), 'add'] },
    { name: 'Yarn 1', add: [join(fetched('yarn', '1'), 'bin', 'yarn.js'), 'add', '--ignore-scripts'] },
    { name: 'Yarn 4', add: [yarn, 'add'], start: [yarn, 'node'], path: (file) => `axl-transfer@file:${file}` },
  ];
}

/** Packages in node_modules, links not counted twice; and their bytes. */
function added(project) {
  const manifests = files(join(project, 'node_modules')).filter((path) =>
    /node_modules\/[^/.]+\/package\.json$/.test(path),
  );
  const bytes = files(join(project, 'node_modules')).reduce((sum, path) => sum + statSync(path).size, 0);
  return { packages: manifests.length, bytes };
}

function useWith({ name, add, start = [], path = (file) => file }, tarball, env) {
  const project = emptyProject(name.replace(' ', '-'));
  run(process.execPath, [...add, path(tarball)], project, env);
  cpSync(join(root, 'test', 'smoke.mjs'), join(project, 'smoke.mjs'));
  run(process.execPath, [...start, 'smoke.mjs', 'axl-transfer'], project, env);
  if (start.length > 0) return; // Yarn's own way has no node_modules
  for (const program of PROGRAMS) {
    const help = run(join(project, 'node_modules', '.bin', program), ['--help'], project, env);
    must(help.startsWith(`Usage: ${program}`), `${program} --help printed:\n${help}`);
  }
  const { packages, bytes } = added(project);
  must(
    packages > 0 && packages <= MOST_PACKAGES && bytes < MOST_BYTES,
    `${packages} packages and ${bytes} bytes were installed`,
  );
}

/** Scripts read what npm pack prints. */
function packsQuietly(npm) {
  const to = ['--pack-destination', scratch];
  const said = run(
    process.execPath,
    [npmCli(npm), 'pack', ...to],
    root,
    environment({ npm_config_ignore_scripts: '' }),
  );
  must(said === `${TARBALL}\n`, `npm pack printed:\n${said}`);
  const json = run(process.execPath, [npmCli(npm), 'pack', '--json', '--dry-run'], root, environment());
  must(JSON.stringify(JSON.parse(json)).includes(`"${TARBALL}"`), `npm pack --json printed:\n${json}`);
}

function asksForLittle({ tag, processor }) {
  must(existsSync(fileOf(tag)), 'it is not there: its compiler is missing');
  const { machine, needed, versions, exports } = requirements(fileOf(tag));
  const [major, minor] = newestGlibc(versions);
  must(major === GLIBC[0] && minor <= GLIBC[1], `it needs glibc ${major}.${minor}`);
  must(
    versions.every((name) => name.startsWith('GLIBC_')),
    `it needs ${versions}`,
  );
  must(
    needed.every((name) => SYSTEM_LIBRARIES.test(name)),
    `it needs ${needed}`,
  );
  must(
    exports.every((name) => /^(napi|node_api)_/.test(name)),
    `it exports ${exports}`,
  );
  must(machine.replace(/\W/g, '').toLowerCase().includes(processor.replace(/\W|_/g, '')), `it is for ${machine}`);
}

/** Links of its pages that lead to no file of it. */
function deadLinks(directory) {
  const of = (page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1]);
  return files(directory)
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) => of(page).map((link) => [page, join(dirname(page), decodeURI(link))]))
    .filter(([, target]) => !existsSync(target))
    .map(([page, target]) => `${relative(directory, page)} -> ${relative(directory, target)}`);
}

function hasWhatItShould(directory) {
  const leftovers = files(directory).filter((path) => /\.(o|a|stamp|map|tgz)$|\/(build|CMakeFiles)\//.test(path));
  must(leftovers.length === 0, `it has ${leftovers.slice(0, 5)}`);
  const dead = deadLinks(directory);
  must(dead.length === 0, `${dead.length} links lead nowhere:\n${dead.join('\n')}`);
  const types = files(directory).filter((path) => /\.d\.c?ts$/.test(path));
  must(types.length === 1 && types[0].endsWith('dist/lib/index.d.ts'), `declarations: ${types}`);
}

/** Where there is no prebuilt addon. */
function compiles(project, env) {
  const installed = join(project, 'node_modules', 'axl-transfer');
  for (const { tag } of TARGETS) rmSync(join(installed, 'prebuilds', tag), { recursive: true, force: true });
  const command = join(installed, 'scripts', 'axl-transfer.mjs');
  run(process.execPath, [command, 'build'], project, environment());
  must(readdirSync(join(installed, 'build')).join() === 'Release', 'it left something behind');
  run(process.execPath, ['smoke.mjs', 'axl-transfer'], project, env);
  run(process.execPath, [command, 'cache'], project, env);
  must(existsSync(join(installed, 'dist', 'bin', 'command.cache')), 'there is no cache');
}

const npms = {};
try {
  for (const version of NPMS) npms[version] = fetched('npm', version);
  const tarball = pack(root, 'tarball');
  run('tar', ['-xzf', tarball, '-C', scratch], scratch, process.env);
  check('its files', () => hasWhatItShould(join(scratch, 'package')));
  for (const target of TARGETS) check(`${target.tag} runs with glibc 2.28`, () => asksForLittle(target));
  for (const [version, path] of Object.entries(npms)) check(`packed by npm ${version}`, () => packsQuietly(path));
  const env = environment({ PATH: pathWithoutCompiler() });
  for (const manager of managers()) check(`installed by ${manager.name}`, () => useWith(manager, tarball, env));
  const project = join(scratch, 'npm-12');
  for (const version of VERSIONS)
    check(`on Node ${version}`, () => {
      const node = join(fetched(`node-linux-${process.arch}`, version), 'bin', 'node');
      run(node, ['smoke.mjs', 'axl-transfer'], project, env);
    });
  check('compiled, with nothing fetched', () => compiles(project, env));
} catch (error) {
  count.failed++;
  console.log(`NOT OK package: ${error.message}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = count.failed > 0 ? 1 : 0;
console.log(`${count.passed} passed, ${count.failed} failed`);
