// Which file-system calls one rank and one state file cost, phase by phase, as strace sees them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { number } from '../format.mjs';
import { finalizer } from '../programs.mjs';
import { makeFile } from '../scratch.mjs';

export const title = 'Operations';
export const text =
  'What one rank asks of the file systems of its state file and its destination, by phase, and what `axl-finalize` asks ' +
  'for one more state file (the difference of 66 and 2, by 64: what a run asks once is not in it). "looks" read ' +
  'metadata: stat, open of what is there, readlink, access. A rank whose transfer ends without wait() leaves "publish" ' +
  'and "free" to axl-finalize.';
export const columns = {
  create: ['creates', number],
  rename: ['renames', number],
  unlink: ['unlinks', number],
  attributes: ['attributes set', number],
  looks: ['looks', number],
  fsync: ['fsyncs of files', number],
  fsyncDirectory: ['of directories', number],
  lock: ['locks', number],
};

export const cases = () => [
  { name: '1 file', files: 1, runs: 1 },
  { name: '4 files', files: 4, runs: 1 },
];

const PHASES = ['create', 'add', 'dispatch', 'copy', 'publish', 'free'];
const DONE = 'end';

/** Runs under strace. Phases are told apart by looks at names that are not there. */
export async function rank({ base, source, files, mark }) {
  const { Transfer } = await import('../../dist/lib/index.js');
  const phase = (name) => statSync(`${mark}${name}`, { throwIfNoEntry: false });
  const run = async (rank) => {
    phase('create');
    const transfer = await Transfer.create({ name: 'ckpt', stateDir: join(base, 'state'), rank, size: 2 });
    phase('add');
    for (let i = 0; i < files; i++) await transfer.add(source, join(base, 'dest', `${rank}.${i}`));
    phase('dispatch');
    await transfer.dispatch();
    phase('copy');
    for await (const _ of transfer.progress());
    phase('publish');
    await transfer.wait();
    phase('free');
    await transfer.free();
    phase(DONE);
  };
  await run(0); // what only the first of a process does
  await run(1);
  return {};
}

/** What a line of strace counts as, if it is about something below `base`. */
function kindOf(line, base) {
  if (!line.includes(`${base}/state`) && !line.includes(`${base}/dest`)) return undefined;
  const call = /^\d+\s+(\w+)\(/.exec(line)?.[1] ?? '';
  if (/^open/.test(call)) return line.includes('O_CREAT') ? 'create' : 'looks';
  if (call === 'fsync') return /fsync\(\d+<[^>]*\/(state|dest)(\.\d+)?>/.test(line) ? 'fsyncDirectory' : 'fsync';
  if (/^f?unlink/.test(call)) return 'unlink';
  if (/^rename/.test(call)) return 'rename';
  if (/^(fchmod|fchown|utimensat|fsetxattr)/.test(call)) return 'attributes';
  if (/^(newfstatat|statx|readlink|faccessat2|llistxattr)/.test(call)) return 'looks';
  return call === 'flock' ? 'lock' : undefined;
}

const zero = () => Object.fromEntries(Object.keys(columns).map((key) => [key, 0]));

function trace(out, ...args) {
  const { status, error } = spawnSync(
    'strace',
    ['-f', '-y', '-s', '4096', '-e', 'trace=%file,%desc', '-o', out, ...args],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  if (error || status !== 0) throw error ?? new Error(`strace ended with status ${status}`);
  return readFileSync(out, 'utf8').split('\n');
}

function ofRank(base, source, { files }) {
  const mark = join(base, 'mark-');
  const given = JSON.stringify({ base, source, files, mark });
  const code = `import(${JSON.stringify(import.meta.url)}).then((trial) => trial.rank(${given}))`;
  const counts = {};
  let phase = '';
  for (const line of trace(join(base, 'trace'), process.execPath, '-e', code)) {
    const next = line.includes(mark) ? line.slice(line.indexOf(mark) + mark.length).split('"')[0] : undefined;
    if (next) counts[next] = zero();
    phase = next ?? phase;
    const kind = next ? undefined : kindOf(line, base);
    if (kind && phase) counts[phase][kind]++;
  }
  return Object.fromEntries(PHASES.map((name) => [`rank: ${name}`, counts[name]]));
}

const MANY = 64;
const worker = fileURLToPath(new URL('../worker.mjs', import.meta.url));

/** What `states` state files cost together. */
function ofFinalizer(base, source, { files, allRanks = false }, states) {
  const [state, dest] = [join(base, 'state'), join(base, 'dest')];
  for (const directory of [base, state, dest]) mkdirSync(directory, { recursive: true });
  const input = JSON.stringify({ states, files, source, state, dest, durability: 'full', allRanks });
  execFileSync(process.execPath, [worker, 'finalize', 'makeStates'], { input });
  const counts = zero();
  for (const line of trace(join(base, 'trace'), process.execPath, finalizer, '--quiet', '--jobs', '1', state)) {
    const kind = kindOf(line, base);
    if (kind) counts[kind]++;
  }
  return counts;
}

export async function open(c, { memory }) {
  const source = makeFile(join(memory, 'source'), 4096);
  const base = join(memory, 'rank');
  for (const name of ['state', 'dest']) mkdirSync(join(base, name), { recursive: true });
  const phases = ofRank(base, source, c);
  const each = (allRanks) => {
    const of = (states) => ofFinalizer(join(memory, `${states}.${allRanks}`), source, { ...c, allRanks }, states);
    const [one, many] = [of(2), of(MANY + 2)];
    return Object.fromEntries(Object.entries(many).map(([key, n]) => [key, (n - one[key]) / MANY]));
  };
  const all = { ...phases, 'axl-finalize': each(false), 'axl-finalize, all ranks': each(true) };
  return Object.fromEntries(Object.entries(all).map(([name, counts]) => [name, async () => counts]));
}
