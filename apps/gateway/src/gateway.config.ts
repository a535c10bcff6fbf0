import { choiceSetting, flagSetting, integerSetting, portSetting, textSetting } from '@flux/config';
import { redisSettings } from '@flux/gate';
import { telemetrySettings } from '@flux/telemetry';
import { tokenSettings } from '@flux/tokens';
import { z } from 'zod';

/** HS256 is as strong as its key: RFC 7518 asks for one as long as the digest. */
const MIN_SECRET_BYTES = 32;

/** Everything the gateway reads from its environment. */
export const gatewaySettings = z
  .object({
    ...telemetrySettings.shape,
    ...redisSettings.shape,
    ...tokenSettings.shape,
    FLUX_GATEWAY_HOST: textSetting({
      default: '127.0.0.1',
      unit: 'address',
      description: 'Where the shop API listens',
    }),
    FLUX_GATEWAY_PORT: portSetting({ default: 3000, description: 'Port of the shop API' }),
    FLUX_GATEWAY_MANAGEMENT_PORT: portSetting({
      default: 9400,
      description: "Port of the gateway's /metrics and /health",
    }),
    FLUX_AUTH: choiceSetting({
      choices: ['jwt', 'demo'],
      default: 'jwt',
      description:
        'Who the shopper is: the sub of a verified JWT, or, never in production, the header x-shopper-id',
    }),
    FLUX_JWT_SECRET: textSetting({
      default: '',
      unit: 'text, 32 bytes or more',
      description: 'Key of the HS256 tokens that the shop gives its shoppers; needed with FLUX_AUTH=jwt',
    }),
    FLUX_JWT_ISSUER: textSetting({
      default: '',
      unit: 'text',
      description: 'The iss that a token must have; empty: any',
    }),
    FLUX_JWT_AUDIENCE: textSetting({
      default: '',
      unit: 'text',
      description: 'The aud that a token must have; empty: any',
    }),
    FLUX_CORS_ORIGINS: textSetting({
      default: '',
      unit: 'origins, separated by commas',
      description: 'Web origins whose pages may call the shop API; empty: none',
    }),
    FLUX_DOCS: flagSetting({
      default: false,
      description: 'Serve Swagger UI in production too; elsewhere it always is',
    }),
    FLUX_WAITING_ROOM_URL: textSetting({
      default: '/waiting-room/{saleId}/',
      unit: 'address with {saleId}',
      description:
        'Where browsers are sent while a waiting room is on; the gateway itself serves the default',
    }).refine((text) => text.includes('{saleId}'), 'must have {saleId} in it'),
    FLUX_WAITING_ROOM_CONFIG: textSetting({
      default: '',
      unit: 'file',
      description: "JSON with the looks and texts of the waiting room's page; empty: those that come with it",
    }),
    FLUX_ADDRESS_LIMIT: integerSetting({
      default: 200,
      min: 1,
      max: 1_000_000,
      unit: 'requests',
      description: 'Requests that one address may make in a window',
    }),
    FLUX_ADDRESS_WINDOW_MS: integerSetting({
      default: 1_000,
      min: 100,
      max: 3_600_000,
      unit: 'ms',
      description: 'Length of that window',
    }),
    FLUX_EVENT_STREAMS: integerSetting({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      unit: 'streams',
      description: 'Event streams that one gateway keeps open; each takes a file descriptor and about 15 kB',
    }),
  })
  .superRefine((config, context) => {
    const problem = (variable: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [variable], message });
    };
    if (config.FLUX_AUTH === 'demo' && config.NODE_ENV === 'production') {
      problem('FLUX_AUTH', 'demo is refused when NODE_ENV is production');
    }
    if (config.FLUX_AUTH === 'jwt' && config.FLUX_JWT_SECRET === '') {
      problem('FLUX_JWT_SECRET', 'is needed with FLUX_AUTH=jwt');
    } else if (config.FLUX_AUTH === 'jwt' && Buffer.byteLength(config.FLUX_JWT_SECRET) < MIN_SECRET_BYTES) {
      problem('FLUX_JWT_SECRET', `must be ${MIN_SECRET_BYTES} bytes or longer`);
    }
    if (config.FLUX_TOKEN_KEYS.length === 0 && config.NODE_ENV === 'production') {
      problem('FLUX_TOKEN_KEYS', 'is needed when NODE_ENV is production');
    }
    for (const origin of originsOf(config.FLUX_CORS_ORIGINS)) {
      if (!isOrigin(origin)) problem('FLUX_CORS_ORIGINS', 'must be origins such as https://shop.example');
    }
  });
export type GatewayConfig = z.output<typeof gatewaySettings>;

/** Injection token of the parsed configuration. */
export const GATEWAY_CONFIG = Symbol('gateway.config');

export function originsOf(list: string): readonly string[] {
  return list
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
