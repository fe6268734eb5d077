// A real Slurm on this host alone: a munged, a slurmctld and four slurmds of our own, in one temporary directory and
// one process namespace, on free ports of loopback. Whatever becomes of the test, they are gone with it: the first
// process of the namespace ends when its stdin does. The system's own Slurm and munge are neither touched nor used.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type Ended, isRoot, noStrangers, program, root } from '../../support.js';

/** A normal user with an entry in the user database, whom every system has: Slurm gives root no burst buffers. */
export const USER = 65534;
const USER_NAME = 'nobody';
const NODES = 4;
const CPUS = 16;
const FINALIZE = join(root, 'dist/bin/axl-finalize.js');
/** Only so that what hangs ends: longer than anything takes on a busy machine. */
const PATIENCE_MS = 600_000;
const POLL_MS = 50;

const NEEDED = {
  'slurm-wlm': '/usr/sbin/slurmctld',
  'slurm-wlm-basic-plugins': '/usr/lib/x86_64-linux-gnu/slurm-wlm/burst_buffer_lua.so',
  munge: '/usr/sbin/munged',
};

/** '' if a cluster can be started here, or why not. */
export async function noCluster(): Promise<string> {
  if (!isRoot) return 'needs root: it starts daemons that run jobs as another user';
  const missing = Object.entries(NEEDED).filter(([name, path]) => !installed(name, path));
  if (missing.length > 0) return `needs the Debian packages ${missing.map(([name]) => name).join(' ')}`;
  const { status } = spawnSync('unshare', [...NAMESPACE, 'true']);
  if (status !== 0) return 'needs a process namespace, which cannot be made here (unshare --pid --mount)';
  return noStrangers();
}

const installed = (name: string, path: string): boolean =>
  fs.existsSync(path) || (name.endsWith('plugins') && spawnSync('dpkg', ['-s', name]).status === 0);

const NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc'];

/** Runs each line of its stdin in the background; at the end of stdin everything in the namespace ends. */
const FIRST_PROCESS = `
  while IFS= read -r line; do eval "$line" & done
  [ $$ = 1 ] && kill -KILL -1
  rm -rf -- "$0"`;

/**
 * Ports that nobody has at the moment, below those that the kernel gives to clients. Until the daemons have them, another
 * test that looks for some is kept away by the socket `claim`, which is this process's as long as it lives.
 */
async function freePorts(count: number): Promise<number> {
  for (let first = 20_000; first < 32_000; first += count) {
    const claim = await listen({ path: `\0axl-slurm-${first}` });
    if (!claim) continue;
    claim.unref();
    const tries = Array.from({ length: count }, (_, i) => isFree(first + i));
    if ((await Promise.all(tries)).every(Boolean)) return first;
  }
  throw new Error('no free ports');
}

const listen = (where: ListenOptions): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(undefined));
    server.listen(where, () => resolve(server));
  });

async function isFree(port: number): Promise<boolean> {
  const server = await listen({ port, host: '127.0.0.1' });
  if (server) await new Promise((resolve) => server.close(resolve));
  return server !== undefined;
}

export interface Settings {
  /** Lines of slurm.conf besides those that every cluster needs. */
  readonly slurm?: readonly string[];
  readonly burstBuffer?: readonly string[];
}

export interface Job {
  readonly JobId: string;
  readonly JobState: string;
  readonly Reason: string;
  readonly [field: string]: string;
}

