// The whole life of one transfer, in this process or in that of another user.

import type { Test } from 'tap';
import type { AddOptions, CreateOptions, PathLike, TransferReport } from '../../lib/index.js';
import { Place, said, script } from '../support.js';

/** A place with source/{a,sub/b}, and an existing directory and file to copy to. */
export function ready(t: Test): Place {
  const place = new Place(t);
  place.write('source/a', 'A');
  place.write('source/sub/b', 'B');
  place.write('old/file', 'of before');
  return place;
}

async function whole(
  place: Place,
  options: Partial<CreateOptions>,
  add: readonly [source: PathLike, dest: PathLike, options?: AddOptions | undefined],
): Promise<TransferReport> {
  const transfer = await place.create(options);
  try {
    const [source, dest, how] = add;
    await transfer.add(source, dest, how);
    await transfer.dispatch();
    return await transfer.wait();
  } finally {
    await transfer.free();
  }
}

export const copy = (place: Place, source: PathLike, dest: PathLike, options?: AddOptions): Promise<TransferReport> =>
  whole(place, { durability: 'none' }, [source, dest, options]);

/** The place's source to its destination. */
export const copySource = (place: Place, options: Partial<CreateOptions> = {}): Promise<TransferReport> =>
  whole(place, options, [place.source, place.dest]);

const COPY = `
  const [stateFile, source, dest, options] = args;
  const transfer = await axl.Transfer.create({ name: 'ckpt', stateFile, ...JSON.parse(options) });
  await transfer.add(source, dest);
  await transfer.dispatch();
  const report = await transfer.wait().catch((error) => error.report);
  await transfer.free();
  console.log(JSON.stringify({ ...report, files: report.files }));`;

/** Copies the place's source. @returns the report as JSON has it, also of what failed */
export async function copyAs(uid: number, place: Place, dest: string, options: Partial<CreateOptions> = {}) {
  return said(await script(COPY, [place.stateFile, place.source, dest, JSON.stringify(options)], { uid }));
}
