/** What a request may cost before anything of ours looks at it. */
export const LIMITS = {
  /** Node's default is 16 kB. */
  headerBytes: 8_192,
  headers: 64,
  urlBytes: 2_048,
  /** The longest parameter of ours is an order id: 104 characters. */
  paramLength: 120,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  /** Silence on a socket with a request under way. */
  connectionTimeoutMs: 30_000,
  /** An answer of which its reader takes nothing for so long is given up, with its connection. */
  unreadMs: 20_000,
  keepAliveTimeoutMs: 65_000,
  /** The last answer says `Connection: close`, so that a load balancer chooses anew; later requests are answered 503. */
  requestsPerSocket: 10_000,
  /** How often Node looks for requests past their time; its default is 30 s. */
  checkingIntervalMs: 1_000,
} as const;
