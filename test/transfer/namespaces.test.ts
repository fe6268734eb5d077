// Ranks in a user namespace, as in a rootless container, and axl-finalize outside, where all ids are other numbers.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import t, { type Test } from 'tap';
import { axlFinalize, library, noStrangers, Place, program, tree } from '../support.js';

const USER = 5001;
/** Whom user 100 of a namespace with a range of ids is outside. */
const RANGE = 100_000;

/** A rank: copies, and is left before it publishes; or publishes. */
const RANK = `
const axl = await import('${library}');
const [stateFile, source, dest, options, end] = process.argv.slice(1);
const t = await axl.Transfer.create({ name: 'x', stateFile, durability: 'none', ...JSON.parse(options) });
await t.add(source, dest);
await t.dispatch();
await (end === 'publish' ? t.wait() : t.settle());
if (end === 'publish') await t.free();`;

/** Why there can be no namespaces here; '' if there can. */
async function without(): Promise<string> {
  const strangers = await noStrangers();
  if (strangers) return strangers;
  return spawnSync('unshare', ['-Ur', 'true'], { uid: USER }).status === 0 ? '' : 'no user namespaces';
}

function placeOf(t: Test): Place {
  const place = new Place(t);
  place.write('source/own');
  place.write('source/directory/own');
  place.give(USER);
  fs.chmodSync(place.path('source/own'), 0o4750); // after the owner, whose change takes setuid away
  return place;
}

const asUser = { uid: USER, gid: USER } as const;
const node = (place: Place, options: object, end = 'leave'): string[] => {
  const args = [place.path('states/rank'), place.source, place.dest, JSON.stringify(options), end];
  return [process.execPath, '--input-type=module', '-e', RANK, ...args];
};

for (const owner of ['fail', 'warn'] as const)
  t.test(`a rank that was root of its namespace, owner ${owner}, is published outside, as it was copied`, async (t) => {
    const skip = await without();
    if (skip) return t.plan(0, skip);
    const place = placeOf(t);
    const inside = await program('unshare', ['-Ur', ...node(place, { owner })], asUser);
    t.equal(inside.status, 0, inside.stderr);
    const outside = await axlFinalize(['--job-ended', place.states], asUser);
    t.equal(outside.status, 0, outside.stderr);
    t.same(tree(place.dest), tree(place.source));
    for (const name of ['own', 'directory/own', 'directory', '']) {
      const [to, from] = [place.dest, place.source].map((dir) => fs.statSync(`${dir}/${name}`));
      t.same([to?.uid, to?.gid, to?.mode], [from?.uid, from?.gid, from?.mode], name);
    }
  });

t.test('what is half published outside is published by the next run, though its ids are other numbers', async (t) => {
  const skip = await without();
  if (skip) return t.plan(0, skip);
  const place = placeOf(t);
  await program('unshare', ['-Ur', ...node(place, { owner: 'fail' })], asUser);
  const [temporary] = fs.readdirSync(place.dest).filter((name) => name.startsWith('own._AXL'));
  fs.renameSync(place.path('dest', temporary as string), place.path('dest/own')); // as a killed finalizer leaves it
  const outside = await axlFinalize(['--job-ended', place.states], asUser);
  t.equal(outside.status, 0, outside.stderr);
  t.equal((fs.statSync(place.path('dest/own')).mode & 0o7777).toString(8), '4750');
});

/** Runs in a namespace where 0 is USER, and the others are a range, as newuidmap makes it. */
async function inRange(command: readonly string[]): Promise<number | null> {
  const holder = spawn('unshare', ['-U', 'sleep', '60']);
  const self = fs.readlinkSync('/proc/self/ns/user');
  const other = () => fs.readlinkSync(`/proc/${holder.pid}/ns/user`) !== self;
  while (!other()) await new Promise((resolve) => setTimeout(resolve, 10));
  try {
    for (const map of ['uid_map', 'gid_map'])
      fs.writeFileSync(`/proc/${holder.pid}/${map}`, `0 ${USER} 1\n1 ${RANGE + 1} 60000\n`);
    const enter = ['-t', `${holder.pid}`, '-U', '-S', '0', '-G', '0', ...command];
    return (await program('nsenter', enter, {})).status;
  } finally {
    holder.kill('SIGKILL');
  }
}

