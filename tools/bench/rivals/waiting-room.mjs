import { serveRefusals } from './refusal.mjs';

// Sale ids of benchmarks are as long as this one.
const saleId = 'sale-00000000';

await serveRefusals({
  status: 429,
  title: 'There is a waiting room in front of the sale',
  code: 'waiting-room',
  detail: 'Join the line, and come back with the pass.',
  cache: 'no-store',
  retryAfter: '2',
  links: { queueUrl: `/v1/sales/${saleId}/queue`, pageUrl: `/waiting-room/${saleId}/` },
});
