// From arguments to what axl-verify is asked for. Ends the process after --help (0) and after a wrong command line (2).
import { ofVerify } from '../help.js';
import { newProgram } from '../parse.js';
import { VERIFY } from './options.js';

export interface VerifyRequest {
  readonly inputs: readonly string[];
  readonly strict?: true;
  readonly jobs?: number;
  readonly quiet?: true;
  readonly progress: boolean;
  readonly json?: true;
}

export function parseVerify(args: readonly string[]): VerifyRequest | 'version' {
  let request: VerifyRequest | 'version' | undefined;
  const program = newProgram(VERIFY.name, VERIFY.options, ofVerify).argument('[INPUT...]');
  program.action((inputs: string[], { version, ...flags }: Omit<VerifyRequest, 'inputs'> & { version?: true }) => {
    if (!version && inputs.length === 0)
      program.error("error: missing required argument 'DIR|MANIFEST'; see axl-verify --help");
    if (inputs.includes('')) program.error('error: an input is empty');
    request = version ? 'version' : { inputs, ...flags };
  });
  program.parse([...args], { from: 'user' });
  return request as VerifyRequest | 'version';
}
