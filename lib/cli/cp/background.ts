// --background: a process of its own, which leads a session, so that it outlives the shell and what closes its terminal. It is given
// what was asked for on standard input, since arguments of a process started by Node are text; it says on standard output
// how the dispatch ended, and nothing after that.
import { type ChildProcess, spawn } from 'node:child_process';
import { AxlError } from '../../base/errors.js';
import { displayName } from '../../base/names.js';
import { toBytes } from '../names.js';
import { toStderr } from '../output/descriptor.js';
import { shellWord } from '../output/text.js';
import type { Outcome } from './outcome.js';
import type { CpRequest } from './parse.js';
import { SERVICE } from './service-name.js';

function start(request: CpRequest): ChildProcess {
  const node = [...process.execArgv, process.argv[1] as string, SERVICE];
  const child = spawn(process.execPath, node, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin?.on('error', () => {}); // it has ended, which is told below
  child.stdin?.end(JSON.stringify(request));
  return child;
}

/** The first line that it says, or undefined if it ends without one. */
function firstLine(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.endsWith('\n')) resolve(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => toStderr.write(piece));
    child.on('error', reject);
    child.on('close', () => resolve(undefined));
  });
}

/** @throws {AxlError} AXL_BACKEND_UNAVAILABLE when there can be no such process, or it ends before it has said anything */
export async function inBackground(request: CpRequest): Promise<Outcome> {
  const name = displayName(toBytes(request.flags.stateFile as string));
  const child = start(request);
  const stop = () => child.kill('SIGTERM');
  process.on('SIGTERM', stop).on('SIGINT', stop);
  const line = await firstLine(child).catch((error: Error) => {
    throw new AxlError('AXL_BACKEND_UNAVAILABLE', `the process of the copy cannot be started: ${error.message}`);
  });
  process.off('SIGTERM', stop).off('SIGINT', stop);
  if (line === undefined) {
    const how = child.signalCode ?? `status ${child.exitCode}`;
    throw new AxlError(
      'AXL_BACKEND_UNAVAILABLE',
      `the process of the copy ended (${how}) before it said how the dispatch ended: if ${name} is there, -U goes on`,
    );
  }
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  child.unref();
  const outcome = JSON.parse(line) as Outcome;
  if (outcome.action !== 'dispatched') return outcome;
  const notes = [
    `process ${outcome.pid} copies; to wait for it: axl-cp --wait ${shellWord(toBytes(request.flags.stateFile as string))}`,
  ];
  return { ...outcome, ...(request.flags.verbose && { notes }) };
}
