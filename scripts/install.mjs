// npm's install step: take a prebuilt binary that loads on this machine, otherwise compile the addon.
// Runs in a consumer's node_modules and in a checkout alike, with nothing but the runtime dependencies installed.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCodeCache } from './code-cache.mjs';
import { addonIsCurrent, addonPath, buildAddon, missingTools, platformTag, root } from './toolchain.mjs';

const prebuilt = join(root, 'prebuilds', platformTag, 'axl_native.node');

/** Loads in a child process: a binary for another libc can kill the process that tries. */
function loads(file) {
  return existsSync(file) && spawnSync(process.execPath, ['-e', 'require(process.argv[1])', file]).status === 0;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

if (!process.env.npm_config_build_from_source && loads(prebuilt)) {
  console.log(`axl-transfer: using the prebuilt binary for ${platformTag}`);
} else if (!addonIsCurrent() || !loads(addonPath)) {
  const missing = missingTools();
  if (missing) fail(missing);
  rmSync(addonPath, { force: true }); // one that is broken looks as new as it was
  const failure = buildAddon();
  if (failure !== undefined)
    fail(`${failure}\naxl-transfer: compiling the addon for ${platformTag} failed, see above.`);
}

makeCodeCache();
