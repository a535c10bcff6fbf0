// Lets node load the project's TypeScript without a build: `node --require ./tools/ts-hook.cjs FILE`.
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, file) => {
  module._compile(transformFileSync(file, { configFile: '.swcrc', cwd: process.cwd() }).code, file);
};
