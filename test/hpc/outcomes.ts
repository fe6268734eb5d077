// What has to be so of a launch of rank.mjs, whoever launched it: all ranks come to one outcome, and publish all or none.
import * as fs from 'node:fs';
import type { Test } from 'tap';
import { finalize } from '../../lib/index.js';
import { type Place, temporaries, tree } from '../support.js';
import { SIZE, said } from './launchers.js';

const RANKS = Array.from({ length: SIZE }, (_, rank) => rank);
export const FILES = RANKS.map((rank) => `rank${rank}`);
/** That, for each rank. */
export const all = (value: unknown): unknown[] => RANKS.map(() => value);

export const published = (place: Place, name: string): string[] =>
  fs.existsSync(place.path('dest', name))
    ? fs
        .readdirSync(place.path('dest', name))
        .filter((file) => FILES.includes(file))
        .sort()
    : [];

/** Finalizes as after the job, once all its processes are dead; nothing of the transfers is left but what is published. */
export async function finalized(t: Test, place: Place, name: string) {
  const { counts } = await finalize(place.path('states', name), { wait: 300_000 });
  t.same(
    [tree(place.path('states', name)), temporaries(place.path('dest', name))],
    [{}, []],
    `${name}: nothing is left`,
  );
  return counts;
}

async function failsTogether(t: Test, place: Place, step: string): Promise<void> {
  const outcomes = said(place, step);
  t.notOk(outcomes.includes('ok'), `${step}: no rank succeeds`);
  const reasons = outcomes.map(({ code, cause }) => (code === 'AXL_TRANSFER_FAILED' ? cause : code));
  t.same(
    reasons.map((reason) => reason === 'AXL_RANK_FAILED'),
    [true, false, true, true],
    `${step}: one rank has its own reason, the others that it failed`,
  );
  if (step === 'publish') return publishesLater(t, place);
  t.same(published(place, step), [], `${step}: none publishes`);
  if (step === 'create') fs.rmSync(place.path('states/create/ckpt.1'));
  await finalized(t, place, step);
  t.same(published(place, step), [], `${step}: axl-finalize publishes none`);
}

/** Some have published: there is only the way forward. */
async function publishesLater(t: Test, place: Place): Promise<void> {
  fs.rmdirSync(place.path('dest/publish/rank1'));
  await finalized(t, place, 'publish');
  t.same(published(place, 'publish'), FILES, 'publish: axl-finalize publishes what is missing');
}

/** Each step has failed on one rank, and so on all of them. */
export async function allFail(t: Test, place: Place): Promise<void> {
  for (const step of ['create', 'add', 'dispatch', 'copy', 'publish']) await failsTogether(t, place, step);
}