t.test('an owner that was given inside stays, and no number of the inside is taken for one outside', async (t) => {
  const skip = (await without()) || (spawnSync('nsenter', ['--version']).status === 0 ? '' : 'no nsenter');
  if (skip) return t.plan(0, skip);
  for (const half of [false, true]) {
    const place = placeOf(t);
    for (const [name, mode] of [
      ['given', 0o644],
      ['closed', 0o600],
    ] as const) {
      fs.chownSync(place.write(`source/${name}`), RANGE + 100, RANGE + 100);
      fs.chmodSync(`${place.source}/${name}`, mode);
    }
    t.equal(await inRange(node(place, { owner: 'fail' })), 0);
    if (half)
      for (const name of fs.readdirSync(place.dest).filter((entry) => /^(given|closed|own)\._AXL/.test(entry)))
        fs.renameSync(place.path('dest', name), place.path('dest', name.replace(/\._AXL.*/, '')));
    const outside = await axlFinalize(['--job-ended', place.states], asUser);
    t.equal(outside.status, 0, outside.stderr);
    for (const name of ['own', 'given', 'closed', 'directory/own']) {
      const [to, from] = [place.dest, place.source].map((dir) => fs.statSync(`${dir}/${name}`));
      t.same([to?.uid, to?.gid, to?.mode], [from?.uid, from?.gid, from?.mode], `${name}, half: ${half}`);
    }
  }
});

t.test('root of a namespace finalizes what is its own, below directories of the root that it is not', async (t) => {
  const skip = await without();
  if (skip) return t.plan(0, skip);
  const place = placeOf(t);
  await program('unshare', ['-Ur', ...node(place, {})], asUser);
  const finalizer = [process.execPath, new URL('../../bin/axl-finalize.js', import.meta.url).pathname];
  const inside = await program('unshare', ['-Ur', ...finalizer, '--job-ended', place.states], asUser);
  t.equal(inside.status, 0, inside.stderr);
  t.same(tree(place.dest), tree(place.source));
});

/** A rank of USER, as root of a namespace or not, and then a finalizer of him in the other place. */
async function elsewhere(place: Place, isInside: boolean, options: object, ...more: string[]) {
  const unshare = (command: readonly string[], is: boolean) =>
    is ? program('unshare', ['-Ur', ...command], asUser) : program(command[0] as string, command.slice(1), asUser);
  const rank = await unshare(node(place, options), isInside);
  const finalizer = [process.execPath, FINALIZE, '--job-ended', '--json', ...more, place.states];
  return { rank, finalized: await unshare(finalizer, !isInside) };
}
const FINALIZE = new URL('../../bin/axl-finalize.js', import.meta.url).pathname;

for (const isInside of [true, false])
  t.test(
    `files that lack their owner, links and equal numbers are published ${isInside ? 'outside' : 'inside'}`,
    async (t) => {
      const skip = await without();
      if (skip) return t.plan(0, skip);
      for (const owner of ['warn', 'skip']) {
        const place = placeOf(t);
        fs.chownSync(place.write('source/other'), 5002, 5003);
        fs.chmodSync(place.path('source/other'), 0o644);
        fs.symlinkSync('own', place.path('source/link'));
        fs.lchownSync(place.path('source/link'), USER, USER);
        const { rank, finalized } = await elsewhere(place, isInside, { owner });
        t.equal(rank.status, 0, rank.stderr);
        t.equal(finalized.status, 0, finalized.stderr);
        t.same(tree(place.dest), tree(place.source));
        for (const name of ['own', 'directory/own', 'directory', 'link', '']) {
          const [to, from] = [place.dest, place.source].map((dir) => fs.lstatSync(`${dir}/${name}`));
          t.same([to?.uid, to?.gid, to?.mode], [from?.uid, from?.gid, from?.mode], name);
        }
        const lost = fs.statSync(`${place.dest}/other`);
        t.same([lost.uid, lost.gid, (lost.mode & 0o7777).toString(8)], [USER, USER, '644']);
        t.match(JSON.parse(finalized.stdout), { lacking: 1, lacks: ['owner'] }, 'and it is told');
      }
    },
  );

