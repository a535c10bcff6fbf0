import { parseAllowList } from './allow-list';
import { EgressPolicy, type Resolve, isPublic } from './egress-policy';

const PUBLIC = '93.184.215.14';

/** Names as a DNS server would have them. */
const namesOf =
  (names: Readonly<Record<string, readonly string[]>>): Resolve =>
  (hostname) => {
    const addresses = names[hostname];
    return addresses === undefined
      ? Promise.reject(new Error('ENOTFOUND'))
      : Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
  };

const resolve = namesOf({
  'shop.example': [PUBLIC],
  'both.example': [PUBLIC, '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
  'mixed.example': [PUBLIC, '10.0.0.1'],
  'inside.example': ['192.168.1.7'],
  'mapped.example': ['::ffff:127.0.0.1'],
  localhost: ['127.0.0.1', '::1'],
});

function policyWith(allow = ''): EgressPolicy {
  const entries = parseAllowList(allow);
  if (entries === undefined) throw new Error('the list is not valid');
  return new EgressPolicy(entries, resolve);
}

const outcomeOf = async (url: string, allow = ''): Promise<string> => {
  const check = await policyWith(allow).check(url);
  return check.outcome === 'allowed' ? 'allowed' : check.reason;
};

describe('where webhooks may go', () => {
  it.each([
    'https://shop.example/hook',
    'https://shop.example:443/hook?a=b',
    'https://both.example/',
    `https://${PUBLIC}/`,
    'https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/',
    'HTTPS://SHOP.EXAMPLE/hook',
  ])('%s', async (url) => {
    expect(await outcomeOf(url)).toBe('allowed');
  });

  it('keeps the addresses that were checked', async () => {
    const check = await policyWith().check('https://both.example/hook');
    expect(check).toMatchObject({
      outcome: 'allowed',
      target: {
        addresses: [
          { address: PUBLIC, family: 4 },
          { address: '2606:2800:21f:cb07:6820:80da:af6b:8b2c', family: 6 },
        ],
      },
    });
  });

  const NOT_HTTPS = 'must be an https address';
  const NOT_443 = 'must use port 443';
  const CREDENTIALS = 'must not carry credentials';
  const UNKNOWN = 'must have a host that can be resolved';
  it.each([
    ['', NOT_HTTPS],
    ['shop.example/hook', NOT_HTTPS],
    ['http://shop.example/hook', NOT_HTTPS],
    ['ftp://shop.example/hook', NOT_HTTPS],
    ['file:///etc/passwd', NOT_HTTPS],
    ['gopher://shop.example/', NOT_HTTPS],
    ['javascript:alert(1)', NOT_HTTPS],
    ['https://', NOT_HTTPS],
    ['https://[fe80::1%25eth0]/', NOT_HTTPS],
    [`https://shop.example/${'x'.repeat(2_048)}`, NOT_HTTPS],
    ['https://shop.example:8443/hook', NOT_443],
    ['https://shop.example:80/hook', NOT_443],
    ['https://me:secret@shop.example/hook', CREDENTIALS],
    ['https://me@shop.example/hook', CREDENTIALS],
    ['https://127.0.0.1@shop.example/hook', CREDENTIALS],
    ['https://nowhere.example/', UNKNOWN],
  ])('not %s: %s', async (url, reason) => {
    expect(await outcomeOf(url)).toBe(reason);
  });

  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0/',
    'https://0.0.0.0/',
    'https://１２７.0.0.1/',
    'https://127.0.0.1./',
    'https://%31%32%37.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://2852039166/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.0.1/',
    'https://100.64.0.1/',
    'https://192.0.0.1/',
    'https://192.0.2.1/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
    'https://[::]/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b::169.254.169.254]/',
    'https://[64:ff9b:1::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:7f00:1::]/',
    'https://[2001:db8::1]/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[fd00::8]/',
    'https://[fd00:ec2::254]/',
    'https://[ff02::1]/',
    'https://[4000::1]/',
    'https://localhost/',
    'https://inside.example/',
    'https://mapped.example/',
    'https://mixed.example/',
  ])('not %s: no public address', async (url) => {
    expect(await outcomeOf(url)).toBe('must lead to public addresses only');
  });

  it.each([
    ['127.0.0.1:9000', 'http://127.0.0.1:9000/hook', 'allowed'],
    ['127.0.0.1:9000', 'http://2130706433:9000/hook', 'allowed'],
    ['127.0.0.1:9000', 'http://127.0.0.1:9001/hook', 'must lead to public addresses only'],
    ['127.0.0.1', 'http://127.0.0.1:1234/hook', 'allowed'],
    ['127.0.0.1', 'http://127.0.0.2/hook', 'must lead to public addresses only'],
    ['127.0.0.1', 'http://me@127.0.0.1/hook', CREDENTIALS],
    ['127.0.0.1', 'ftp://127.0.0.1/hook', NOT_HTTPS],
    ['192.168.0.0/16:8080', 'http://inside.example:8080/', 'allowed'],
    ['192.168.0.0/16:8080', 'https://inside.example/', 'must lead to public addresses only'],
    ['10.0.0.0/8', 'https://mixed.example/', 'allowed'],
    ['10.0.0.0/8', 'http://mixed.example/', NOT_HTTPS],
    ['127.0.0.0/8', 'http://localhost/', 'must lead to public addresses only'],
    ['127.0.0.0/8, [::1]', 'http://localhost/', 'allowed'],
    ['[::1]:8080', 'http://[::1]:8080/', 'allowed'],
    ['fd00::/8', 'http://[fd12::7]/', 'allowed'],
    ['[fd00::/8]:443', 'https://[fd12::7]/', 'allowed'],
    ['localhost:3000', 'http://localhost:3000/hook', 'allowed'],
    ['LocalHost:3000', 'http://LOCALHOST:3000/hook', 'allowed'],
    ['localhost:3000', 'http://localhost:3001/hook', 'must lead to public addresses only'],
    ['shop.example:8443', 'https://shop.example:8443/', 'allowed'],
    ['shop.example', 'http://evil-shop.example/', UNKNOWN],
    ['inside.example', 'http://inside.example/', 'allowed'],
  ])('with %s allowed, %s is %s', async (allow, url, expected) => {
    expect(await outcomeOf(url, allow)).toBe(expected);
  });

  it.each([
    'a b',
    'http://host',
    '10.0.0.0/33',
    'host:0',
    'host:70000',
    '[::1',
    'fd00::/200',
    '10.0.0',
    '2130706433',
  ])('takes no entry such as %j', (entry) => {
    expect(parseAllowList(`localhost,${entry}`)).toBeUndefined();
  });

  it('gives up on a name whose server does not answer', async () => {
    const silent = new EgressPolicy([], () => new Promise(() => undefined), 10);
    expect(await silent.check('https://slow.example/')).toEqual({ outcome: 'refused', reason: UNKNOWN });
  });

  it.each(['', 'localhost', '1.2.3', '300.1.1.1'])('takes %j for no public address', (text) => {
    expect(isPublic(text)).toBe(false);
  });
});
