// The public types, checked by tsc alone: what callers may write, what they get, and what is a mistake.
import {
  type Added,
  type AxlCode,
  AxlError,
  add,
  test as axlTest,
  CanceledError,
  type CollectiveTransfer,
  type Comm,
  type ConfigOptions,
  type config,
  create,
  dispatch,
  type Failure,
  type FileReport,
  type FinalizeAction,
  type FinalizeEvent,
  type FinalizeReport,
  finalize,
  free,
  type Progress,
  Transfer,
  TransferError,
  type TransferReport,
  type TransferStateName,
  type wait,
} from '../../lib/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only where both types are the same. */
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

declare const signal: AbortSignal;

export async function transfers(): Promise<void> {
  await using transfer = await Transfer.create({ name: 'ckpt', stateFile: Buffer.from('/s') });
  same<typeof transfer, Transfer>();
  same<Awaited<ReturnType<typeof transfer.add>>, Added>();
  await transfer.add('a', new URL('file:///b'), { links: 'copy' });
  await transfer.addGlob(['**', '!x'] as const, {
    dest: new Uint8Array(),
    cwd: '.',
    ignore: ['*.tmp'] as const,
    dot: true,
  });
  await transfer.dispatch({ signal });
  same<ReturnType<typeof transfer.test>, boolean>();
  same<Awaited<ReturnType<typeof transfer.cancel>>, TransferStateName>();
  same<ReturnType<typeof transfer.unref>, Transfer>();
  for await (const snapshot of transfer.progress({ intervalMs: 10, signal })) same<typeof snapshot, Progress>();
  same<typeof transfer.state, 'created' | 'dispatched' | 'completed' | 'failed' | 'canceled' | 'freed'>();
  const report = await transfer.wait({ signal });
  same<typeof report, TransferReport>();
  same<typeof report.files, readonly FileReport[]>();
  same<Awaited<ReturnType<typeof Transfer.open>>, Transfer>();
  same<ReturnType<typeof transfer.test>, boolean>();
}

export async function collectives(comm: Comm): Promise<void> {
  const transfer = await Transfer.create({ name: 'ckpt', stateDir: '/s', comm, commTimeoutMs: 1000 });
  same<typeof transfer, CollectiveTransfer>();
  same<ReturnType<typeof transfer.test>, Promise<boolean>>();
  const id = await create({ name: 'ckpt', stateDir: '/s', comm });
  const ready: Promise<boolean> = axlTest(id);
  await ready;
}

export async function mistakes(transfer: Transfer): Promise<void> {
  // @ts-expect-error a transfer is made by create or open
  new Transfer('name', Buffer.from('/s'));
  // @ts-expect-error a name is needed
  await Transfer.create({ stateDir: '/s' });
  // @ts-expect-error misspelt
  await Transfer.create({ name: 'ckpt', statefile: '/s' });
  // @ts-expect-error no such policy
  await Transfer.create({ name: 'ckpt', stateFile: '/s', owner: 'root' });
  // @ts-expect-error a destination is needed
  await transfer.add('a');
  // @ts-expect-error a path is no number
  await transfer.add(1, 'b');
  // @ts-expect-error dest is needed
  await transfer.addGlob('*', {});
  // @ts-expect-error ignore is a list
  await transfer.addGlob('*', { dest: 'b', ignore: '*.tmp' });
  // @ts-expect-error read only
  transfer.state = 'freed';
  // @ts-expect-error undefined is no value of an option
  await transfer.dispatch({ signal: undefined });
  // @ts-expect-error a report cannot be changed
  (await transfer.wait()).files.push();
}

export function errors(error: unknown): Failure | undefined {
  if (error instanceof TransferError) {
    same<typeof error.report, TransferReport>();
    return error.report.files.find(({ state }) => state === 'failed')?.error;
  }
  if (error instanceof CanceledError) same<typeof error.report, TransferReport | undefined>();
  if (error instanceof AxlError) {
    same<typeof error.code, AxlCode>();
    same<typeof error.errno, number | undefined>();
    same<typeof error.path, string | undefined>();
    // @ts-expect-error no such code
    if (error.code === 'AXL_UNKNOWN') return undefined;
  }
  return undefined;
}

export async function functions(transfer: Transfer): Promise<void> {
  const id = await create({ name: 'ckpt', stateFile: '/s' });
  same<typeof id, number>();
  await add(id, 'a', 'b');
  await dispatch(transfer);
  same<ReturnType<typeof axlTest>, boolean>();
  same<Awaited<ReturnType<typeof wait>>, TransferReport>();
  await free(id);
  same<ReturnType<typeof config>, Required<ConfigOptions>>();
  // @ts-expect-error an id is no string
  await free('1');
}

export async function finalizers(): Promise<void> {
  const report = await finalize(['/a', Buffer.from('/b')], { incomplete: 'keep', dryRun: true, jobs: 4, signal });
  same<typeof report, FinalizeReport>();
  same<typeof report.counts, Readonly<Record<FinalizeAction, number>>>();
  await finalize('/a', { onEvent: (event) => same<typeof event, FinalizeEvent>() });
  // @ts-expect-error no such choice
  await finalize('/a', { incomplete: 'discard' });
}

export function exhaustive(action: FinalizeAction): string {
  switch (action) {
    case 'published':
    case 'rolled-back':
    case 'kept':
    case 'removed':
    case 'busy':
    case 'gone':
    case 'not-state':
    case 'corrupt':
    case 'failed':
      return action;
    default:
      return action satisfies never;
  }
}
