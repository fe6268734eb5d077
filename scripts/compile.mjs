// Compiles TypeScript with esbuild, file for file, into dist: lib/ and bin/ for those who use the package, test/ for the
// tests, which so run what is in dist and nothing else. Types are checked by tsc alone, and never here.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash, root, stamped } from './toolchain.mjs';

const PROGRAM_STAMP = join(root, 'dist', '.stamp');
const TEST_STAMP = join(root, 'dist', 'test', '.stamp');
const TYPES_STAMP = join(root, 'dist', '.types-stamp');
const COMPILERS = ['esbuild', 'typescript', 'commander', 'fast-glob', 'proper-lockfile'].map(
  (name) => `node_modules/${name}/package.json`,
);
const OURS = ['tsconfig.json', ...['compile', 'bundle', 'code-cache'].map((name) => `scripts/${name}.mjs`)];

// The code cache is of one version of Node.
const programHash = () => contentHash(['lib', 'bin', ...OURS, ...COMPILERS], process.version);
const testHash = () => contentHash(['test', 'scripts/compile.mjs', ...COMPILERS]);
const typesHash = () => contentHash(['lib', 'tsconfig.json', 'scripts/compile.mjs', ...COMPILERS]);

export const programIsCurrent = () => stamped(PROGRAM_STAMP, programHash());
export const testsAreCurrent = () => stamped(TEST_STAMP, testHash());
export const typesAreCurrent = () => stamped(TYPES_STAMP, typesHash());

const sources = (dir) =>
  readdirSync(join(root, dir), { recursive: true })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(dir, path));

/** One module for each source of a folder. */
async function transform(dir) {
  rmSync(join(root, 'dist', dir), { recursive: true, force: true });
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: sources(dir),
    outbase: root,
    outdir: 'dist',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    logLevel: 'silent', // what is wrong is in the error
  });
}

/** dist/lib and dist/bin, with the code cache. @throws what esbuild says */
export async function compileProgram() {
  rmSync(PROGRAM_STAMP, { force: true });
  rmSync(TYPES_STAMP, { force: true });
  rmSync(join(root, 'dist', 'bin'), { recursive: true, force: true });
  await transform('lib');
  const { bundlePackages, bundlePrograms } = await import('./bundle.mjs');
  await Promise.all([bundlePackages(), bundlePrograms()]);
  const { makeCodeCache } = await import('./code-cache.mjs');
  makeCodeCache();
  writeFileSync(PROGRAM_STAMP, `${programHash()}\n`);
}

/** dist/test. @throws what esbuild says */
export async function compileTests() {
  await transform('test');
  writeFileSync(TEST_STAMP, `${testHash()}\n`);
}

/** The declarations for those who use the package, all in dist/lib/index.d.ts. @throws what rollup and tsc say */
export async function writeTypes() {
  const [{ rollup }, { dts }] = await Promise.all([import('rollup'), import('rollup-plugin-dts')]);
  const onwarn = ({ message }) => {
    throw new Error(message);
  };
  const plugins = [dts({ tsconfig: join(root, 'tsconfig.json') })];
  const types = await rollup({ input: join(root, 'lib', 'index.ts'), plugins, external: /^node:/, onwarn });
  await types.write({ file: join(root, 'dist', 'lib', 'index.d.ts') });
  writeFileSync(TYPES_STAMP, `${typesHash()}\n`);
}
