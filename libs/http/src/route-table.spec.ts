import { RouteTable } from './route-table';

describe('RouteTable', () => {
  const routes = new RouteTable();
  routes.add('POST', '/v1/orders');
  routes.add('GET', '/v1/orders/:orderId');
  routes.add(['HEAD'], '/v1/orders/:orderId');
  routes.add('GET', '/docs/*');

  it.each([
    ['/v1/orders', ['OPTIONS', 'POST']],
    ['/v1/orders?x=/v1', ['OPTIONS', 'POST']],
    ['/v1/orders/s.p.x', ['GET', 'HEAD', 'OPTIONS']],
    ['/docs/a/b.js', ['GET', 'OPTIONS']],
    ['/v1/orders/a/b', []],
    ['/V1/orders', []],
    ['/v1/order.', []],
    ['', []],
  ])('%s has %j', (url, methods) => {
    expect(routes.methodsOf(url)).toEqual(methods);
  });
});
