// axl-finalize as root over what a hostile user prepared: nothing changes that he could not have changed himself.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { axlFinalize, isRoot, said } from '../support.js';
import { Traps } from './traps.js';
import { as, differences, fingerprint, MALLORY, World } from './world.js';

const skip = isRoot ? '' : 'needs root: only root can be attacked by another user';
if (skip) console.error(`SKIPPED hostile input as root: ${skip}`);

/** All ways and all traps: minutes. */
const deep = process.env.AXL_TEST_DEEP === '1';

const WAYS: readonly (readonly string[])[] = [
  [],
  ['--incomplete', 'resume'],
  ['--dataset', '--incomplete', 'resume', '--fallback', 'delete'],
  ['--overwrite', 'keep', '--verify', 'checksum', '--keep-state'],
  ['--overwrite', 'fail', '--owner', 'fail', '--recursive'],
  ['--verify', 'none', '--jobs', '256'],
];

for (const way of deep ? WAYS : WAYS.slice(1, 3))
  t.test(`root does nothing for a hostile user that he cannot do: ${way.join(' ') || 'plain'}`, { skip }, async (t) => {
    const world = new World(t);
    const traps = new Traps(world);
    traps.files(deep);
    traps.directories();
    traps.records();
    await traps.names(t);
    traps.verdicts();
    const before = fingerprint(world.place.root);
    t.ok(traps.count > (deep ? 1000 : 400), `${traps.count} traps`);
    t.ok(before.size > 150, `${before.size} things to hit`);
    const ended = await axlFinalize([...way, '--job-ended', '--json', world.states]);
    t.same(differences(before, fingerprint(world.place.root)), []);
    t.equal(ended.signal, null, 'and it comes to an end');
    const { counts } = said(ended);
    if (way.includes('--dataset')) return; // one doubtful state file of a dataset, and none is published
    t.ok(counts.published > 0 && counts.corrupt > 0 && counts.failed > 0, JSON.stringify(counts));
    const own = as(MALLORY, () => fs.readdirSync(world.home).filter((name) => name.startsWith('d')));
    const published = own.filter((name) => fs.existsSync(join(world.home, name, 'own')));
    t.ok(published.length > 0, 'what was his to have is published, so the traps were walked into');
  });
