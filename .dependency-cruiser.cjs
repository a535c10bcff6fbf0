/** The layers of docs/architecture.md, enforced. */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'libraries-never-import-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-never-import-apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'contracts-is-a-leaf',
      severity: 'error',
      from: { path: '^libs/contracts/' },
      to: { path: '^libs/', pathNot: '^libs/contracts/' },
    },
    {
      name: 'gate-knows-redis-only',
      severity: 'error',
      from: { path: '^libs/gate/', pathNot: '\\.int\\.spec\\.ts$' },
      to: {
        path: 'node_modules/(kafkajs|pg|typeorm|fastify|@nestjs/(platform|microservices|typeorm))|^libs/(kafka|ledger)/',
      },
    },
    {
      name: 'gateway-needs-redis-only',
      severity: 'error',
      from: { path: '^apps/gateway/', pathNot: '\\.int\\.spec\\.ts$' },
      to: {
        path: 'node_modules/(kafkajs|pg|typeorm|@nestjs/(microservices|typeorm))/|^libs/(kafka|ledger)/',
      },
    },
    {
      name: 'relay-knows-no-sql',
      severity: 'error',
      from: { path: '^apps/relay/', pathNot: '\\.int\\.spec\\.ts$' },
      to: { path: 'node_modules/(pg|typeorm|@nestjs/typeorm)/|^libs/ledger/' },
    },
    {
      name: 'libraries-are-entered-by-their-index',
      severity: 'error',
      // Bugs are put inside of libraries, and the model of epochs takes its rules from there.
      from: { path: '^(apps|libs|test)/', pathNot: '^libs/([^/]+)/|^test/(seeded-bugs|model)/' },
      to: { path: '^libs/[^/]+/src/(?!index\\.ts$)' },
    },
    {
      name: 'tests-stay-out-of-the-product',
      severity: 'error',
      from: {
        path: '^(apps|libs)/',
        pathNot: '(\\.spec\\.ts$|^apps/[^/]+/test/|^libs/[^/]+/test/|^libs/testing/)',
      },
      to: { path: '^(test/|libs/testing/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.generated\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node'] },
  },
};
