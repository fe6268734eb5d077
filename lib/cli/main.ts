// A program from its arguments to its exit status. Each command is loaded when it is asked for.
import { nodeTooOld } from '../base/node-version.js';
import { SERVICE } from './cp/service-name.js';
import { UsageError } from './errors.js';
import { losslessArguments } from './names.js';
import { complain, stdout } from './output/output.js';
import { parse, type Request } from './parse.js';
import { becomeProgram, type ProgramName } from './program.js';

async function printVersion(): Promise<number> {
  const { version } = await import('../base/addon.js');
  stdout.write(`${version()}\n`);
  return 0;
}

async function dispatch(request: Request, args: readonly string[]): Promise<number> {
  if (request.command === 'version') return printVersion();
  if (request.command === 'inspect') return (await import('./commands/inspect.js')).run(request.file, request.json);
  if (request.command === 'list') return (await import('./commands/list.js')).run(request);
  if (request.command === 'merge') return (await import('./commands/merge.js')).run(request);
  if (request.command === 'orphans') return (await import('./commands/orphans.js')).run(request);
  if (request.command === 'forget') return (await import('./commands/forget.js')).run(request);
  if (request.command === 'probe') return (await import('./commands/probe.js')).run(request);
  return (await import('./commands/finalize.js')).run(request.inputs, request.flags, args);
}

async function copy(args: readonly string[]): Promise<number> {
  if (args.length === 1 && args[0] === SERVICE) return (await import('./cp/service.js')).serve();
  const { parseCp } = await import('./cp/parse.js');
  const request = parseCp(args);
  return request === 'version' ? printVersion() : (await import('./cp/run.js')).run(request);
}

async function verify(args: readonly string[]): Promise<number> {
  const { parseVerify } = await import('./verify/parse.js');
  const request = parseVerify(args);
  return request === 'version' ? printVersion() : (await import('./verify/run.js')).run(request);
}

export async function main(name: ProgramName, args: readonly string[]): Promise<void> {
  becomeProgram(name);
  const old = nodeTooOld();
  if (old !== undefined) {
    complain(old);
    process.exitCode = 1;
    return;
  }
  const lossless = losslessArguments(args);
  const others = { 'axl-verify': verify, 'axl-cp': copy, 'axl-finalize': undefined };
  const start = others[name] ?? dispatch.bind(undefined, parse(lossless));
  try {
    const status = await start(lossless);
    stdout.flush();
    process.exitCode ||= status;
  } catch (error) {
    complain((error as Error).message);
    const isUsage = error instanceof UsageError || (error as { code?: string }).code === 'ERR_INVALID_ARG_VALUE';
    process.exitCode = isUsage ? 2 : 1;
  }
}
