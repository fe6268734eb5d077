// openComm where no launcher helps: ranks that share a directory, what is no PMI, and what is refused. Ranks are processes
// with the environment of a launcher; test/hpc has real ones.
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import type { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { finalize, type OpenCommOptions, openComm } from '../../lib/index.js';
import { codeOf, isRoot, library, NOBODY, noStrangers, Place, rejection, said, script, tree } from '../support.js';

const env = (rank: number, size: number): Record<string, string> => ({ PMI_RANK: `${rank}`, PMI_SIZE: `${size}` });

/** Opens a comm with the options in args[0], does `body`, and prints what `out` holds, or the code of the error. */
const program = (body: string): string => `
  const out = [];
  let comm;
  try {
    comm = await axl.openComm({ timeoutMs: 300_000, ...JSON.parse(args[0]) });
    ${body}
  } catch (error) {
    out.push(error.code ?? error.name, error.message);
  }
  await comm?.close();
  console.log(JSON.stringify(out));`;

interface Ranks {
  readonly place: Place;
  readonly size?: number;
  readonly uid?: number | undefined;
  readonly more?: OpenCommOptions;
}

/** What each of the ranks that share a directory printed. */
async function ranks(body: string, { place, size = 3, uid, more = {} }: Ranks): Promise<string[][]> {
  const options = JSON.stringify({ provider: 'directory', directory: place.states, id: 'test', ...more });
  const runs = Array.from({ length: size }, (_, rank) =>
    script(program(body), [options], { env: env(rank, size), uid }),
  );
  return (await Promise.all(runs)).map(said);
}

t.test('ranks that share a directory agree, and leave it as it was', async (t) => {
  const place = new Place(t);
  const body = `
    for (let i = 0; i < 20; i++) out.push(await comm.allTrue(i % 3 !== comm.rank));
    out.push(...await Promise.all([comm.allTrue(true), comm.allTrue(comm.rank !== 1), comm.barrier()]));`;
  const answers = await ranks(body, { place });
  t.same(answers, Array(3).fill([...Array(20).fill(false), true, false, null]));
  t.same(tree(place.states), {});
});

t.test('ranks that are not at the same call hear so, and nobody counts an answer to another question', async (t) => {
  const place = new Place(t);
  const body = `
    out.push(await comm.allTrue(true, 'add'));
    out.push(await comm.allTrue(true, comm.rank === 2 ? 'wait' : 'add'));`;
  for (const said of await ranks(body, { place })) {
    t.same(said.slice(0, 2), [true, 'AXL_RANK_LOST']);
    t.match(said[2], 'rank 2 makes another call than rank 0');
  }
});

t.test('ranks that no launcher has started say which they are, and go together', async (t) => {
  const place = new Place(t);
  const body = `
    const { states, source, dest } = JSON.parse(args[1]);
    const transfer = await axl.Transfer.create({ name: 'ckpt', stateDir: states, comm });
    await transfer.add(source + '/' + comm.rank, dest + '/');
    await transfer.dispatch();
    out.push(comm.provider, (await transfer.wait()).state);
    await transfer.free();`;
  const open = (rank: number) => ({ rank, size: 3, directory: place.states, id: 'by-hand' });
  const paths = JSON.stringify({ states: place.states, source: place.source, dest: place.dest });
  for (const rank of [0, 1, 2]) place.write(`source/${rank}`);
  const runs = [0, 1, 2].map((rank) => script(program(body), [JSON.stringify(open(rank)), paths]));
  t.same((await Promise.all(runs)).map(said), Array(3).fill(['directory', 'completed']));
  t.same(Object.keys(tree(place.dest)), ['0', '1', '2']);
  t.same(tree(place.states), {});
  const wrong = async (options: OpenCommOptions) =>
    said(await script(program(''), [JSON.stringify({ directory: place.states, id: 'x', ...options })]));
  t.match(await wrong({ rank: 0 }), ['TypeError', /rank and size/]);
  t.match(await wrong({ size: 2 }), ['TypeError', /rank and size/]);
  t.match(await wrong({ rank: 2, size: 2 }), ['RangeError', /below size/]);
  t.match(await wrong({ rank: '0' as unknown as number, size: 2 }), ['TypeError', /quotes/]);
  const without = async (options: object) => said(await script(program(''), [JSON.stringify(options)]));
  t.match(await without({ rank: 0, size: 2 }), ['AXL_BACKEND_UNAVAILABLE', /give the option directory/]);
  t.match(await without({ rank: 0, size: 2, directory: place.states }), ['AXL_INVALID_STATE', /option id/]);
  t.same(await without({ rank: 0, size: 1 }), [], 'alone');
});

t.test('what a killed launch has left in the directory counts for nobody, and is removed', async (t) => {
  const place = new Place(t);
  const [old, session] = ['0123456789abcdef', 'fedcba9876543210'];
  const roll = [session, old, old, old].join('\n');
  const room = (name: string, text = '') => place.write(`states/.axl-comm-test/${name}`, text);
  for (const rank of [0, 1, 2]) {
    room(`join.${rank}.${old}`);
    room(`${session}.0.${rank}.${old}.1.true`);
  }
  room(`${session}.0`, 'true');
  room('roll', roll);
  t.same(await ranks('out.push(await comm.allTrue(comm.rank !== 2));', { place }), Array(3).fill([false]));
  t.same(tree(place.states), {});
});

t.test('a rank that has closed is lost to the others at once', async (t) => {
  const place = new Place(t);
  const body = (who: number) => `
    await comm.barrier();
    if (comm.rank === ${who}) { await comm.close(); out.push('left'); }
    else await comm.allTrue(true);`;
  for (const who of [0, 2]) {
    const answers = await ranks(body(who), { place });
    t.same(
      answers.map(([what]) => what),
      [0, 1, 2].map((rank) => (rank === who ? 'left' : 'AXL_RANK_LOST')),
    );
    t.same(tree(place.states), {});
  }
});

t.test('a directory that is removed under the ranks is an error on all of them', async (t) => {
  const place = new Place(t);
  const body = `
    const { renameSync } = await import('node:fs');
    await comm.barrier();
    const [from, to] = ${JSON.stringify([place.path('states/.axl-comm-test'), place.path('gone')])};
    if (comm.rank === 1) renameSync(from, to);
    await comm.allTrue(true);`;
  for (const [code] of await ranks(body, { place })) t.match(code, /^AXL_(RANK_LOST|IO)$/);
});

t.test('two processes that say they are the same rank are not both believed', async (t) => {
  const place = new Place(t);
  const options = JSON.stringify({ provider: 'directory', directory: place.states, id: 'test', timeoutMs: 5000 });
  const body = program('out.push(await comm.allTrue(true), await comm.allTrue(true));');
  const run = async (rank: number) => said(await script(body, [options], { env: env(rank, 2) }));
  const outcomes: unknown[][] = await Promise.all([run(1), run(1), run(0)]);
  t.ok(
    outcomes.slice(0, 2).some(([code]) => `${code}`.startsWith('AXL_')),
    JSON.stringify(outcomes),
  );
});

t.test('a rank that does not come in time is lost; whatever the other was at, it leaves nothing', async (t) => {
  const { states: directory } = new Place(t);
  for (const timeoutMs of [1, 2, 3, 5, 8, 50])
    for (const rank of [0, 1]) {
      const options = JSON.stringify({ provider: 'directory', directory, id: 'test', timeoutMs });
      const [code, message] = said(await script(program(''), [options], { env: env(rank, 2) }));
      t.equal(code, 'AXL_RANK_LOST');
      t.match(message, `for ${timeoutMs} ms`);
      t.same(tree(directory), {}, `rank ${rank}, ${timeoutMs} ms`);
    }
});

t.test(
  'a directory that is not there, cannot be written or is somebody else’s is an error that names it',
  async (t) => {
    const place = new Place(t);
    const open = async (directory: string, uid?: number) => {
      const options = JSON.stringify({ provider: 'directory', directory, id: 'x' });
      return said(await script(program(''), [options], { env: env(0, 2), uid }));
    };
    const none = place.path('none');
    const [code, message] = await open(none);
    t.equal(code, 'AXL_IO');
    t.ok(message.includes(`${none}/.axl-comm-x: ENOENT`), message);
    for (const [name, make] of Object.entries({
      link: (path: string) => fs.symlinkSync(place.mkdir('elsewhere', 0o700), path),
      file: (path: string) => fs.writeFileSync(path, ''),
      open: (path: string) => fs.chmodSync(fs.mkdirSync(path, { recursive: true }) as string, 0o777),
    })) {
      make(`${place.mkdir(name)}/.axl-comm-x`);
      t.equal((await open(place.path(name)))[0], 'AXL_UNSAFE_PATH', name);
    }
    const why = await noStrangers();
    if (why && isRoot) return t.comment(`SKIPPED a directory that cannot be written: ${why}`);
    t.match(await open(place.mkdir('forbidden', 0o555), isRoot ? NOBODY : undefined), ['AXL_IO', /EACCES/]);
    if (isRoot) {
      place.mkdir('theirs/.axl-comm-x', 0o755);
      fs.chmodSync(place.path('theirs'), 0o777);
      t.equal((await open(place.path('theirs'), NOBODY))[0], 'AXL_UNSAFE_PATH', "another user's");
    }
  },
);

t.test('axl-finalize does not count what ranks say to each other in a state directory', async (t) => {
  const place = new Place(t);
  place.write('states/.axl-comm-42.0/join.0.0123456789abcdef', '');
  for (const options of [{}, { recursive: true }]) {
    const { counts } = await finalize(place.states, options);
    t.equal(
      Object.values(counts).reduce((sum, count) => sum + count, 0),
      0,
      JSON.stringify(counts),
    );
  }
  t.same(Object.keys(tree(place.states)).length, 2);
});

t.test('without a launcher there is one rank, alone; a process has one comm at a time', async (t) => {
  await using comm = await openComm();
  t.match(comm, { provider: 'alone', rank: 0, size: 1 });
  t.same([await comm.allTrue(true), await comm.allTrue(false)], [true, false]);
  t.equal(await codeOf(openComm()), 'AXL_INVALID_STATE');
  t.ok((await rejection(comm.allTrue(1 as unknown as boolean))) instanceof TypeError);
  await comm.close();
  await comm.close();
  t.equal(await codeOf(comm.allTrue(true)), 'AXL_INVALID_STATE');
  t.equal(await codeOf(comm.barrier()), 'AXL_INVALID_STATE');
  await (await openComm()).close();
});

t.test('bad options are refused', async (t) => {
  const refused = (options: object) => rejection(openComm(options as OpenCommOptions));
  for (const options of [{ provider: 'mpi' }, { directory: 7 }, { timeout: 1 }, { provider: 'directory' }])
    t.ok((await refused(options)) instanceof TypeError, JSON.stringify(options));
  for (const options of [{ timeoutMs: 0 }, { id: 'a/b' }, { id: '' }, { id: 'x'.repeat(129) }])
    t.ok((await refused(options)) instanceof RangeError, JSON.stringify(options));
});

t.test('ranks that no way leads to are told what was tried; they never believe that they are alone', async (t) => {
  const open = async (options: OpenCommOptions, more: Record<string, string>) =>
    said(await script(program("out.push('open');"), [JSON.stringify(options)], { env: more }));
  const { states: directory } = new Place(t);
  const unavailable = (why: RegExp) => ['AXL_BACKEND_UNAVAILABLE', why];
  t.match(await open({}, env(0, 4)), unavailable(/4 ranks.*PMI_FD.*PMIX_NAMESPACE.*directory/));
  t.match(await open({ provider: 'pmi' }, env(0, 4)), unavailable(/PMI_FD/));
  t.match(await open({ provider: 'directory', directory, id: 'x' }, {}), unavailable(/no launcher/));
  const noLibrary = { PMIX_NAMESPACE: '1', AXL_PMIX_LIBRARY: '/nowhere/libpmix.so.2' };
  t.match(await open({}, noLibrary), unavailable(/libpmix2.*AXL_PMIX_LIBRARY/));
  t.match(await open({ provider: 'pmix' }, { AXL_PMIX_LIBRARY: 'libc.so.6' }), unavailable(/PMIx_Init/));
  t.match(await open({ directory }, env(0, 4)), ['AXL_INVALID_STATE', /give the option id/]);
});

/** A process whose descriptor 3 is a socket, at the other end of which `answer` gives a line for each line. */
async function onSocket(
  body: string,
  answer: (line: string) => string,
  { options = {}, more = {} }: { options?: OpenCommOptions; more?: Record<string, string> } = {},
): Promise<unknown[]> {
  const code = `const axl = await import(${JSON.stringify(library)}); const args = process.argv.slice(1); ${program(body)}`;
  const { NODE_OPTIONS: _, ...plain } = process.env;
  const node = ['--input-type=module', '-e', code, '--', JSON.stringify(options)];
  const child: ChildProcess = spawn(process.execPath, node, {
    env: { ...plain, ...env(0, 1), PMI_FD: '3', ...more },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const socket = child.stdio[3] as Duplex;
  socket.on('error', () => {});
  socket.on('data', (text) => {
    for (const line of String(text).split('\n').filter(Boolean)) {
      const reply = answer(line);
      if (reply === 'end') socket.end();
      else socket.write(reply);
    }
  });
  let stdout = '';
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return said({ stdout, stderr: '', status, signal: null });
}

const put = new Map<string, string>();

/** As a launcher of one rank answers. */
function launcher(line: string): string {
  const [, call = '', key = '', value = ''] = /cmd=(\w+)(?: kvsname=\S+ key=(\S+)(?: value=(\S+))?)?/.exec(line) ?? [];
  if (call === 'put') put.set(key, value);
  const replies: Record<string, string> = {
    init: 'cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0',
    get_maxes: 'cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024',
    get_my_kvsname: 'cmd=my_kvsname kvsname=kvs_1',
    put: 'cmd=put_result rc=0 msg=success',
    barrier_in: 'cmd=barrier_out',
    get: `cmd=get_result rc=0 msg=success value=${put.get(key)}`,
    finalize: 'cmd=finalize_ack',
  };
  return `${replies[call]}\n`;
}

/** The launcher, but that it gives another answer to one call. */
const but = (call: string, reply: string) => (line: string) =>
  line.includes(`cmd=${call} `) || line === `cmd=${call}` ? reply : launcher(line);

t.test('what is no PMI is refused when it is opened', async (t: Test) => {
  const wrong: Record<string, (line: string) => string> = {
    garbage: () => 'HTTP/1.1 400 Bad Request\r\n\r\n',
    'bytes without an end': () => '\xff'.repeat(100_000),
    'the end': () => 'end',
    'a refusal': but('init', 'cmd=response_to_init rc=-1 pmi_version=1\n'),
    'another version': but('init', 'cmd=response_to_init rc=0 pmi_version=2\n'),
    'short keys': but('get_maxes', 'cmd=maxes keylen_max=8\n'),
    'no space for keys': but('get_my_kvsname', 'cmd=my_kvsname\n'),
    'another answer': but('get_my_kvsname', 'cmd=barrier_out\n'),
  };
  const tries = Object.entries(wrong).map(async ([what, answer]) => [what, (await onSocket('', answer))[0]] as const);
  for (const [what, code] of await Promise.all(tries)) t.equal(code, 'AXL_BACKEND_UNAVAILABLE', what);
  t.match(await onSocket('', () => '', { options: { timeoutMs: 300 } }), ['AXL_RANK_LOST', /300 ms/], 'silence');
});

t.test('what goes wrong with PMI later is a lost rank, for this call and all later ones', async (t) => {
  const body = `
    out.push(await comm.allTrue(true));
    for (let i = 0; i < 2; i++) out.push(await comm.allTrue(false).catch(({ code }) => code));`;
  const wrong = {
    'the end': 'end',
    garbage: '\0\0\n',
    'a failure': 'cmd=put_result rc=-1 msg=full\n',
    'a value that is none': 'cmd=put_result rc=0\ncmd=put_result rc=0\n',
  };
  for (const [what, reply] of Object.entries(wrong)) {
    const answer = (line: string) => (line.includes('value=false') ? reply : launcher(line));
    t.same(await onSocket(body, answer), [true, 'AXL_RANK_LOST', 'AXL_RANK_LOST'], what);
  }
  const lost = await onSocket(body, but('get', 'cmd=get_result rc=-1 msg=key_not_found\n'));
  t.equal(lost[0], 'AXL_RANK_LOST', 'a key that is not there is not taken for an answer');
});

t.test('a PMI that knows other ranks than the launcher is refused: it would be alone', async (t) => {
  const more = { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '8' };
  t.match(await onSocket('', launcher, { options: { provider: 'pmi' }, more }), ['AXL_CONFLICT', /0 of 1.*3 of 8/]);
  t.match(await onSocket('', launcher, { more }), ['AXL_BACKEND_UNAVAILABLE'], 'and under mpirun it is not looked for');
});

t.test('a worker thread does not take the launcher from the main thread', async (t) => {
  const worker = `
    import('node:worker_threads').then(({ parentPort }) =>
      import(${JSON.stringify(library)})
        .then(({ openComm }) => openComm({ provider: 'pmi' }))
        .catch(({ code }) => parentPort.postMessage(code)));`;
  const code = `
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
    worker.on('message', (said) => console.log(JSON.stringify(said)));`;
  t.equal(said(await script(code, [], { env: { ...env(0, 1), PMI_FD: '3' } })), 'AXL_INVALID_STATE');
});

t.test('a PMI_FD that is no socket is refused', async (t) => {
  const place = new Place(t);
  for (const fd of ['', 'x', '-1', '99999', '1']) {
    const options = { env: { ...env(0, 1), PMI_FD: fd } };
    const [code] = said(await script(program(''), [JSON.stringify({ provider: 'pmi' })], options));
    t.equal(code, 'AXL_BACKEND_UNAVAILABLE', fd);
  }
  t.same(tree(place.states), {});
});
