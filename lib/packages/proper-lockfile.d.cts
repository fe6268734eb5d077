// The types of proper-lockfile.cjs.
import lockfile = require('proper-lockfile');
export = lockfile;
