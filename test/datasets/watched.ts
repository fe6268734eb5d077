// Datasets in phases, and a reader that looks at them all the time. The text of each file says which checkpoint it is of.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import type { Place } from '../support.js';

/** Names below the destinations. */
export interface Layout {
  /** What readers look for. */
  readonly commit: string;
  /** What it speaks of: at each index, a file of this rank. */
  readonly data: readonly string[];
}

const ranks = (size: number) => Array.from({ length: size }, (_, rank) => rank);

/** As PyTorch's distributed checkpoint has it, in a directory `step`. */
export const dcp = (size: number): Layout => ({
  commit: 'step/.metadata',
  data: ranks(size).map((rank) => `step/__${rank}_0.distcp`),
});

/** As Orbax has it on a store without renames of directories: a process has its own directory for arrays. */
export const orbax = (size: number): Layout => ({
  commit: 'step/commit_success.txt',
  data: ranks(size).map((rank) => `step/default/ocdbt.process_${rank}/d/${rank}`),
});

/** A commit file says what the data of all ranks are, and `latest` leads to a new one. */
const CODE = `
  const { readFileSync, readlinkSync } = await import('node:fs');
  const [place, layout, isReplaced] = [process.argv[1], JSON.parse(process.argv[2]), process.argv[3] === 'replaced'];
  const read = (name) => { try { return readFileSync(place + '/dest/' + name, 'utf8'); } catch { return undefined; } };
  const pointer = () => { try { return readlinkSync(place + '/dest/latest'); } catch { return undefined; } };
  const wrong = new Set();
  let begun = isReplaced;
  for (let [on, looks] = [true, 0]; on; looks++) {
    on = read('../end') === undefined;
    const commit = read(layout.commit);
    const data = layout.data.map(read);
    const isStill = commit !== undefined && read(layout.commit) === commit;
    if (isStill && data.some((one) => one !== commit)) wrong.add(commit + ' over ' + data);
    begun ||= commit !== undefined;
    if (pointer() === 'step' && !begun && read(layout.commit) === undefined) wrong.add('latest leads to nothing');
    if (looks === 0) console.log('looking');
  }
  console.log(JSON.stringify([...wrong]));`;

/**
 * Looks in a process of its own, from now on.
 * @param isReplaced a checkpoint to which `latest` leads will be replaced: then its commit file is deleted meanwhile
 * @returns what ends it, and tells what was wrong
 */
export async function watch(
  place: Place,
  layout: Layout,
  isReplaced: 'replaced' | '' = '',
): Promise<() => Promise<string[]>> {
  const args = ['--input-type=module', '-e', CODE, '--', place.root, JSON.stringify(layout), isReplaced];
  const reader = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  reader.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(reader.stdout, 'data');
  return async () => {
    const closed = once(reader, 'close');
    fs.writeFileSync(place.path('end'), '');
    await closed;
    return JSON.parse(said.trim().split('\n').at(-1) as string) as string[];
  };
}
