// What completes command lines, in the shells themselves: every option of the tables is offered where it belongs, and nothing
// that is not one. That the files are those of the tables: scripts/man.mjs --check.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../lib/cli/commands.js';
import { CP } from '../../lib/cli/cp/options.js';
import { MAIN, type OptionRow } from '../../lib/cli/options.js';
import { VERIFY } from '../../lib/cli/verify/options.js';
import { Place, root } from '../support.js';

interface Shell {
  readonly name: string;
  readonly file: (program: string) => string;
  /** A script that prints what the last of the words may be, each on a line of its own. */
  readonly offers: (file: string, words: readonly string[]) => string;
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    file: (program) => `bash/${program}`,
    offers: (file, words) => `
      compopt() { :; }
      source ${quoted(file)}
      COMP_WORDS=(${words.map(quoted).join(' ')}) COMP_CWORD=${words.length - 1} COMPREPLY=()
      ${`_${words[0]}`.replaceAll('-', '_')}
      printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  {
    name: 'fish',
    file: (program) => `fish/${program}.fish`,
    offers: (file, words) => `
      source ${quoted(file)}
      complete -C ${quoted(words.join(' ').replaceAll(' = ', '='))} | string replace -r '\\t.*' ''; true`,
  },
];

const COMPLETIONS = join(root, 'completions');
const isThere = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

function offered(shell: Shell, cwd: string, ...words: readonly string[]): string[] {
  const script = shell.offers(join(COMPLETIONS, shell.file(words[0] as string)), words);
  const home = { HOME: cwd, XDG_CONFIG_HOME: cwd, PATH: process.env.PATH ?? '' };
  const { stdout, stderr, status } = spawnSync(shell.name, ['-c', script], { cwd, encoding: 'utf8', env: home });
  if (status !== 0) throw new Error(`${shell.name} ${status}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

const long = (options: readonly OptionRow[]) => options.map(({ name }) => name).sort();

for (const shell of SHELLS) {
  const skip = isThere(shell.name) ? false : `${shell.name} is not installed`;

  t.test(`${shell.name} offers the options of the program or of its command, and no others`, { skip }, async (t) => {
    const { root: cwd } = new Place(t);
    const options = (...words: string[]) => offered(shell, cwd, ...words).filter((word) => word.startsWith('--'));
    t.same(options('axl-finalize', '--').sort(), long(MAIN.options));
    t.same(options('axl-verify', '--').sort(), long(VERIFY.options));
    t.same(options('axl-cp', '--').sort(), long(CP.options));
    t.same(options('axl-finalize', '--quiet', '--dry').sort(), ['--dry-run']);
    for (const command of COMMANDS)
      t.same(options('axl-finalize', command.name, '--').sort(), long(command.options), command.name);
  });

  t.test(`${shell.name} offers the words that an option knows, commands, and files`, { skip }, async (t) => {
    const place = new Place(t);
    place.write('states/one');
    const of = (...words: string[]) => offered(shell, place.root, ...words);
    t.same(of('axl-finalize', '--incomplete', '').sort(), ['delete', 'keep', 'resume']);
    t.same(of('axl-finalize', 'list', '--sort', 'na'), ['name']);
    t.same(of('axl-cp', '-X', 'na'), ['native'], 'after its letter');
    t.match(of('axl-cp', '-S', 'sta').join(), /states/);
    t.match(of('axl-finalize', 'ins').join(), /inspect/);
    t.match(of('axl-finalize', 'sta').join(), /states/, 'a directory');
    t.match(of('axl-finalize', '--dataset', 'sta').join(), /states/, 'the value of --dataset is given after = only');
    t.notMatch(of('axl-finalize', '--quiet', 'ins').join(), /inspect/, 'a command is the first word');
  });
}

t.test('bash takes a value after =, too', async (t) => {
  const { root: cwd } = new Place(t);
  t.same(offered(SHELLS[0] as Shell, cwd, 'axl-finalize', '--fallback', '=', '').sort(), ['delete', 'keep']);
  t.same(offered(SHELLS[0] as Shell, cwd, 'axl-finalize', '--fallback', '=', 'k'), ['keep']);
});

t.test('zsh reads what is for it, and it has every option', { skip: isThere('zsh') ? false : 'no zsh' }, async (t) => {
  for (const { name, options } of [MAIN, VERIFY, CP]) {
    const file = join(COMPLETIONS, 'zsh', `_${name}`);
    const { status, stderr } = spawnSync('zsh', ['-n', file], { encoding: 'utf8' });
    t.equal(status, 0, stderr);
    // _arguments, as zsh calls it, is given every option; it is replaced by one that prints.
    const script = `_arguments() { print -l -- "$@" }\nwords=(${name} --) CURRENT=2 PREFIX=--\nsource ${quoted(file)}`;
    const { stdout } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' });
    const given = [...stdout.matchAll(/^(?:\*|\([^)]*\))?(--[\w-]+)/gm)].map((match) => match[1]);
    t.same(given.sort(), long(options));
  }
});
