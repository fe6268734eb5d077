// From the columns of the addon to the files that people are told of.
import { toFailure } from '../base/errors.js';
import { fromLatin1, toText } from '../base/names.js';
import { FILE_VERDICTS, type NativeRows } from '../base/native-manifest.js';
import type { FileVerdict, VerifiedFile } from './types.js';

function shown(pathBytes: Buffer, verdict: FileVerdict, more: object): VerifiedFile {
  const file = { path: toText(pathBytes), verdict, ...more };
  return Object.defineProperty(file, 'pathBytes', { value: pathBytes }) as VerifiedFile;
}

/** Those that were checked, in their order. */
export function* filesOf({ names, sizes, crcs, verdicts, problems }: NativeRows): Generator<VerifiedFile> {
  const failures = new Map(problems.map(({ index, failure }) => [index, failure]));
  let at = 0;
  for (const [i, number] of verdicts.entries()) {
    const end = names.indexOf(0, at);
    const path = names.subarray(at, end);
    at = end + 1;
    const verdict = FILE_VERDICTS[number] ?? 'unchecked';
    if (verdict === 'unchecked') continue;
    const size = sizes[i] as number;
    const failure = failures.get(i);
    yield shown(path, verdict, {
      ...(!Number.isNaN(size) && { size }),
      crc32c: crcs[i],
      ...(failure && { error: toFailure(failure) }),
    });
  }
}

/** @param path latin1 */
export const extra = (path: string): VerifiedFile => shown(fromLatin1(path), 'extra', {});
