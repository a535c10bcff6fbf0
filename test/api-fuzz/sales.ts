/** The sales, each with what is true of it. A sale's only product is called as the sale is. */
export const SALES = {
  open: 'of-open',
  closed: 'of-closed',
  /** Closed, with nothing of it under way: it leaves Redis. */
  retired: 'of-retired',
  /** Nobody gets in. */
  line: 'of-line',
  /** Everybody gets in. */
  turns: 'of-turns',
  lineClosed: 'of-line-closed',
  /** Redis has lost its record. */
  lost: 'of-lost',
  challenged: 'of-challenged',
  /** Opens in an hour; its draw waits for a beacon. */
  lobby: 'of-lobby',
  drawn: 'of-drawn',
  rebuilt: 'of-rebuilt',
  /** A message about it came before it was defined. */
  late: 'of-late',
  /** Whoever asks for the statuses of `POST /admin/v1/sales` defines it, and takes it through its life. */
  made: 'of-made',
} as const;

export const BUYER = 'buyer';
/** Nobody listens there: what is sent to it stays to be sent. */
export const ENDPOINT_HOST = '127.0.0.1:9';
export const ENDPOINT_URL = `http://${ENDPOINT_HOST}/flux-gate`;
/** How long a sale is open. */
export const HOUR_MS = 3_600_000;

/** Body of `POST /admin/v1/sales`: open from a minute ago for an hour, unless told otherwise. */
export function newSale(saleId: string, more: object = {}): object {
  return {
    id: saleId,
    name: saleId,
    opensAt: inMs(-60_000),
    closesAt: inMs(HOUR_MS),
    holdMs: 600_000,
    items: [
      { productId: saleId, name: saleId, stock: 10, perShopperLimit: 5, priceMinor: 100, currency: 'EUR' },
    ],
    ...more,
  };
}

/** The price of one unit of any of the sales. */
export function payment(paymentId: string): object {
  return { paymentId, amountMinor: 100, currency: 'EUR' };
}

/** Names a purchase of the buyer's. */
export function keyOf(purchase: string): string {
  return `key-of-${purchase}`.padEnd(16, '-');
}

/** A time from now, as the APIs write it. */
export function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
