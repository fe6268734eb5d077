// Deliberate faults in native/, each of which breaks a rule of ARCHITECTURE.md (its invariants by number) or of
// docs/state-format.md. scripts/mutants.mjs builds each and expects the test in `by` to fail.
export { durabilityMutants } from './durability.mjs';
export { orderMutants } from './order.mjs';
export { safetyMutants } from './safety.mjs';
