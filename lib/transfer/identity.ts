// What the addon is told of a new transfer: rank, job and the name of its state file, from what the caller says and the
// launcher told; policies, from what the caller says and the defaults.
import { policies } from '../base/keep.js';
import { launched } from '../base/launch.js';
import { absoluteDirectory, absolutePath, displayName, latin1, pack } from '../base/names.js';
import { answer, DURABILITY, type NativeTransferOptions, native, UNKNOWN_LOCAL_RANK, VERIFY } from '../base/native.js';
import { checkOptions, settings, shapes } from '../base/options.js';
import { DRAFT, isNoStateFile, nameOf } from '../base/own-files.js';
import type { CreateOptions, PathLike } from '../base/types.js';

type Identity = Pick<NativeTransferOptions, 'stateFile' | 'rank' | 'size' | 'localRank' | 'job' | 'attempt'>;

const NAME_MAX = 255;
const SLASH = 0x2f;

function dirOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(1, path.lastIndexOf(SLASH)));
}

/** `NAME.RANK` in the state directory. The name must do as part of a file name. */
function defaultStateFile(stateDir: Buffer, name: string, rank: number): Buffer {
  const base = Buffer.from(`${name}.${rank}`);
  if (base.length > NAME_MAX || base.includes('/') || base.includes(0))
    throw new RangeError(`name ${displayName(name)} cannot be part of a file name; give stateFile instead of stateDir`);
  return Buffer.concat([stateDir, Buffer.from('/'), base]);
}

function identify(options: CreateOptions): Identity {
  const { name, stateFile, stateDir } = options;
  if ((stateFile === undefined) === (stateDir === undefined))
    throw new TypeError(`create needs one of the options stateFile and stateDir${stateFile ? ', not both' : ''}`);
  const place = launched();
  const {
    rank = place.rank,
    size = place.size,
    localRank = place.localRank ?? UNKNOWN_LOCAL_RANK,
    job = place.job ?? '',
    attempt = place.attempt ?? 0,
  } = options;
  if (rank >= size) throw new RangeError(`rank must be below size, ${size}, not ${rank}`);
  const path =
    stateDir === undefined
      ? absolutePath(stateFile as PathLike, 'stateFile')
      : defaultStateFile(absoluteDirectory(stateDir, 'stateDir'), name, rank);
  const base = nameOf(latin1(path));
  if (isNoStateFile(base) || DRAFT.test(base))
    throw new RangeError(
      `${displayName(base)} is what other files are called, so no finalizer would look at it: choose another name`,
    );
  return { stateFile: path, rank, size, localRank, job, attempt };
}

/** @throws {AxlError} AXL_IO when there is no such directory */
const canonical = (path: Buffer): Promise<Buffer> => answer(native().realPath(path));

/** Canonical: the directory of a state file, and the home of its dataset, if one is given. */
export async function placesOf(options: CreateOptions): Promise<{ readonly dir: Buffer; readonly home?: Buffer }> {
  const { stateFile } = identify(options);
  const dir = await canonical(dirOf(stateFile));
  return options.home === undefined ? { dir } : { dir, home: await canonical(absoluteDirectory(options.home, 'home')) };
}

type Phases = Pick<NativeTransferOptions, 'commitFiles' | 'manifest'>;

/** What is published after the data. */
function phases({ commitFiles, manifest = false }: CreateOptions): Phases {
  const at = typeof manifest === 'boolean' ? Buffer.alloc(0) : absolutePath(manifest, 'manifest');
  return {
    ...(commitFiles && { commitFiles: pack(commitFiles.map((pattern) => Buffer.from(pattern))) }),
    ...(manifest !== false && { manifest: at }),
  };
}

/**
 * @param dataset that rank 0 drew; empty: it follows from name, job, size, home and user
 * @throws {TypeError} an option that is unknown or of the wrong type, neither or both of stateFile and stateDir;
 *   {RangeError} a rank that is not below the size, a name that cannot be part of a file name, or is that of another
 *   file of ours
 */
export function nativeOptions(options: CreateOptions, dataset: Buffer = Buffer.alloc(0)): NativeTransferOptions {
  checkOptions('create', options, shapes.create, ['name']);
  const { name, allRanks = false, durability = settings().durability } = options;
  const { chunkSize } = settings();
  return {
    heartbeatMs: options.heartbeatMs ?? 0,
    bandwidth: options.bandwidth ?? 0,
    verify: VERIFY[options.verify ?? 'size'],
    ...identify(options),
    ...{ name, allRanks, chunkSize, durability: DURABILITY[durability], ...policies(options) },
    hardLinks: options.hardLinks !== 'copy',
    ...phases(options),
    ...{ home: options.home === undefined ? Buffer.alloc(0) : absoluteDirectory(options.home, 'home'), dataset },
  };
}
