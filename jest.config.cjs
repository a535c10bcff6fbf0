/** Four sizes of test, told apart by name and folder: see CONTRIBUTING.md. */
const ESM = [
  '@nestjs',
  'content-disposition',
  'cookie',
  'file-type',
  'strtok3',
  'token-types',
  '@tokenizer',
  'uint8array-extras',
  '@borewit',
  'jose',
  'uuid',
];

const { exclude, ...swcrc } = JSON.parse(require('node:fs').readFileSync(`${__dirname}/.swcrc`, 'utf8'));
const { baseUrl, paths, ...jsc } = swcrc.jsc;

const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  moduleFileExtensions: ['ts', 'js', 'json', 'mjs'],
  moduleNameMapper: { '^@flux/([a-z-]+)$': '<rootDir>/libs/$1/src' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { ...swcrc, jsc }],
    '^.+\\.m?js$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:${ESM.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.stack/'],
};

/** The one seeded run with faults that every `npm test` makes; the others are for `npm run test:full`. */
const FIXED_SEED = 'test/invariants/fixed-seed.spec.ts';
/** `npm test` makes fewer runs of it. */
const ORDER_LIFE = 'test/model/order-life.int.spec.ts';
/** `npm test` opens fewer of them. */
const SLOW_SOCKETS = 'test/hostile/slow-sockets.int.spec.ts';
/** And of these. */
const API_FUZZ = 'test/api-fuzz/api-fuzz.spec.ts';

module.exports = {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{apps,libs,tools}/**/*.spec.ts',
        '<rootDir>/test/{docs,hostile,model}/**/*.spec.ts',
        // Groups of these, and of the next ones, while `npm test` runs (tools/jest-groups.mjs).
        '<rootDir>/test/grouped/*.unit.spec.js',
      ],
      testPathIgnorePatterns: ['\\.int\\.spec\\.ts$', '/node_modules/'],
    },
    {
      ...common,
      displayName: 'int',
      setupFilesAfterEnv: ['<rootDir>/test/real-servers.cjs'],
      testMatch: [
        '<rootDir>/{apps,libs,tools}/**/*.int.spec.ts',
        '<rootDir>/test/{hostile,model}/**/*.int.spec.ts',
        '<rootDir>/test/grouped/*.int.spec.js',
      ],
    },
    {
      ...common,
      displayName: 'e2e',
      setupFilesAfterEnv: ['<rootDir>/test/real-servers.cjs'],
      testMatch: ['<rootDir>/test/{api-fuzz,e2e}/**/*.spec.ts', `<rootDir>/${FIXED_SEED}`],
    },
    {
      ...common,
      displayName: 'full',
      setupFilesAfterEnv: ['<rootDir>/test/real-servers.cjs'],
      testMatch: [
        '<rootDir>/test/{full,invariants,seeded-bugs}/**/*.spec.ts',
        `<rootDir>/{${ORDER_LIFE},${SLOW_SOCKETS},${API_FUZZ}}`,
      ],
      testPathIgnorePatterns: [FIXED_SEED, '/node_modules/'],
    },
  ],
};
