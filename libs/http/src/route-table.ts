interface Route {
  readonly pattern: RegExp;
  readonly methods: ReadonlySet<string>;
}

/** Which methods each path has, learned while the routes are registered: tells 405 from 404. */
export class RouteTable {
  private readonly routes = new Map<string, Set<string>>();
  private compiled: readonly Route[] | undefined;

  /** `url` as the router has it: `/v1/orders/:orderId`, `/docs/*`. */
  add(methods: string | readonly string[], url: string): void {
    const known = this.routes.get(url) ?? new Set<string>();
    for (const method of [methods].flat()) known.add(method);
    this.routes.set(url, known);
    this.compiled = undefined;
  }

  /** The methods of a request's path, query left out; none where the path does not exist. */
  methodsOf(requestUrl: string): readonly string[] {
    const [path = ''] = requestUrl.split('?', 1);
    this.compiled ??= [...this.routes].map(([url, methods]) => ({ pattern: patternOf(url), methods }));
    const methods = this.compiled
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => [...route.methods]);
    return methods.length === 0 ? [] : [...new Set([...methods, 'OPTIONS'])].sort();
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) => {
      if (part.startsWith(':')) return '[^/]+';
      if (part === '*') return '.*';
      return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('/');
  return new RegExp(`^${source}$`);
}
