import { asyncApiDocument } from './async-api';
import { decodeLedgerEvent } from './events/ledger-events.v1';
import { orderStatusEventSchema } from './events/order-status.v1';

describe('the AsyncAPI document', () => {
  const { components } = asyncApiDocument() as {
    components: { messages: Record<string, { examples: readonly { payload: unknown }[] }> };
  };
  const exampleOf = (message: string): unknown => components.messages[message]?.examples[0]?.payload;

  it('has examples that are such events', () => {
    expect(orderStatusEventSchema.safeParse(exampleOf('orderStatus'))).toMatchObject({ success: true });
    expect(decodeLedgerEvent(JSON.stringify(exampleOf('ledgerEvent')))).toMatchObject({ outcome: 'event' });
  });
});
