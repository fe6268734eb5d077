// Where the addon is, and its loading; of each reason why that fails, what to do. An import loads nothing.
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AxlError } from './errors.js';
import { builtin, nodeTooOld } from './node-version.js';
import { nativeBinary } from './options.js';

const NAME = 'axl-transfer';

const unavailable = (problem: string, cause?: unknown): AxlError =>
  new AxlError('AXL_BACKEND_UNAVAILABLE', `axl-transfer: ${problem}`, { cause });

/** The folder of this file. Who loads modules in another way than Node (jest 29) has its URL only; a bundler has neither. */
function here(): string | undefined {
  const dir = import.meta.dirname as string | undefined;
  const url = import.meta.url as string | undefined;
  if (dir !== undefined) return dir;
  return url?.startsWith('file:') ? dirname(fileURLToPath(url)) : undefined;
}

interface Package {
  readonly root: string;
  readonly version: string;
}

/** Of a folder that is the top of this package. */
function packageAt(root: string): Package | undefined {
  if (!existsSync(join(root, 'CMakeLists.txt'))) return undefined;
  try {
    const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return name === NAME ? { root, version } : undefined;
  } catch {
    return undefined; // another project's
  }
}

let found: Package | undefined;

/** The nearest folder above that is the top of this package: lib/, dist/lib/ and dist/bin/ differ in depth. */
function thisPackage(): Package {
  let dir = here();
  while (!found && dir !== undefined) {
    found = packageAt(dir);
    dir = dir === dirname(dir) ? undefined : dirname(dir);
  }
  if (found) return found;
  const remedy =
    'keep it external (esbuild --external:axl-transfer; externals of webpack; external of Rollup and Vite)';
  throw unavailable(`the package was bundled, and its native addon and programs are not beside it: ${remedy}`);
}

/** @throws {AxlError} AXL_BACKEND_UNAVAILABLE in a bundle: nothing of the package is where this code is */
export const packageRoot = (): string => thisPackage().root;

/** Of this package. */
export const version = (): string => thisPackage().version;

/** The loader that this Node names at its beginning tells: an installed musl alone says nothing of it. */
function libc(): 'musl' | 'glibc' {
  const start = Buffer.alloc(4096);
  try {
    const fd = openSync(process.execPath, 'r');
    readSync(fd, start);
    closeSync(fd);
  } catch {} // forbidden by the permission model, or replaced meanwhile
  return start.includes('/ld-musl-') ? 'musl' : 'glibc';
}

function candidates(): string[] {
  if (nativeBinary !== '') return [nativeBinary];
  const root = packageRoot();
  const built = join(root, 'build', 'Release', 'axl_native.node');
  if (existsSync(built)) return [built];
  return [join(root, 'prebuilds', `${process.platform}-${process.arch}-${libc()}`, 'axl_native.node'), built];
}

/** For a shell. */
const quoted = (path: string): string => (/^[\w@%+:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/** What works in every directory, under every package manager, also where they run no scripts of packages. */
function howToCompile(): string {
  if (nativeBinary !== '') return 'AXL_NATIVE_BINARY says so: correct that variable, or unset it';
  const command = quoted(join(packageRoot(), 'scripts', 'axl-transfer.mjs'));
  return `compile it with "npx axl-transfer build", which in every directory is:  node ${command} build`;
}

interface PermissionModel {
  readonly has: (scope: string, reference?: string) => boolean;
}

/** What Node's permission model (--permission) forbids of what the addon needs. */
function whatIsForbidden(): string | undefined {
  const { permission } = process as { permission?: PermissionModel };
  if (!permission) return undefined;
  const needed = [...(permission.has('fs.read') ? [] : ['--allow-fs-read=*']), '--allow-addons'].join(' ');
  return `Node's permission model does not let it load its native addon: start node with ${needed}`;
}

function whyNot(file: string, cause: Error & { code?: string }): string {
  if (cause.code === 'ERR_DLOPEN_DISABLED' || cause.code === 'ERR_ACCESS_DENIED')
    return (
      whatIsForbidden() ??
      'Node was told to load no native addons: start it without --no-addons (look in NODE_OPTIONS, too)'
    );
  return `the native addon ${file} cannot be loaded: ${cause.message}; ${howToCompile()}`;
}

/** @throws {AxlError} AXL_BACKEND_UNAVAILABLE with what to do: see {@link whyNot} */
export function loadAddon(): unknown {
  const old = nodeTooOld();
  if (old !== undefined) throw unavailable(old);
  const files = candidates();
  const file = files.find((name) => existsSync(name));
  if (file === undefined) throw unavailable(`there is no native addon at ${files.join(' or ')}; ${howToCompile()}`);
  try {
    // Loaded when it is needed only, as the addon is.
    return builtin('node:module')?.createRequire(file)(file);
  } catch (cause) {
    throw unavailable(whyNot(file, cause as Error), cause);
  }
}
