// Starts the rank processes, kills the one that is to be killed, and says whether each did what its role asks.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PATIENCE_MS = 600_000;
const script = fileURLToPath(new URL('rank.mjs', import.meta.url));

/** What each role does, how its process ends, what axl-finalize then makes of its state file; is the rank complete? */
export const ROLES = {
  frees: { does: 'computes, waits, frees', ends: 'exit 0', complete: true },
  exits: { does: 'computes, exits without wait', ends: 'exit 0', action: 'published', complete: true },
  killed: { does: 'is killed', ends: 'SIGKILL', action: 'rolled-back', complete: false },
  canceled: { does: 'cancels', ends: 'exit 0', action: 'rolled-back', complete: false },
  waits: { does: 'computes, waits', ends: 'exit 0', action: 'removed', complete: true },
};

/** The objects in a text that has one a line. */
export const jsonLines = (text) => {
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line));
};

function start({ source, run, state, ranks }, { rank, role, names }, signal) {
  const job = { role, rank, size: ranks.length, names, source, dest: run, stateFile: `${state}/rank.${rank}` };
  const options = { stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE_MS, killSignal: 'SIGKILL', signal };
  return spawn(process.execPath, [script, JSON.stringify(job)], options);
}

/** @returns {Promise<object>} what the rank said, how it ended, and its stderr */
function runRank(demo, rank, signal) {
  const child = start(demo, rank, signal);
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill); // else the one that stands still would stay
  let [out, stderr] = ['', ''];
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  child.stdout.on('data', (text) => {
    out += text;
    if (rank.role === 'killed' && out.includes('"midCopy"')) kill();
  });
  return new Promise((resolve) => {
    child.on('error', (error) => {
      stderr += error.message;
    });
    child.on('close', (code, killedBy) => {
      process.off('exit', kill);
      resolve(Object.assign({ ...rank, stderr, ended: killedBy ?? `exit ${code}` }, ...jsonLines(out)));
    });
  });
}

/** @param {AbortSignal} signal kills them all */
export const runRanks = (demo, signal) => Promise.all(demo.ranks.map((rank) => runRank(demo, rank, signal)));

/** @returns {string[]} what a rank did otherwise than its role asks */
export function judge({ rank, role, ended, stderr, ...said }) {
  const wrong = [];
  const expect = (fine, sentence) => fine || wrong.push(`rank ${rank} ${sentence}`);
  const { ends } = ROLES[role];
  expect(ended === ends, `ended with ${ended}, not with ${ends}: ${stderr.trim()}`);
  if (role === 'killed' || role === 'canceled')
    expect(said.midCopy > 0 && said.midCopy < said.bytes, 'was not caught mid-copy');
  else
    expect(said.after > said.before || said.before === said.bytes, 'copied nothing while its event loop was blocked');
  if (role === 'canceled') expect(said.waitThrew === 'AbortError', `waited and got ${said.waitThrew ?? 'a report'}`);
  if (role === 'waits' || role === 'frees')
    expect(said.published === said.files, `published ${said.published} of ${said.files} files`);
  return wrong;
}