export class Cluster {
  readonly root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'axl-slurm-')));
  readonly conf = this.path('etc', 'slurm.conf');
  #first: ChildProcess | undefined;

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** Started, with all nodes idle; stopped when the test has ended. */
  static async start(t: Test, settings: Settings = {}): Promise<Cluster> {
    const cluster = new Cluster();
    t.teardown(() => cluster.stop());
    await cluster.#configure(settings);
    cluster.#startFirst();
    await cluster.#startDaemons();
    return cluster;
  }

  /** A directory that the user may write to. */
  place(name: string): string {
    const path = this.path(name);
    fs.mkdirSync(path);
    fs.chownSync(path, USER, USER);
    return path;
  }

  async #configure({ slurm = [], burstBuffer = [] }: Settings): Promise<void> {
    for (const name of ['etc', 'log', 'state', 'munge', 'owners']) fs.mkdirSync(this.path(name));
    fs.chmodSync(this.root, 0o755);
    const conf = [...slurmConf(this.root, await freePorts(NODES + 1)), ...slurm];
    fs.writeFileSync(this.conf, `${conf.join('\n')}\n`);
    const example = (name: string) => fs.readFileSync(join(root, 'examples/slurm', name), 'utf8');
    const buffer = [example('burst_buffer.conf'), ...burstBuffer];
    fs.writeFileSync(this.path('etc', 'burst_buffer.conf'), `${buffer.join('\n')}\n`);
    const lua = {
      node: process.execPath,
      finalize: FINALIZE,
      wait: 600,
      owners: this.path('owners'),
      slurm_conf: this.conf,
    };
    fs.writeFileSync(
      this.path('etc', 'burst_buffer.lua'),
      configured(example('burst_buffer.lua'), /^ {2}(\w+) = .*$/, lua),
    );
    const epilog = { NODE: process.execPath, FINALIZE, STATES: this.place('epilog-states'), WAIT: '600s' };
    const script = configured(example('epilog.sh'), /^(\w+)=.*$/, epilog);
    const trace = `printenv PATH >> '${this.place('out')}/epilog-path'`;
    fs.writeFileSync(this.path('etc', 'epilog.sh'), script.replace('\ndir=', `\n/usr/bin/${trace}\ndir=`), {
      mode: 0o755,
    });
    fs.writeFileSync(this.path('munge', 'key'), Buffer.from(crypto.getRandomValues(new Uint8Array(1024))), {
      mode: 0o400,
    });
    spawnSync('chown', ['-R', 'munge:munge', this.path('munge')]);
    fs.chmodSync(this.path('munge'), 0o711);
  }

  #startFirst(): void {
    const first = ['unshare', ...NAMESPACE, 'bash', '-c', FIRST_PROCESS, this.root];
    this.#first = spawn('env', ['-u', 'NODE_OPTIONS', ...first], {
      detached: true, // so that a Ctrl-C reaches the test alone, which ends this by ending stdin
      stdio: ['pipe', fs.openSync(this.path('log', 'first'), 'a'), fs.openSync(this.path('log', 'first'), 'a')],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SLURM_CONF: this.conf },
    });
  }

  /** Runs a line in the namespace, as root, in the background. */
  tell(line: string): void {
    this.#first?.stdin?.write(`${line}\n`);
  }

  async #startDaemons(): Promise<void> {
    const munge = (name: string) => `--${name}=${this.path('munge', name.split('-')[0] as string)}`;
    const files = ['key-file', 'socket', 'pid-file', 'log-file', 'seed-file'].map(munge).join(' ');
    this.tell(`runuser -u munge -- munged --foreground ${files}`);
    await until('munged is there', () => fs.existsSync(this.path('munge', 'socket')));
    await this.startController();
    for (let i = 1; i <= NODES; i++) this.tell(`slurmd -D -N n${i}`);
    await until('all nodes are idle', async () => (await this.#idle()) === NODES);
  }

  async #idle(): Promise<number> {
    const { stdout } = await this.asRoot('sinfo', '--noheader', '--Node', '--states=idle', '--format=%N');
    return stdout.split('\n').filter(Boolean).length;
  }

  async startController(): Promise<void> {
    this.tell('slurmctld -D');
    await until('slurmctld answers', async () => (await this.asRoot('scontrol', 'ping')).status === 0);
  }

  /** As systemd does, and on the disk is what it leaves there. */
  async stopController(): Promise<void> {
    const gone = this.path('gone');
    const pid = `$(cat ${this.path('slurmctld.pid')})`;
    this.tell(`pid=${pid}; kill $pid; while kill -0 $pid; do sleep .02; done; touch ${gone}`);
    await until('slurmctld is gone', () => fs.existsSync(gone));
    fs.rmSync(gone);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#first?.once('close', resolve));
    this.#first?.stdin?.end();
    if (this.#first) await ended;
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  asRoot(command: string, ...args: string[]): Promise<Ended> {
    return program(command, args, { env: { SLURM_CONF: this.conf } });
  }

  /** A command of the user, from a login node. */
  run(command: string, ...args: string[]): Promise<Ended> {
    return program(command, args, { env: { SLURM_CONF: this.conf, USER: USER_NAME, LOGNAME: USER_NAME }, uid: USER });
  }

  /** @returns the job's id */
  async submit(script: string, ...args: string[]): Promise<string> {
    const file = this.path(`job-${process.hrtime.bigint()}.sh`);
    fs.writeFileSync(file, script);
    const output = this.path('out', 'job.%j');
    const { stdout, stderr, status } = await this.run('sbatch', '--parsable', `--output=${output}`, ...args, file);
    if (status !== 0) throw new Error(`sbatch: ${stderr}`);
    return stdout.trim();
  }

  async job(id: string): Promise<Job> {
    const { stdout } = await this.asRoot('scontrol', '--oneliner', 'show', 'job', id);
    return Object.fromEntries(
      stdout.split(/ (?=[A-Z][\w/:]*=)/).map((field) => field.trim().split(/=(.*)/s).slice(0, 2)),
    );
  }

  /** Waits until a job is as wanted. */
  async until(id: string, what: string, wanted: (job: Job) => boolean): Promise<Job> {
    let job = await this.job(id);
    const arrived = async () => {
      job = await this.job(id);
      return wanted(job);
    };
    await until(`job ${id} ${what}`, arrived).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(job)}\n${this.log('slurmctld')}`);
    });
    return job;
  }

  /** The job is over, and so is its post-stage. */
  finished(id: string): Promise<Job> {
    return this.until(id, 'is finished', ({ BurstBufferState }) => BurstBufferState === 'complete');
  }

  /** What a job printed. */
  output(id: string): string {
    return read(this.path('out', `job.${id}`));
  }

  log(name: string): string {
    return read(this.path('log', name)).slice(-4000);
  }
}

export const read = (path: string): string => (fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '');

/** Asks again and again. @throws {Error} after ten minutes */
export async function until(what: string, ask: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`after ${PATIENCE_MS / 1000} s still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** An example with its configuration block filled in, and nothing else changed. */
function configured(text: string, line: RegExp, values: Readonly<Record<string, string | number>>): string {
  const [block = '', ...rest] = text.split('end of configuration');
  const lines = block.split('\n').map((old) => {
    const name = line.exec(old)?.[1] ?? '';
    if (values[name] === undefined) return old;
    return line.source.includes(' = ') ? `  ${name} = ${JSON.stringify(values[name])},` : `${name}='${values[name]}'`;
  });
  return [lines.join('\n'), ...rest].join('end of configuration');
}

const slurmConf = (base: string, port: number): string[] => [
  'ClusterName=axl',
  `SlurmctldHost=${hostname().split('.')[0]}(127.0.0.1)`,
  `SlurmctldPort=${port}`,
  'SlurmUser=root',
  'SlurmdUser=root',
  'AuthType=auth/munge',
  `AuthInfo=socket=${base}/munge/socket`,
  'CommunicationParameters=NoCtldInAddrAny,NoInAddrAny',
  `StateSaveLocation=${base}/state`,
  `SlurmdSpoolDir=${base}/spool.%n`,
  `SlurmctldPidFile=${base}/slurmctld.pid`,
  `SlurmdPidFile=${base}/slurmd.%n.pid`,
  `SlurmctldLogFile=${base}/log/slurmctld`,
  `SlurmdLogFile=${base}/log/slurmd.%n`,
  'SlurmctldDebug=verbose',
  'DebugFlags=BurstBuffer',
  'ProctrackType=proctrack/linuxproc',
  'TaskPlugin=task/none',
  'SelectType=select/cons_tres',
  'SelectTypeParameters=CR_CPU',
  'SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=0,batch_sched_delay=0',
  'SlurmdParameters=config_overrides',
  'ReturnToService=2',
  'KillWait=60',
  // A busy machine is not a dead node.
  'MessageTimeout=300',
  'TCPTimeout=60',
  'BatchStartTimeout=300',
  'OverTimeLimit=0',
  'CompleteWait=0',
  'MpiDefault=none',
  'PropagateResourceLimits=NONE',
  'BurstBufferType=burst_buffer/lua',
  `Epilog=${base}/etc/epilog.sh`,
  `NodeName=n[1-${NODES}] NodeHostname=${hostname().split('.')[0]} NodeAddr=127.0.0.1 ` +
    `Port=${port + 1}-${port + NODES} CPUs=${CPUS} RealMemory=4000 State=UNKNOWN`,
  `PartitionName=debug Nodes=n[1-${NODES}] Default=YES MaxTime=10 State=UP OverSubscribe=YES`,
];
