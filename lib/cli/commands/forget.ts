// `axl-finalize forget`: removes state files on which nobody can act, and says what stays behind.

import { displayName } from '../../base/names.js';
import { type Forgotten, forget, type Remainder } from '../../forget.js';
import { toBytes } from '../names.js';
import { toJson } from '../output/json.js';
import { complainOf, say, stdout } from '../output/output.js';
import { size } from '../output/text.js';
import type { ForgetFlags } from '../parse.js';

const lines = (what: string, files: readonly Remainder[]): string[] =>
  files.map(({ pathBytes, bytes }) => `  ${what} ${displayName(pathBytes)} (${size(bytes)})`);

function* described(one: Forgotten): Generator<string> {
  const { name, rank, uuid, temporaries, destinations, listed } = one;
  const transfer = name === '' ? '' : ` (${displayName(name)}, rank ${rank})`;
  yield `removed ${displayName(one.stateFileBytes)}${transfer}`;
  yield* lines('left the temporary file', temporaries);
  yield* lines('left the destination', destinations);
  const names = /[1-9a-f]/.test(uuid) ? `ends in ._AXL${uuid.slice(0, 16)}` : 'has ._AXL and 16 hex digits at its end';
  if (!listed) yield `  its list of files could not be read to the end: a temporary file of it ${names}`;
}

interface ForgetRequest extends ForgetFlags {
  readonly files: readonly string[];
}

/** @returns the exit status */
export async function run({ files, json, writerDead, ...options }: ForgetRequest): Promise<number> {
  const hosts = writerDead && { writerDead: writerDead.map((host) => toBytes(host).toString()) };
  const all: Forgotten[] = [];
  for (const file of files) {
    const one = await forget(toBytes(file), { ...options, ...hosts });
    all.push(one);
    if (one.error) complainOf(displayName(one.stateFileBytes), one.error);
    else if (!json) say(described(one));
  }
  if (json) stdout.write(`${toJson({ stateFiles: all })}\n`);
  if (all.some(({ error }) => error && error.code !== 'AXL_STATE_LOCKED')) return 1;
  return all.some(({ error }) => error) ? 4 : 0;
}
