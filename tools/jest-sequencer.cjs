const { default: Sequencer } = require('@jest/test-sequencer');

/** Test files in the order of their names: jest-groups.mjs numbers them, the longest first. */
module.exports = class extends Sequencer {
  sort(tests) {
    return [...tests].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
};
