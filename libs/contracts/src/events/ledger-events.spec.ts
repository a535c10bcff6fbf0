import { asyncApiDocument } from '../async-api';
import { decodeLedgerEvent } from './ledger-events.v1';

const { components } = asyncApiDocument() as {
  components: { messages: { ledgerEvent: { examples: readonly { payload: Record<string, unknown> }[] } } };
};
const [example] = components.messages.ledgerEvent.examples;
const EVENT = example!.payload;
const [RUN] = EVENT['runs'] as readonly Record<string, unknown>[];

function reasonFor(changes: Record<string, unknown>): string {
  const decoded = decodeLedgerEvent(JSON.stringify({ ...EVENT, ...changes }));
  return decoded.outcome === 'unreadable' ? decoded.reason : decoded.outcome;
}

describe('an event of the ledger', () => {
  it.each([
    ['another type', { type: 'ledger-events.v2' }, '/type'],
    ['a field that nobody knows', { more: 1 }, 'unrecognized_keys'],
    [
      'a ledger row without a column',
      { ledger: { ...(EVENT['ledger'] as object), held: undefined } },
      '/ledger/held',
    ],
    ['a version of 0', { version: 0 }, '/version'],
    ['a line without a shopper', { runs: [{ ...RUN, orders: `${'k'.repeat(22)} 1` }] }, '/runs/0/orders'],
    [
      'a line with half a pass',
      { runs: [{ ...RUN, orders: `${'k'.repeat(22)} ann 1 +half` }] },
      '/runs/0/orders',
    ],
    ['a run of no kind', { runs: [{ ...RUN, kind: 'other' }] }, '/runs/0'],
    ['a wish without a sequence', { intents: `${'k'.repeat(22)} 1` }, '/intents'],
    ['a row of an unknown table', { rows: { secrets: [] } }, '/rows'],
  ])('is refused with %s', (_what, changes, place) => {
    expect(reasonFor(changes)).toContain(place);
  });

  it('is refused where it is no JSON, and the reason repeats nothing of it', () => {
    expect(decodeLedgerEvent('{ ann')).toEqual({ outcome: 'unreadable', reason: 'the body is not JSON' });
    expect(reasonFor({ causes: ['ann'] })).not.toContain('ann');
  });
});
