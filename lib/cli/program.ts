// Which program this process is: what it calls itself in what it prints. Set once, before anything is printed.
export type ProgramName = 'axl-finalize' | 'axl-verify' | 'axl-cp';

let name: ProgramName = 'axl-finalize';

export const programName = (): ProgramName => name;

export function becomeProgram(started: ProgramName): void {
  name = started;
}
