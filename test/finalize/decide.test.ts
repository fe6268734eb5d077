// What becomes of a dataset, by what was seen of it: decide() as a table. One line is one dataset, without any I/O.
import t from 'tap';
import {
  decide,
  type Member,
  type Outcome,
  type Standing,
  type Verdict,
  type View,
  type Wanted,
} from '../../lib/finalize/decide.js';

const WANTED: Wanted = { incomplete: 'delete', fallback: 'keep', dryRun: false };

const uuid = (rank: number): string => `${rank}`.padStart(32, '0');

/** `0 complete`, with `alive`, `unknown` (whether it is), `theirs` (another shard's) or `again` (of
 * another run), `phases` or `points` behind it. */
function member(text: string): Member {
  const [rank, standing, ...more] = text.split(' ');
  const alive = more.includes('alive') ? 'yes' : more.includes('unknown') ? 'cannot tell' : 'no';
  return {
    ...{
      uuid: uuid(Number(rank) + (more.includes('again') ? 100 : 0)),
      rank: Number(rank),
      standing: standing as Standing,
    },
    ...{ alive, inPhases: more.includes('phases'), points: more.includes('points'), ours: !more.includes('theirs') },
  };
}

function view(members: string, more: Partial<View> = {}): View {
  const seen = { name: 'ckpt', sizes: [2], allRanks: false, homes: ['/s'], rivals: [], allSeen: 'yes' } as const;
  return { ...seen, members: members.split(', ').map(member), earlier: undefined, ...more };
}

const verdict = (decision: Verdict['decision'], ranks: readonly number[] | 'everyone'): Verdict => ({
  ...{ decision, dataset: 'd'.repeat(32), name: 'ckpt', size: 2 },
  scope: ranks === 'everyone' ? ranks : 'listed',
  transfers: new Map(ranks === 'everyone' ? [] : ranks.map((rank) => [uuid(rank), `rank${rank}`])),
});

/** An outcome as one line: verdict; what is written; what comes first; the part of each; the missing ranks. */
function line({ verdict, first, write, parts, missing, why }: Outcome): string {
  const lacking = missing.length > 0 ? `; missing ${missing}` : '';
  const before = [write && `write ${write}`, first !== 'nothing' && first].filter(Boolean).join(' after ');
  return `${verdict}${before && `; ${before}`}; ${parts.join(', ')}${lacking}${why ? `; ${why.code}` : ''}`;
}

type Row = readonly [what: string, seen: View, outcome: string, wanted?: Partial<Wanted>];

const whole = '0 complete, 1 complete';
const lacking = '0 complete, 1 incomplete';

