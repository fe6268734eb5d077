// What AXL's own variables and the keys of its AXL_Config mean here: each once. Where both are given, a key counts.

import { launched } from '../../base/launch.js';
import { axlVariables } from '../../base/options.js';
import { UsageError } from '../errors.js';
import type { CpFlags } from './parse.js';

export interface CpSettings {
  readonly verbose: boolean;
  /** False: no directory may be made. */
  readonly mkdir: boolean;
  /** Bytes of a chunk, if they are said. */
  readonly chunkSize?: number;
  readonly place?: { readonly rank: number; readonly size: number };
  /** Of tests: after so many bytes the copy goes on no more, until it is canceled. */
  readonly pauseAfter?: number;
}

const UNITS = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;
const LEAST_CHUNK = 4096;
const MOST_CHUNK = 2 ** 30;

type Meaning = (value: string, name: string) => Partial<CpSettings>;

function flag(value: string, name: string): boolean {
  if (value !== '0' && value !== '1') throw new UsageError(`${name} must be 0 or 1, not ${value}`);
  return value === '1';
}

function chunk(value: string, name: string): Partial<CpSettings> {
  const [, digits = '', unit = ''] = /^(\d{1,12})([KMG]?)$/.exec(value) ?? [];
  const chunkSize = digits === '' ? 0 : Number(digits) * UNITS[unit as keyof typeof UNITS];
  if (chunkSize < LEAST_CHUNK || chunkSize > MOST_CHUNK || chunkSize % LEAST_CHUNK !== 0)
    throw new UsageError(`${name} must be 4096 to 1073741824 bytes, a multiple of 4096, as in 8M, not ${value}`);
  return { chunkSize };
}

function place(value: string, name: string): Partial<CpSettings> {
  const { size, launcher } = launched();
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`${name} must be a number from 0, not ${value}`);
  if (Number(value) >= size)
    throw new UsageError(
      `${name}=${value} needs the number of ranks, and ${launcher === 'none' ? 'no launcher tells it' : `${launcher} says ${size}`}: give --rank ${value}/N`,
    );
  return { place: { rank: Number(value), size } };
}

function bytes(value: string, name: string): Partial<CpSettings> {
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`${name} must be a number of bytes, not ${value}`);
  return { pauseAfter: Number(value) };
}

/** Files always have temporary names, and metadata are always kept: whatever is said, this is as if it were 1. */
const always: Meaning = (value, name) => (flag(value, name) ? {} : {});
const verbose: Meaning = (value, name) => {
  if (!/^\d{1,3}$/.test(value)) throw new UsageError(`${name} must be a number from 0, not ${value}`);
  return { verbose: Number(value) > 0 };
};
const mkdir: Meaning = (value, name) => ({ mkdir: flag(value, name) });

const KEYS: Readonly<Record<string, Meaning>> = {
  FILE_BUF_SIZE: chunk,
  DEBUG: verbose,
  MKDIR: mkdir,
  USE_EXTENSION: always,
  COPY_METADATA: always,
  RANK: place,
};

function ofEnvironment(): Partial<CpSettings>[] {
  const { mkdir: mayMake, debug, extension, metadata, pause } = axlVariables();
  const read = (meaning: Meaning, name: string, value: string) => (value === '' ? {} : meaning(value, name));
  return [
    read(verbose, 'AXL_DEBUG', debug),
    read(mkdir, 'AXL_MKDIR', mayMake),
    read(always, 'AXL_USE_EXTENSION', extension),
    read(always, 'AXL_COPY_METADATA', metadata),
    read(bytes, 'AXL_DEBUG_PAUSE_AFTER', pause),
  ];
}

function ofKey(pair: string): Partial<CpSettings> {
  const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
  const meaning = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (!meaning)
    throw new UsageError(`--config takes KEY=VALUE with one of ${Object.keys(KEYS).join(', ')}, not ${pair}`);
  return meaning(value, key);
}

/** @throws {UsageError} */
export function settingsOf({ config = [], rank, verbose: isVerbose }: CpFlags): CpSettings {
  const said = [...ofEnvironment(), ...config.map(ofKey)];
  const settings: CpSettings = Object.assign({ verbose: false, mkdir: true }, ...said);
  return {
    ...settings,
    verbose: settings.verbose || isVerbose === true,
    ...(rank && { place: { rank: rank.index, size: rank.count } }),
  };
}
