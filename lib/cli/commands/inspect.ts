// `axl-finalize inspect`: all that one state file says, for a person or as JSON; torn and corrupt ones as far as it goes.

import { displayName } from '../../base/names.js';
import { whyNotStateFile } from '../../base/strangers.js';
import type { InspectedFile, InspectedTransfer } from '../../index.js';
import { inspect } from '../../survey.js';
import { toBytes } from '../names.js';
import { toJson } from '../output/json.js';
import { complainOf, say, stdout } from '../output/output.js';
import { columns, duration, lackingText, plural, size } from '../output/text.js';

function condition({ state, committed, canceled, torn, validBytes }: InspectedTransfer): string {
  return [
    state,
    ...(committed && state === 'complete' ? ['ready to be published'] : []),
    ...(canceled ? ['canceled'] : []),
    ...(torn && state !== 'corrupt' ? [`torn: a crash cut its last record short after ${validBytes} bytes`] : []),
    ...(state === 'corrupt' ? [`readable up to byte ${validBytes}`] : []),
  ].join('; ');
}

function counts({
  files,
  filesDone,
  filesFailed,
  filesPublished,
  bytes,
  bytesDone,
  lacking,
  lacks,
}: InspectedTransfer): string {
  const parts = [`${filesDone} of ${plural(files, 'file')} complete, ${size(bytesDone)} of ${size(bytes)}`];
  if (filesFailed > 0) parts.push(`${filesFailed} failed`);
  if (filesPublished > 0) parts.push(`${filesPublished} published`);
  parts.push(...lackingText(lacking, lacks));
  return parts.join(', ');
}

const ALIVE: Record<InspectedTransfer['alive'], string> = {
  no: 'not alive',
  yes: 'alive, or a finalizer is at work',
  'cannot tell': 'alive or not: it cannot be told from here',
};

function writer({ host, pid, alive, uid, job, localRank, format, backend }: InspectedTransfer): string {
  const among = localRank === undefined ? '' : `, local rank ${localRank}`;
  const process = `process ${pid} on ${displayName(host)}${among}${job === '' ? '' : `, job ${displayName(job)}`}`;
  const nobody = format === 'axl' ? `the C library AXL (${backend})` : 'unknown';
  const where = host === '' ? nobody : process;
  return `${where}, ${ALIVE[alive]}; state file of user ${uid}`;
}

const kept = ({ metadata }: InspectedTransfer): string =>
  Object.entries(metadata ?? {})
    .map(([part, word]) => `${part} ${word}`)
    .join(', ');

function heading(transfer: InspectedTransfer): [string, string][] {
  const { name, rank, size: ranks, uuid, modified, records, durability, allRanks, stateFileBytes } = transfer;
  const known = records > 0;
  return [
    ['state file', displayName(stateFileBytes)],
    ...(known ? [['transfer', `${displayName(name)}, rank ${rank} of ${ranks}, ${uuid}`] as [string, string]] : []),
    ['state', condition(transfer)],
    ...(known ? [['files', counts(transfer)] as [string, string]] : []),
    [
      'written',
      `${modified.toISOString()}, ${duration(Date.now() - modified.getTime())} ago; ${plural(records, 'record')}`,
    ],
    ...(known ? [['writer', writer(transfer)] as [string, string]] : []),
    ...(known
      ? [
          ['options', `durability ${durability}, ${kept(transfer)}${allRanks ? ', only with all ranks' : ''}`] as [
            string,
            string,
          ],
        ]
      : []),
  ];
}

/** Where its bytes come from; a pointer, and a manifest, have no source. */
function origin({ kind, target, source, sourceBytes }: InspectedFile): string {
  if (source !== '') return ` <- ${displayName(sourceBytes)}`;
  if (target === undefined) return '';
  return kind === 'symlink' ? ` -> ${displayName(target)}` : ` = ${displayName(target)}`;
}

function fileRow(file: InspectedFile): string[] {
  const { state, phase, size: bytes, metadata, crc32c, chunks, destBytes } = file;
  const sum = crc32c?.toString(16).padStart(8, '0');
  return [
    state,
    phase,
    size(bytes),
    sum ?? (chunks > 0 ? plural(chunks, 'chunk') : '-'),
    metadata.mode.toString(8).padStart(4, '0'),
    `${metadata.uid}:${metadata.gid}`,
    `${displayName(destBytes)}${origin(file)}`,
  ];
}

function print(transfer: InspectedTransfer): void {
  say(columns(heading(transfer)));
  const { fileList, directoryList, retired } = transfer;
  if (fileList.length > 0) {
    const table = [['STATE', 'PHASE', 'SIZE', 'CRC-32C', 'MODE', 'OWNER', 'FILE'], ...fileList.map(fileRow)];
    say(['', ...columns(table, [2])]);
    for (const { error } of fileList) if (error) say([`failed: ${error.message}`]);
    for (const { lacks, destBytes } of fileList)
      if (lacks.length > 0) say([`without ${lacks.join(', ')}: ${displayName(destBytes)}`]);
  }
  const made = directoryList.filter(({ made }) => made);
  if (made.length > 0) say(['', `${plural(made.length, 'directory')} that the transfer made`]);
  say(made.map(({ pathBytes }) => `  ${displayName(pathBytes)}`));
  if (retired.length > 0) say(['', 'deleted once all of it is published:']);
  say(retired.map(({ pathBytes, state, size: bytes }) => `  ${displayName(pathBytes)} (${size(bytes)}, ${state})`));
}

/** @returns the exit status */
export async function run(file: string, json: boolean): Promise<number> {
  const transfer = inspect(toBytes(file));
  const { state, stateFileBytes } = transfer;
  const error = state === 'not-state' ? await whyNotStateFile(stateFileBytes) : transfer.error;
  const nothing = state === 'gone' || state === 'unreadable' || state === 'not-state';
  if (json) stdout.write(`${toJson(transfer)}\n`);
  else if (!nothing) print(transfer);
  if (error) complainOf(displayName(stateFileBytes), error);
  else if (nothing) complainOf(displayName(stateFileBytes), { message: 'there is no such file' });
  return nothing ? 1 : state === 'corrupt' || state === 'copy' ? 5 : 0;
}
