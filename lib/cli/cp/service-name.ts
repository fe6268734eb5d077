// How a process that copies in the background is told from one that people have started: imported before anything else is.
/** Its only argument. No option is called so. */
export const SERVICE = '--background-service';
