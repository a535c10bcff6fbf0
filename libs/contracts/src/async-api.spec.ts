import { asyncApiDocument } from './async-api';
import { orderStatusEventSchema } from './events/order-status.v1';

describe('the AsyncAPI document', () => {
  it('has an example that is such an event', () => {
    const { components } = asyncApiDocument() as {
      components: { messages: { orderStatus: { examples: readonly { payload: unknown }[] } } };
    };
    const [example] = components.messages.orderStatus.examples;

    expect(orderStatusEventSchema.safeParse(example?.payload)).toMatchObject({ success: true });
  });
});
