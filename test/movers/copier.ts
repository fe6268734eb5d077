// The process in which the mover of child-process.ts copies. It holds the lock of its job from its first line to its end,
// and writes nothing before it is told that the state file names the job.
import * as fs from 'node:fs';
import { join } from 'node:path';

interface Job {
  readonly files: readonly { readonly id: number; readonly source: string; readonly temporary: string }[];
}

const [dir = '', token = ''] = process.argv.slice(2);
const at = (name: string) => join(dir, `${token}.${name}`);
const bytesOf = (hex: string) => Buffer.from(hex, 'hex');
const sleep = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
const isCanceled = () => fs.existsSync(at('cancel'));

/** While `hold` is there nothing is copied, or but the first file if it says so. */
function waitFor(n: number): void {
  const isHeld = () => {
    try {
      return fs.readFileSync(join(dir, 'hold'), 'utf8') === `${n}`;
    } catch {
      return false; // it is let go
    }
  };
  while (isHeld() && !isCanceled()) sleep();
}

function copy(): void {
  const { files } = JSON.parse(fs.readFileSync(at('job'), 'utf8')) as Job;
  const failures: { id: number; message: string }[] = [];
  let bytes = 0;
  for (const [n, { id, source, temporary }] of files.entries()) {
    waitFor(n);
    if (isCanceled()) break;
    try {
      const data = fs.readFileSync(bytesOf(source));
      if (fs.existsSync(join(dir, 'spoil'))) data[0] = ~(data[0] as number);
      fs.writeFileSync(bytesOf(temporary), data, { mode: 0o600, flag: 'wx' });
      bytes += data.length;
    } catch (error) {
      failures.push({ id, message: (error as Error).message });
    }
    fs.writeFileSync(at('progress.new'), JSON.stringify({ bytes, failures }));
    fs.renameSync(at('progress.new'), at('progress'));
  }
}

process.stdout.write('ready');
process.stdin.once('data', () => {
  copy();
  process.exit(0);
});
process.stdin.once('end', () => process.exit(0)); // the process that submitted it is dead
