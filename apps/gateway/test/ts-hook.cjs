/** Lets a test start `main.ts` as a process without a build. */
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, file) => {
  module._compile(transformFileSync(file, { configFile: '.swcrc', cwd: process.cwd() }).code, file);
};
