import { preferredType } from './accept';

const OFFERED = ['application/json', 'text/csv', 'application/x-ndjson'] as const;

describe('the media type that a request prefers', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV; header=present', 'text/csv'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['text/*', 'text/csv'],
    ['application/*', 'application/json'],
    ['text/csv, application/json', 'application/json'],
    ['text/csv, application/json;q=0.9', 'text/csv'],
    ['application/json;q=0, */*;q=0.1', 'text/csv'],
    ['text/csv;q=0.2,application/x-ndjson;q=0.8,*/*;q=0.1', 'application/x-ndjson'],
    ['image/png', 'application/json'],
    ['text/csv;q=7', 'text/csv'],
    [';;,,q=', 'application/json'],
  ])('%j: %s', (accept, expected) => {
    expect(preferredType(accept, OFFERED)).toBe(expected);
  });
});
