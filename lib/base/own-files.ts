// How the files that this package makes are called, beside state files: one place for whoever tells them from others. How a
// temporary file and a draft get their names is native/base/names.cc's.

/** A temporary file of a transfer. */
export const TEMPORARY = /\._AXL[0-9a-f]{16}$/;
/** The state file of a create that was killed: it has no name yet. */
export const DRAFT = /^\.[0-9a-f]{32}\.new$/;
/** A verdict on a dataset, by its id and the user's; a suffix is of what a killed writer has left. */
export const VERDICT = /^\.axl-verdict\.([0-9a-f]{32})-(\d+)(?:\..*)?$/;
/** The lock of a finalizer on a directory that it searches. */
export const LOCK = /^\.axl-finalize\..*\.lock$/;
/** The manifest of a rank, beside the files that it has published: data like these, and never a state file. */
export const MANIFEST = /^\.axl-manifest\.(0|[1-9]\d{0,9})$/;
/** Locks, verdicts, unfinished reports, probes, and what ranks without an MPI binding say to each other. */
export const OWN = /^\.axl-(finalize\.|verdict\.|report\.|comm-|probe-)/;
/** What FUSE or NFS keeps for who has it open. */
const HIDDEN = /^\.(fuse_hidden|nfs[0-9a-f]{16,})/;

/** Is it never a state file, whatever is in it? */
export const isNoStateFile = (name: string): boolean => OWN.test(name) || MANIFEST.test(name) || HIDDEN.test(name);

/** The last name of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