const ROWS: readonly Row[] = [
  ['all are complete', view(whole), 'complete; write publish after commit; as it is, as it is'],
  ['a rank is missing', view('0 complete'), 'incomplete; write roll back after look again; roll back; missing 1'],
  [
    'a rank is not complete',
    view(lacking),
    'incomplete; write roll back after look again; roll back, roll back; missing 1',
  ],
  [
    'a rank failed to be dispatched',
    view('0 complete, 1 never-dispatched'),
    'incomplete; write roll back after look again; roll back, roll back; missing 1',
  ],
  ['a rank lives', view('0 complete, 1 incomplete alive'), 'busy; wait, wait; missing 1'],
  ['all are complete, and a rank lives', view('0 complete, 1 complete alive'), 'busy; wait, wait'],
  ['whether a rank lives cannot be told', view('0 complete, 1 complete unknown'), 'busy; wait, wait'],
  [
    'one is published, the other complete',
    view('0 published, 1 complete'),
    'complete; write publish after commit; as it is, as it is',
  ],
  [
    'a rank has a commit file',
    view('0 complete phases, 1 complete'),
    'complete; write publish in phases after commit; as it is, as it is',
  ],
  [
    'one rank that is all of its dataset has a commit file',
    view('0 complete phases', { sizes: [1] }),
    'complete; as it is',
  ],
  ['two ranks have a pointer', view('0 complete points, 1 complete points'), 'conflict; fail, fail; AXL_CONFLICT'],
  ['all are published', view('0 published, 1 published'), 'complete; commit; as it is, as it is'],
  [
    'one is published, the other is gone',
    view('0 published, 1 gone'),
    'incomplete; write roll back after look again; roll back, roll back; missing 1',
  ],
  ['so, and they go together', view('0 published, 1 gone', { allRanks: true }), 'complete; commit; as it is, as it is'],
  [
    'one is published, and one incomplete, though they go together',
    view('0 published, 1 incomplete', { allRanks: true }),
    'incomplete; write roll back after look again; roll back, roll back; missing 1',
  ],
  [
    'a rank has two transfers, one of them complete',
    view('0 complete, 1 complete, 1 incomplete'),
    'complete; write publish after commit; as it is, as it is, as it is',
  ],
  [
    'a rank beyond its size',
    view('0 complete, 5 complete'),
    'incomplete; write roll back after look again; roll back, roll back; missing 1',
  ],
  ['a rank that is all of its dataset', view('0 complete', { sizes: [1] }), 'complete; as it is'],
  ['such a rank is incomplete', view('0 incomplete', { sizes: [1] }), 'incomplete; look again; incomplete; missing 0'],

  ['something was not seen', view('0 complete', { allSeen: 'cannot tell' }), 'incomplete; look again; keep; missing 1'],
  [
    'something was not seen, and all are complete',
    view(whole, { allSeen: 'cannot tell' }),
    'complete; write publish after commit; as it is, as it is',
  ],
  [
    'incomplete ones are to be kept',
    view(lacking),
    'incomplete; look again; incomplete, incomplete; missing 1',
    { incomplete: 'keep' },
  ],
  [
    'what could not be resumed is to be kept',
    view(lacking),
    'incomplete; look again; incomplete, incomplete; missing 1',
    { incomplete: 'resume' },
  ],
  [
    'what could not be resumed is to be deleted',
    view(lacking),
    'incomplete; write roll back after look again; roll back, roll back; missing 1',
    { incomplete: 'resume', fallback: 'delete' },
  ],
  [
    'another shard has not resumed its own yet',
    view('0 complete, 1 incomplete theirs'),
    'incomplete; look again; keep, keep; missing 1',
    { incomplete: 'resume', fallback: 'delete' },
  ],
  ['a dry run', view(whole), 'complete; as it is, as it is', { dryRun: true }],
  [
    'a dry run, incomplete',
    view(lacking),
    'incomplete; look again; incomplete, incomplete; missing 1',
    { dryRun: true },
  ],
  [
    'a dry run that would resume',
    view(lacking),
    'complete; as it is, as it is',
    { dryRun: true, incomplete: 'resume' },
  ],

  [
    'it was decided to publish, and one is done with',
    view('1 complete', { earlier: verdict('publish', [0, 1]) }),
    'complete; as it is',
  ],
  [
    'it was decided to publish, and a rank lives',
    view('0 complete alive, 1 complete', { earlier: verdict('publish', [0, 1]) }),
    'complete; as it is, as it is',
  ],
  [
    'ranks agreed to publish, and one is done with',
    view('1 complete', { earlier: verdict('publish', 'everyone') }),
    'complete; as it is',
  ],
  [
    'ranks agreed to publish, not all was seen, and incomplete ones are deleted',
    view('1 complete', { earlier: verdict('publish', 'everyone'), allSeen: 'cannot tell' }),
    'complete; as it is',
  ],
  [
    'it was decided to roll back, though all are complete by now',
    view(whole, { earlier: verdict('roll back', [0, 1]) }),
    'incomplete; roll back, roll back',
  ],
  [
    'it was decided to roll back, though incomplete ones are kept',
    view('0 complete', { earlier: verdict('roll back', [0, 1]) }),
    'incomplete; roll back; missing 1',
    { incomplete: 'keep' },
  ],
  [
    'one came after it was decided to publish',
    view(whole, { earlier: verdict('publish', [0]) }),
    'complete; as it is, hold',
  ],
  [
    'an incomplete one came after it was decided to roll back',
    view(lacking, { earlier: verdict('roll back', [0]) }),
    'incomplete; roll back, incomplete; missing 1',
  ],

  [
    'two runs that say the same of themselves have both left a rank',
    view('0 complete, 1 complete, 1 complete again'),
    'conflict; fail, fail, fail; AXL_CONFLICT',
  ],
  [
    'a rank of an earlier run is published and stays, and one of this run is not there',
    view('0 published, 0 complete again'),
    'conflict; fail, fail; missing 1; AXL_CONFLICT',
  ],
  [
    'a rank began twice, and completed one transfer',
    view('0 complete, 1 incomplete, 1 complete again'),
    'complete; write publish after commit; as it is, as it is, as it is',
  ],
  [
    'two runs have both begun, and each completed another rank',
    view('0 complete, 1 incomplete, 0 never-dispatched again, 1 complete again'),
    'conflict; fail, fail, fail, fail; AXL_CONFLICT',
  ],
  [
    'two runs have both begun, and neither completed the last rank',
    view('0 complete, 1 incomplete, 0 incomplete again, 1 complete again', { sizes: [3] }),
    'incomplete; write roll back after look again; roll back, roll back, roll back, roll back; missing 2',
  ],
  [
    'what an earlier run has given up is no transfer of this one',
    view('0 complete, 1 complete, 0 rolled-back again, 1 rolled-back again'),
    'complete; write publish after commit; as it is, as it is, as it is, as it is',
  ],
  [
    'two paths lead to one transfer',
    view('0 complete, 1 complete, 1 complete'),
    'complete; write publish after commit; as it is, as it is, as it is',
  ],
  [
    'two runs of one rank',
    view('0 complete, 0 complete again', { sizes: [1] }),
    'complete; write publish after commit; as it is, as it is',
  ],
  [
    'two runs have both left a rank, and one lives',
    view('0 complete, 1 complete alive, 1 complete again'),
    'busy; wait, wait, wait',
  ],

  ['its transfers name two homes', view(whole, { homes: ['/s', '/t'] }), 'conflict; fail, fail; AXL_CONFLICT'],
  [
    'its transfers name two homes, and one was decided about',
    view(whole, { homes: ['/s', '/t'], earlier: verdict('publish', [0]) }),
    'conflict; fail, fail; AXL_CONFLICT',
  ],
  ['its transfers have two sizes', view(whole, { sizes: [2, 3] }), 'conflict; fail, fail; missing 2; AXL_CONFLICT'],
  [
    'the missing rank has another home',
    view('0 complete', { rivals: [{ home: '/t', size: 2, ranks: [1] }] }),
    'conflict; fail; missing 1; AXL_CONFLICT',
  ],
  [
    'the missing rank has another size',
    view('0 complete', { rivals: [{ home: '/s', size: 3, ranks: [1] }] }),
    'conflict; fail; missing 1; AXL_CONFLICT',
  ],
  [
    'the missing rank has another home, and this one lives',
    view('0 complete alive', { rivals: [{ home: '/t', size: 2, ranks: [1] }] }),
    'busy; wait; missing 1',
  ],
  [
    'another run of that name has the same rank',
    view('0 complete', { rivals: [{ home: '/t', size: 2, ranks: [0] }] }),
    'incomplete; write roll back after look again; roll back; missing 1',
  ],
  [
    'another run of that name, and this one is complete',
    view(whole, { rivals: [{ home: '/t', size: 2, ranks: [1] }] }),
    'complete; write publish after commit; as it is, as it is',
  ],
];

for (const [what, seen, outcome, wanted] of ROWS)
  t.test(what, async (t) => {
    t.equal(line(decide(seen, { ...WANTED, ...wanted })), outcome);
  });

t.test('a conflict names both homes and the remedy', async (t) => {
  const { why } = decide(view('0 complete', { rivals: [{ home: '/t', size: 2, ranks: [1] }] }), WANTED);
  for (const word of ['/s', '/t', 'option home']) t.match(why?.message, word);
});

t.test('of a hundred thousand missing ranks a hundred are named', async (t) => {
  const { missing, missingCount } = decide(view('0 complete', { sizes: [100_000] }), WANTED);
  t.same([missing.length, missing[0], missingCount], [100, 1, 99_999]);
});

t.test('the same is decided whatever the order in which transfers were seen', async (t) => {
  for (const [what, seen, , wanted] of ROWS) {
    const all = { ...WANTED, ...wanted };
    const turned = decide({ ...seen, members: [...seen.members].reverse() }, all);
    const { parts, ...rest } = decide(seen, all);
    t.same(turned, { ...rest, parts: [...parts].reverse() }, what);
  }
});
