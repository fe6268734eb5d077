// A mover whose jobs are processes of their own, which outlive the process that submitted them. A lock tells whether one
// runs: it is taken before the state file names the job, and the system lets go of it whatever the process dies of.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Assignment, Mover } from '../../lib/index.js';

const COPIER = join(import.meta.dirname, 'copier.js');
const HELD = 1; // what flock -n exits with

/** @param dir where jobs are recorded: another process that names it knows them */
export function childProcess(dir: string): Mover {
  const at = (token: string, name: string) => join(dir, `${token}.${name}`);
  fs.mkdirSync(dir, { recursive: true });
  return {
    name: 'child process',
    capabilities: { outlivesProcess: true, keepsPartial: false },

    async submit(assignment: Assignment): Promise<string> {
      const token = randomUUID();
      const hex = (name: Buffer) => name.toString('hex');
      const files = [...assignment.files()].map(({ id, source, temporary }) => ({
        ...{ id, source: hex(source), temporary: hex(temporary) },
      }));
      fs.writeFileSync(at(token, 'job'), JSON.stringify({ files }));
      const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env;
      const child = spawn('flock', ['-n', at(token, 'lock'), process.execPath, COPIER, dir, token], {
        ...{ detached: true, cwd: '/', env, stdio: ['pipe', 'pipe', 'ignore'] },
      });
      await once(child.stdout, 'data');
      await assignment.submitted(token);
      child.stdin.end('go');
      child.unref();
      child.stdout.destroy();
      return token;
    },

    async attach(token: string) {
      if (!fs.existsSync(at(token, 'job'))) return 'unknown';
      const { status } = spawnSync('flock', ['-n', '-E', `${HELD}`, at(token, 'lock'), 'true']);
      return status === 0 ? 'ended' : status === HELD ? 'running' : 'unknown';
    },

    async progress(token: string) {
      return fs.existsSync(at(token, 'progress'))
        ? JSON.parse(fs.readFileSync(at(token, 'progress'), 'utf8'))
        : { bytes: 0 };
    },

    async cancel(token: string): Promise<void> {
      fs.writeFileSync(at(token, 'cancel'), '');
    },

    async close(): Promise<void> {},
  };
}

/** The tokens of all jobs. */
export const jobsIn = (dir: string): string[] =>
  fs.existsSync(dir) ? fs.readdirSync(dir).flatMap((name) => (name.endsWith('.job') ? [name.slice(0, -4)] : [])) : [];
