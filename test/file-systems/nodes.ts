// Two hosts on one machine: each has a name, a boot id and a mount of its own.
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type ChildOptions, type Ended, library, type Place, program, root } from '../support.js';

const SETUP = [
  'hostname "$1"',
  'mount --bind "$2" /proc/sys/kernel/random/boot_id',
  'mount --bind "$3" "$4"',
  'shift 4; exec "$@"',
].join(' && ');

export interface Rank {
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
}

/** Sees what is mounted at `mounted` under a path that is the same on all nodes. */
export class TestNode {
  readonly #before: readonly string[];

  constructor(place: Place, name: string, mounted: string, shared: string) {
    const boot = place.write(`boot-id/${name}`, `${randomUUID()}\n`);
    this.#before = ['-mu', 'sh', '-c', SETUP, 'sh', name, boot, mounted, shared];
  }

  run(command: string, args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
    return program('unshare', [...this.#before, command, ...args], options);
  }

  finalize(...args: string[]): Promise<Ended> {
    return this.run(process.execPath, [join(root, 'dist/bin/axl-finalize.js'), '--no-progress', ...args]);
  }

  /** Runs JavaScript, until it says `until` and, if `stopped`, has stopped itself after that; or to its end. */
  start(code: string, args: readonly string[], until: string, stopped: boolean): Promise<Rank> {
    const prelude = `const axl = await import(${JSON.stringify(library)}); const args = process.argv.slice(1);`;
    const node = ['--input-type=module', '-e', prelude + code, '--', ...args];
    return new Promise((resolve, reject) => {
      const ended: Promise<Ended> = this.run(process.execPath, node, {
        onStdout: (text, kill) => {
          const pid = new RegExp(`${until} (\\d+)`).exec(text)?.[1];
          if (pid !== undefined) whenStopped(stopped ? pid : '').then(() => resolve({ kill, ended }), reject);
        },
      });
      ended.then(({ stderr, stdout }) => reject(new Error(`the rank ended early: ${stdout}${stderr}`)), reject);
    });
  }
}

async function whenStopped(pid: string): Promise<void> {
  const state = () => /\) (.)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  while (pid !== '' && state() !== 'T') await new Promise((resolve) => setTimeout(resolve, 5));
}
