import { serveRefusals } from './refusal.mjs';

await serveRefusals({
  status: 409,
  title: 'Sold out',
  code: 'sold-out',
  detail: 'Not enough units are left.',
  cache: 'private, max-age=1',
  retryAfter: '2',
});
