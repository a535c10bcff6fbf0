import { serveRefusals } from './refusal.mjs';

await serveRefusals({
  status: 429,
  title: 'Too many requests',
  code: 'rate-limited',
  detail: 'Too many requests from this address.',
  cache: 'no-store',
  retryAfter: '3601',
  limit: { policy: '"address";q=1;w=3600', left: '"address";r=0;t=3600' },
});
