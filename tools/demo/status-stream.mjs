import { setTimeout as pause } from 'node:timers/promises';

const COME_BACK_MS = 500;

/**
 * Follows an order's events, as EventSource in a browser would, until a status is the one that is waited for. A
 * stream that breaks is opened again.
 *
 * @param {URL} url
 * @param {(status: string) => boolean} isIt
 * @returns {Promise<any>} the order as the event had it
 */
export async function readStatuses(url, isIt) {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.status === 401) throw new Error('the ticket of a stream is not taken');
    for await (const order of ordersIn(answer)) if (isIt(order.status)) return order;
    await pause(COME_BACK_MS);
  }
}

/** @param {Response | undefined} answer */
async function* ordersIn(answer) {
  if (answer?.status !== 200 || answer.body === null) return;
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of answer.body) {
      text += decoder.decode(chunk, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: ?(.*)$/m.exec(event)?.[1];
        if (data !== undefined) yield JSON.parse(data);
      }
    }
  } catch {
    // Broken off: it is opened again.
  }
}