t.test('of a transfer without files the owner of its directories is never one by chance', async (t) => {
  const skip = await without();
  if (skip) return t.plan(0, skip);
  for (const isInside of [true, false])
    for (const owner of ['warn', 'fail']) {
      const place = new Place(t);
      place.mkdir('source/directory/empty', 0o2750);
      place.give(USER);
      const { rank, finalized } = await elsewhere(place, isInside, { owner });
      t.equal(rank.status, 0, rank.stderr);
      if (owner === 'fail' && isInside) {
        t.equal(finalized.status, 1, 'nothing tells that these are other numbers');
        t.match(finalized.stderr, /--metadata/, 'so there is a remedy');
        const remedy = await axlFinalize(['--job-ended', '--metadata=owner=warn', place.states], asUser);
        t.equal(remedy.status, 0, remedy.stderr);
      }
      const made = fs.statSync(`${place.dest}/directory/empty`);
      t.same([made.uid, made.gid], [USER, USER], `${isInside}, ${owner}: ${finalized.stderr}`);
      t.equal(made.mode & 0o027 & ~0o050, 0, 'nobody has more than of the source');
    }
});

t.test('who has no number in a namespace is nobody to root outside', async (t) => {
  const skip = await without();
  if (skip) return t.plan(0, skip);
  for (const more of [[], ['--metadata=owner=warn']]) {
    const place = new Place(t);
    place.write('source/directory/file');
    fs.symlinkSync('file', place.path('source/directory/link'));
    for (const name of ['directory/file', 'directory/link', 'directory'])
      fs.lchownSync(`${place.source}/${name}`, USER, USER);
    const rank = await program('unshare', ['-Ur', ...node(place, { owner: 'warn' })], {});
    t.equal(rank.status, 0, rank.stderr);
    const outside = await axlFinalize(['--job-ended', '--json', ...more, place.states]);
    t.equal(outside.status, 0, outside.stderr);
    t.match(JSON.parse(outside.stdout), { lacking: 3, lacks: ['owner'] });
    for (const name of ['directory/file', 'directory/link', 'directory']) {
      const { uid, gid } = fs.lstatSync(`${place.dest}/${name}`);
      t.same([uid, gid], [0, 0], `${name}: not 65534, who is somebody else`);
    }
  }
});

t.test('the number of one file is not taken for that of another', async (t) => {
  const skip = (await without()) || (spawnSync('nsenter', ['--version']).status === 0 ? '' : 'no nsenter');
  if (skip) return t.plan(0, skip);
  for (const last of ['directory', 'zone']) {
    const place = placeOf(t);
    fs.chownSync(place.write(`source/${last}/given`), RANGE + 100, RANGE + 100);
    fs.chmodSync(`${place.source}/${last}`, 0o751);
    fs.chownSync(`${place.source}/${last}`, USER, USER);
    t.equal(await inRange(node(place, { owner: 'fail' })), 0);
    const outside = await axlFinalize(['--job-ended', '--json', place.states], asUser);
    t.equal(outside.status, 0, outside.stderr);
    t.match(JSON.parse(outside.stdout), { lacking: 0 }, last);
    for (const name of [last, `${last}/given`, 'own', '']) {
      const [to, from] = [place.dest, place.source].map((dir) => fs.statSync(`${dir}/${name}`));
      t.same([to?.uid, to?.gid, to?.mode], [from?.uid, from?.gid, from?.mode], name);
    }
  }
});
