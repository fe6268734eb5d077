// How time that passes is measured. Nothing is decided by what a clock of the wall says (invariant 9).

/**
 * Milliseconds since some moment; never goes back. As performance.now(), but without the dozen modules of Node that its
 * first use loads: that is a millisecond of each start of axl-finalize.
 */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
