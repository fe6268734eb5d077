// The states of a transfer: the six that callers see, and the finer phases that decide which call fits.
import { AxlError } from '../base/errors.js';
import { displayName } from '../base/names.js';
import { NATIVE_STATES, type NativeState } from '../base/native.js';
import type { TransferStateName } from '../base/types.js';

/** Finer than the public states: what is under way, and what is known of a dispatched transfer. */
export type Phase =
  | 'created'
  | 'starting' // dispatch or resume is under way
  | 'running' // copies run, or nobody has asked yet how they ended
  | 'complete' // every file is complete, none is published
  | 'publishing'
  | 'completed'
  | 'failed'
  | 'canceled'
  | 'freed';

export const STATES: Record<Phase, TransferStateName> = {
  created: 'created',
  starting: 'dispatched',
  running: 'dispatched',
  complete: 'dispatched',
  publishing: 'dispatched',
  completed: 'completed',
  failed: 'failed',
  canceled: 'canceled',
  freed: 'freed',
};

const PHASES: Record<NativeState, Phase> = {
  created: 'created',
  dispatched: 'running',
  completed: 'complete',
  failed: 'failed',
  canceled: 'canceled',
  published: 'completed',
  'rolled back': 'canceled',
};

/** The phase for what the addon says of a transfer none of whose copies runs. */
export const phaseOf = (state: number): Phase => PHASES[NATIVE_STATES[state] as NativeState];

/** What the caller should do instead of a call that the state forbids. */
const HINTS: Record<Phase | 'closed', string> = {
  created: 'call dispatch first',
  starting: 'call wait or cancel first',
  running: 'call wait or cancel first',
  complete: 'call wait, which publishes it',
  publishing: 'call wait, which is publishing it',
  completed: 'it is published: call free',
  failed: 'call resume or free',
  canceled: 'call resume or free',
  freed: 'create another transfer',
  closed: 'take it over with Transfer.open',
};

/** Dispatched once, and neither published nor freed. */
export const UNPUBLISHED: readonly Phase[] = ['starting', 'running', 'complete', 'publishing', 'failed', 'canceled'];
export const DISPATCHED: readonly Phase[] = [...UNPUBLISHED, 'completed'];

/** @throws {AxlError} AXL_INVALID_STATE unless the transfer is in one of these phases */
export function expectPhase(call: string, name: string, phase: Phase | 'closed', phases: readonly Phase[]): void {
  if (phase !== 'closed' && phases.includes(phase)) return;
  const state = phase === 'closed' ? phase : STATES[phase];
  const fixed = phases.every((one) => one === 'created') && phase !== 'closed'; // adding and dispatching are over for good
  const hint = fixed ? 'create another transfer' : HINTS[phase];
  throw new AxlError('AXL_INVALID_STATE', `${call}: transfer ${displayName(name)} is ${state}; ${hint}`);
}
