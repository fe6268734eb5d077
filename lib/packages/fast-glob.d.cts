// The types of fast-glob.cjs.
import fastGlob = require('fast-glob');
export = fastGlob;
