// The tutorial, as a reader follows it: its programs are saved, its commands are run in order, and what it shows is
// compared with what they print. `...` in the page stands for what differs from run to run.
import * as fs from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Place, program, root } from '../support.js';

const page = fs.readFileSync(join(root, 'docs/tutorial/first-checkpoint.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] as string);

interface Step {
  readonly command: string;
  readonly shown: string;
}

const steps = (block: string): Step[] =>
  block.split(/^\$ /m).flatMap((text) => {
    const [command = '', ...shown] = text.split('\n');
    return command === '' ? [] : [{ command, shown: shown.join('\n').trim() }];
  });

/** Spaces of columns may be more or fewer, and a shell says in its own way that a process was killed. */
const flat = (text: string): string =>
  text
    .replace(/^.*\bKilled\b.*$/gm, 'Killed')
    .replace(/[ \t]+/g, ' ')
    .trim();
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const pattern = (shown: string): RegExp => new RegExp(`^${flat(shown).split('...').map(escaped).join('[\\s\\S]*')}$`);

/** A project with the package installed, as npm does it. */
function project(place: Place): string {
  const directory = place.mkdir('first');
  const bin = place.mkdir('first/node_modules/.bin');
  fs.symlinkSync(root, place.path('first/node_modules/axl-transfer'));
  fs.symlinkSync(join(root, 'dist/bin/axl-finalize.js'), join(bin, 'axl-finalize'));
  return directory;
}

t.test('every command of the tutorial prints what the tutorial shows', async (t) => {
  const directory = project(new Place(t));
  for (const text of blocks('js')) {
    const name = /^\/\/ (\S+\.mjs)\n/.exec(text)?.[1];
    t.ok(name, 'each program begins with its name');
    fs.writeFileSync(join(directory, name as string), text);
  }
  const commands = blocks('console').flatMap(steps);
  t.ok(commands.length > 15);
  for (const { command, shown } of commands) {
    const { stdout, stderr } = await program('/bin/sh', ['-c', `cd ${directory}\n${command}`]);
    t.match(flat(stdout + stderr), pattern(shown), command);
  }
});
