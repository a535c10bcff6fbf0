import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The shop to which the waiting room sends its shoppers: a page that buys with the pass from its fragment. The sale `drop-N`
 * sells `sneaker-N`.
 */
export class ShopFront {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<ShopFront> {
    const shop: ShopFront = new ShopFront(
      createServer((_request, response) => {
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.end(shop.page());
      }),
    );
    await new Promise<void>((resolve, reject) => {
      shop.server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return shop;
  }

  /** Origin of the shop API that its page buys from. */
  apiUrl = '';

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private page(): string {
    return `<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>
      <button>Buy</button><p id="outcome"></p>
      <script>
        document.querySelector('button').onclick = async () => {
          const carried = new URLSearchParams(location.hash.slice(1));
          const answer = await fetch('${this.apiUrl}/v1/orders', {
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              'idempotency-key': 'a-key-of-the-shop-' + carried.get('sale'),
              'x-shopper-id': 'ann',
              ...(carried.has('pass') ? { 'x-pass': carried.get('pass') } : {}),
            },
            body: JSON.stringify({ productId: carried.get('sale').replace('drop', 'sneaker'), saleId: carried.get('sale') }),
          });
          outcome.textContent = answer.status + ' ' + (await answer.text());
        };
      </script>`;
  }
}
