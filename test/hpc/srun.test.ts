// Collective transfers under srun, whose plugins speak PMI and PMIx, or nothing; and what Slurm says of ranks to those that
// other launchers start inside a job. On a Slurm of the test's own.
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { type Ended, Place } from '../support.js';
import { LAUNCHERS, missing, rankCommand, SIZE, said } from './launchers.js';
import { all, allFail, FILES, finalized, published } from './outcomes.js';
import { Cluster, noCluster } from './slurm/cluster.js';

const why = await noCluster();
if (why) console.error(`SKIPPED srun: ${why}`);

/** By srun's --mpi: nodes, since two slurmds on one host want the same directory for PMIx; and what openComm finds. */
const PLUGINS = [
  { mpi: 'pmi2', nodes: 2, provider: 'pmi' },
  { mpi: 'pmix', nodes: 1, provider: 'pmix' },
  { mpi: 'none', nodes: 2, provider: 'directory' },
] as const;

/** A place where the jobs' user may write. */
function ofUser(t: Test): Place {
  const place = new Place(t);
  fs.chmodSync(place.root, 0o777);
  fs.chmodSync(place.states, 0o777);
  return place;
}

interface Launch {
  readonly mpi: string;
  readonly nodes: number;
  readonly killOnBadExit?: boolean;
}

function srun(cluster: Cluster, place: Place, role: string[], launch: Launch): Promise<Ended> {
  const { mpi, nodes, killOnBadExit = false } = launch;
  const options = mpi === 'none' ? { provider: 'directory' as const, directory: place.states } : {};
  const args = [`--mpi=${mpi}`, `--nodes=${nodes}`, `--ntasks-per-node=${SIZE / nodes}`, `--ntasks=${SIZE}`];
  args.push(`--kill-on-bad-exit=${killOnBadExit ? 1 : 0}`);
  return cluster.run('srun', ...args, ...rankCommand(place, role, options));
}

/** '' if srun speaks that, or why not: it lists plugins that it cannot load. */
async function noPlugin(cluster: Cluster, mpi: string): Promise<string> {
  const { status, stderr } = await cluster.run('srun', `--mpi=${mpi}`, '--ntasks=1', 'true');
  return status === 0 ? '' : `srun --mpi=${mpi} does not work here (Debian: libpmix-dev): ${stderr.split('\n')[0]}`;
}

t.test('srun', { skip: why || false, timeout: 3600_000 }, async (t) => {
  const cluster = await Cluster.start(t);

  for (const { mpi, nodes, provider } of PLUGINS) {
    const skip = await noPlugin(cluster, mpi);
    await t.test(`--mpi=${mpi}: what fails on one rank fails on all, and none publishes`, { skip }, async (t) => {
      const place = ofUser(t);
      const { status, stderr } = await srun(cluster, place, ['fail'], { mpi, nodes });
      t.equal(status, 0, stderr);
      for (const [rank, mine] of said(place, 'place').entries()) {
        const launcher = mpi === 'pmi2' ? 'pmi' : 'slurm';
        t.match(mine, { rank, size: SIZE, launcher, job: /^\d+\.0$/, comm: { rank, size: SIZE, provider } });
        t.equal(mine.localRank, rank % (SIZE / nodes));
      }
      t.same(said(place, 'well'), all('ok'));
      t.same(published(place, 'well'), FILES);
      await allFail(t, place);
    });

    await t.test(`--mpi=${mpi}: one rank dies, and axl-finalize publishes all or none`, { skip }, async (t) => {
      const place = ofUser(t);
      const { status, signal } = await srun(cluster, place, ['die', 'copy'], { mpi, nodes, killOnBadExit: true });
      t.ok(status !== null || signal !== 'SIGKILL', 'the step came to its end');
      t.not(status, 0);
      await finalized(t, place, 'death');
      const files = published(place, 'death');
      t.ok(files.length === 0 || files.length === SIZE, `published: ${files}`);
    });
  }

  for (const launcher of LAUNCHERS) {
    const lacks = missing(launcher);
    await t.test(`${launcher.name} in a batch script starts ranks of its own`, { skip: lacks }, async (t) => {
      const place = ofUser(t);
      const [command = '', ...args] = launcher.command;
      const words = [command, ...args, `${SIZE}`, ...rankCommand(place, ['open'], {})];
      const line = words.map((word) => `'${word}'`).join(' ');
      const alone = rankCommand(place, ['place'], {})
        .map((word) => `'${word}'`)
        .join(' ');
      const id = await cluster.submit(`#!/bin/bash\n${line}\n${alone}\n`, '--nodes=1', `--ntasks=${SIZE}`);
      await cluster.until(id, 'has ended', ({ JobState }) => ['COMPLETED', 'FAILED'].includes(JobState));
      t.same(said(place, 'open'), all(launcher.provider), cluster.output(id));
      t.match(said(place, 'alone')[0], { rank: 0, size: 1, job: id, launcher: 'none' }, 'the script itself is no rank');
    });
  }
});
