import { hash } from 'node:crypto';
import { AdminWorld, OPERATOR, SERVICE, codeOf } from './admin.world';
import { openApiOf, routesOf, urlOf, type ApiRoute } from './api-routes';

jest.setTimeout(60_000);

/** Everything else is as its method says: who reads is a viewer, who changes is an operator. */
const OWNER_ROUTES = [
  'post /admin/v1/access-rules',
  'delete /admin/v1/access-rules/{id}',
  'post /admin/v1/keys',
  'delete /admin/v1/keys/{id}',
];
const KEYS = {
  viewer: 'a-key-of-the-environment-for-a-viewer',
  operator: 'a-key-of-the-environment-for-an-operator',
  owner: OPERATOR.key,
  service: SERVICE.key,
};
type Role = keyof typeof KEYS;

const TOKEN_OF_A_SHOPPER =
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.6rnl3pWfZ2m7lSLVqQh2Q5n0y9B0F6nq1Zb9rVh5y5o';

function rolesFor({ method, path }: ApiRoute): readonly Role[] {
  if (path.startsWith('/shop/')) return ['service'];
  if (OWNER_ROUTES.includes(`${method} ${path}`)) return ['owner'];
  return method === 'get' ? ['viewer', 'operator', 'owner'] : ['operator', 'owner'];
}

describe('every route of operators and services', () => {
  let world: AdminWorld;
  let routes: readonly ApiRoute[];
  beforeAll(async () => {
    const digest = (key: string) => hash('sha256', key, 'hex');
    world = await AdminWorld.start({
      settings: {
        FLUX_OPERATOR_KEYS:
          `olga:${digest(KEYS.owner)},vera:${digest(KEYS.viewer)}:viewer,` +
          `otto:${digest(KEYS.operator)}:operator`,
      },
    });
    routes = routesOf(await openApiOf(world)).filter(({ path }) => /^\/(admin|shop)\//.test(path));
  });
  afterAll(() => world.stop());

  /** What each route answers, without the routes' own business: `passed` is whatever is neither 401 nor 403. */
  const answers = async (key: string | null): Promise<readonly (readonly [string, string])[]> => {
    const all: (readonly [string, string])[] = [];
    for (const route of routes) {
      const answer = await world.call(route.method.toUpperCase(), urlOf(route), { key });
      const refused = answer.status === 401 || answer.status === 403;
      all.push([
        `${route.method} ${route.path}`,
        refused ? `${answer.status} ${String(codeOf(answer))}` : 'passed',
      ]);
    }
    return all;
  };
  const expected = (judge: (route: ApiRoute) => string) =>
    routes.map((route) => [`${route.method} ${route.path}`, judge(route)] as const);

  it('are there, those of owners among them', () => {
    const listed = routes.map(({ method, path }) => `${method} ${path}`);
    expect(listed).toEqual(expect.arrayContaining(OWNER_ROUTES));
    expect(listed.filter((route) => route.includes('/shop/')).length).toBeGreaterThan(4);
  });

  it.each(Object.keys(KEYS) as Role[])('opens to a key with the role %s as it should', async (role) => {
    expect(await answers(KEYS[role])).toEqual(
      expected((route) => (rolesFor(route).includes(role) ? 'passed' : '403 forbidden')),
    );
  });

  it.each([null, '', 'wrong', `${OPERATOR.key}0`, SERVICE.key.toUpperCase(), '..', 'a.b.', 'a.b.c.d'])(
    'is shut for the key %j, which nobody has',
    async (key) => {
      expect(await answers(key)).toEqual(expected(() => '401 unauthenticated'));
    },
  );

  it('is shut for the token of a shopper, who is somebody, and may not', async () => {
    expect(await answers(TOKEN_OF_A_SHOPPER)).toEqual(expected(() => '403 forbidden'));
    expect(await answers(`${TOKEN_OF_A_SHOPPER}${'x'.repeat(1_000)}`)).toEqual(
      expected(() => '403 forbidden'),
    );
  });
});
