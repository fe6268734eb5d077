// fast-glob. In dist, scripts/bundle.mjs puts the package itself in the place of this file: who installs ours installs no other.
module.exports = require('fast-glob');
