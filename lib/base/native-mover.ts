// What the addon's transfer does where a mover brings the bytes. No code.

/** The files that a mover gets, by columns. */
export interface NativePending {
  /** Source NUL temporary NUL, row by row. */
  readonly names: Buffer;
  readonly ids: Uint32Array;
  readonly sizes: Float64Array;
}

/** Calls of NativeTransfer, queued as the others: seal, submitted, then adopt, or abandon and perhaps rejoin. */
export interface NativeMoving {
  /** As dispatch or resume, but a mover brings the bytes: until adopt or abandon it is not quiet. */
  seal(resume: boolean, keepPartial: boolean): Promise<NativePending>;
  /** SUBMITTED, durable when it resolves. */
  submitted(mover: string, token: string): Promise<void>;
  /** After abandon: the job runs, or has ended. */
  rejoin(): Promise<void>;
  /** The job has ended: checks what it brought, and makes it DONE. `stays`: what is not there is not FAILED. */
  adopt(failures: readonly { readonly id: number; readonly message: string }[], stays: boolean): Promise<void>;
  /** There is no job, or nobody can tell: the transfer has failed for that reason. */
  abandon(why: string): Promise<void>;
}
