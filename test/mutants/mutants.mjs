// Deliberate faults in native/, each of which breaks a rule of ARCHITECTURE.md (its invariants by number) or of
// docs/state-format.md. scripts/mutants.mjs builds each and says which test fails; killers.mjs names the first to be asked.
export { axlMutants } from './axl.mjs';
export { durabilityMutants } from './durability.mjs';
export { homeMutants } from './home.mjs';
export { madeMutants } from './made.mjs';
export { metadataMutants } from './metadata.mjs';
export { orderMutants } from './order.mjs';
export { phasesMutants } from './phases.mjs';
export { retireMutants } from './retire.mjs';
export { safetyMutants } from './safety.mjs';
export { sameMutants } from './same.mjs';
export { upkeepMutants } from './upkeep.mjs';
