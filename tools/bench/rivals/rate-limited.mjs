import { serveRefusals } from './refusal.mjs';

await serveRefusals({
  status: 429,
  title: 'Too many requests',
  code: 'rate-limited',
  detail: 'Too many requests from this address.',
  cache: 'no-store',
  retryAfter: '3601',
});
