// What the process of --background does: see background.ts, which starts it.
import { writeSync } from 'node:fs';
import type { Transfer } from '../../index.js';
import { UsageError } from '../errors.js';
import type { Outcome } from './outcome.js';
import type { CpRequest } from './parse.js';
import { outcomeOf } from './perform.js';
import { settingsOf } from './settings.js';

/** Standard output may be closed: whoever has started this process need not live as long. */
function say(outcome: Outcome): void {
  try {
    writeSync(1, `${JSON.stringify(outcome)}\n`);
  } catch {}
}

/** Of a wrong command line: what is found out here only. */
function wrongly(error: unknown): Outcome {
  if (!(error instanceof UsageError)) throw error;
  return { action: 'failed', status: 2, error: { code: 'ERR_INVALID_ARG_VALUE', message: error.message } };
}

/** What that process does. @returns its exit status */
export async function serve(): Promise<number> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const request = JSON.parse(Buffer.concat(chunks).toString()) as CpRequest;
  const controller = new AbortController();
  process.on('SIGTERM', () => controller.abort(new Error('SIGTERM')));
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});
  let isTold = false;
  const dispatched = (_: Transfer, planned: Partial<Outcome>) => {
    isTold = true;
    process.chdir('/'); // nobody's file system stays in use
    say({ ...planned, action: 'dispatched', status: 0, pid: process.pid });
  };
  const { fileList: _, ...outcome } = await outcomeOf(request, {
    settings: settingsOf(request.flags),
    signal: controller.signal,
    dispatched,
  }).catch(wrongly);
  if (!isTold) say(outcome);
  return outcome.status;
}
