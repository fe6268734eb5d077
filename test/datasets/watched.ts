// Datasets in phases, and a reader that looks at them all the time.
import * as fs from 'node:fs';
import { type Place, script } from '../support.js';

/** What a reader must find: `.metadata` says what the data of all ranks are, and `latest` leads to a new one. */
const CODE = `
  const { readFileSync, readlinkSync } = await import('node:fs');
  const [place, size, isReplaced] = [args[0], Number(args[1]), args[2] === 'replaced'];
  const read = (name) => { try { return readFileSync(place + '/dest/step/' + name, 'utf8'); } catch { return undefined; } };
  const pointer = () => { try { return readlinkSync(place + '/dest/latest'); } catch { return undefined; } };
  const wrong = new Set();
  let begun = isReplaced;
  for (let on = true; on; ) {
    on = read('../../end') === undefined;
    const marker = read('.metadata');
    const data = Array.from({ length: size }, (_, rank) => read('__' + rank + '_0.distcp'));
    const isStill = marker !== undefined && read('.metadata') === marker;
    if (isStill && data.some((one) => one !== marker)) wrong.add(marker + ' over ' + data);
    begun ||= marker !== undefined;
    if (pointer() === 'step' && !begun && read('.metadata') === undefined) wrong.add('latest leads to nothing');
  }
  console.log(JSON.stringify([...wrong]));`;

/**
 * Looks in a process of its own.
 * @param isReplaced a checkpoint to which `latest` leads will be replaced: then its commit file is deleted meanwhile
 * @returns what ends it, and tells what was wrong
 */
export function watch(place: Place, size: number, isReplaced: 'replaced' | '' = ''): () => Promise<string[]> {
  const ended = script(CODE, [place.root, `${size}`, isReplaced]);
  return async () => {
    fs.writeFileSync(place.path('end'), '');
    return JSON.parse((await ended).stdout) as string[];
  };
}
