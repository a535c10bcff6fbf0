import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '@flux/config';
import { createKafka, kafkaSettings } from '@flux/kafka';
import { createDataSource, databaseSettings } from '@flux/ledger';
import { Certificates, freePort } from '@flux/testing';
import { Client } from 'pg';
import { Stack } from '../invariants/world/stack';

const run = promisify(execFile);

const PASSWORD = 'canary-of-the-flux-user';
const ALL_JARS = join(__dirname, '../../.stack/kafka-libs');

/** PostgreSQL and Kafka as a network that nobody trusts needs them: TLS, and Kafka with a name and a password. */
describe('servers over TLS', () => {
  const certificates = new Certificates();
  const stranger = new Certificates();
  const stack = Stack.ofThisProcess(['kafka', 'postgres']);
  let kafka: { readonly plain: string; readonly secure: string };
  let databaseUrl: string;

  beforeAll(async () => {
    const server = certificates.issue('server');
    const [plain, controller, secure] = [await freePort(), await freePort(), await freePort()];
    const ports = { host: 'machine', kafka: plain, kafkaController: controller, postgres: await freePort() };
    mkdirSync(join(stack.folder, 'kafka'), { recursive: true });
    writeFileSync(join(stack.folder, 'ports.json'), JSON.stringify(ports));
    writeFileSync(
      join(stack.folder, 'kafka/more.properties'),
      listeners({ plain, controller, secure, ...server }),
    );
    await stack.up();
    kafka = { plain: `127.0.0.1:${plain}`, secure: `127.0.0.1:${secure}` };
    databaseUrl = stack.databaseUrl;
    await Promise.all([addScramUser(kafka.plain), encryptDatabase(databaseUrl, server)]);
  }, 240_000);

  afterAll(async () => {
    await stack.reset();
    certificates.remove();
    stranger.remove();
  }, 60_000);

  describe('PostgreSQL', () => {
    async function versionOf(env: Readonly<Record<string, string>>): Promise<unknown> {
      const config = loadConfig(databaseSettings, { DATABASE_URL: databaseUrl, ...env });
      const dataSource = createDataSource({ config, applicationName: 'flux-test' });
      await dataSource.initialize();
      try {
        const [row]: { readonly version: unknown }[] = await dataSource.query(
          'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl',
        );
        return row?.version;
      } finally {
        await dataSource.destroy();
      }
    }

    it('is spoken to over TLS where the authority is known', async () => {
      const env = { FLUX_DATABASE_CA_FILE: certificates.caFile };
      expect(await versionOf(env)).toBe('TLSv1.3');
      expect(await versionOf({ ...env, DATABASE_URL: `${databaseUrl}?sslmode=verify-full` })).toBe('TLSv1.3');
    });

    it.each([
      ['of somebody else', () => ({ FLUX_DATABASE_CA_FILE: stranger.caFile })],
      ['of nobody', () => ({ DATABASE_URL: `${databaseUrl}?sslmode=verify-full` })],
    ])('is not trusted with the authority %s', async (_name, env) => {
      await expect(versionOf(env())).rejects.toThrow(/certificate/);
    });

    it('is not trusted with a certificate of another host', async () => {
      const env = { FLUX_DATABASE_CA_FILE: certificates.caFile };
      const elsewhere = databaseUrl.replace('127.0.0.1', 'localhost');
      await expect(versionOf({ ...env, DATABASE_URL: elsewhere })).rejects.toThrow(/altnames/);
    });

    it('tells a wrong password without showing it', async () => {
      const url = new URL(databaseUrl);
      url.password = 'canary';
      const failed = versionOf({ FLUX_DATABASE_CA_FILE: certificates.caFile, DATABASE_URL: url.href });
      await expect(failed).rejects.toThrow(/password authentication failed/);
      await expect(failed).rejects.not.toThrow(/canary/);
    });

    it.each(['require', 'prefer', 'no-verify'])('takes no sslmode=%s, which proves nothing', (mode) => {
      const env = { DATABASE_URL: `${databaseUrl}?sslmode=${mode}` };
      expect(() => loadConfig(databaseSettings, env)).toThrow('DATABASE_URL');
    });
  });

  describe('Kafka', () => {
    const log: string[] = [];

    async function topicsOf(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
      const settings = loadConfig(kafkaSettings, {
        KAFKA_BROKERS: kafka.secure,
        FLUX_KAFKA_SSL: '1',
        FLUX_KAFKA_CA_FILE: certificates.caFile,
        FLUX_KAFKA_SASL_MECHANISM: 'plain',
        FLUX_KAFKA_SASL_USERNAME: 'flux',
        FLUX_KAFKA_SASL_PASSWORD: PASSWORD,
        ...env,
      });
      const admin = createKafka({
        settings,
        clientId: 'flux-test',
        log: (level, message, fields) => log.push(JSON.stringify({ level, message, ...fields })),
      }).admin({ retry: { retries: 0 } });
      await admin.connect();
      try {
        return await admin.listTopics();
      } finally {
        await admin.disconnect();
      }
    }

    it.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
      'takes name and password by %s',
      async (mechanism) => {
        expect(await topicsOf({ FLUX_KAFKA_SASL_MECHANISM: mechanism })).toBeInstanceOf(Array);
      },
    );

    it.each(['plain', 'scram-sha-256'])(
      'refuses a wrong password by %s, which no log shows',
      async (mechanism) => {
        const env = { FLUX_KAFKA_SASL_MECHANISM: mechanism, FLUX_KAFKA_SASL_PASSWORD: 'another-canary' };
        await expect(topicsOf(env)).rejects.toThrow(/authentication/i);
        expect(log.join('')).not.toContain('canary');
      },
    );

    it('refuses whoever gives no name', async () => {
      const nobody = { FLUX_KAFKA_SASL_USERNAME: '', FLUX_KAFKA_SASL_PASSWORD: '' };
      await expect(topicsOf({ ...nobody, FLUX_KAFKA_SASL_MECHANISM: 'none' })).rejects.toThrow();
    });

    it.each([
      ['of somebody else', () => stranger.caFile],
      ['of nobody', () => ''],
    ])('is not trusted with the authority %s', async (_name, file) => {
      await expect(topicsOf({ FLUX_KAFKA_CA_FILE: file() })).rejects.toThrow(/certificate/);
    });

    it('is not trusted by another name than its certificate has', async () => {
      const brokers = kafka.secure.replace('127.0.0.1', 'localhost');
      await expect(topicsOf({ KAFKA_BROKERS: brokers })).rejects.toThrow(/altnames/);
    });

    it.each([
      ['plain without TLS', { FLUX_KAFKA_SSL: '0', FLUX_KAFKA_CA_FILE: '' }],
      ['an authority without TLS', { FLUX_KAFKA_SSL: '0' }],
      ['a password without a mechanism', { FLUX_KAFKA_SASL_MECHANISM: 'none' }],
      ['a mechanism without a password', { FLUX_KAFKA_SASL_PASSWORD: '' }],
    ])('is not even tried with %s', async (_name, env) => {
      await expect(topicsOf(env)).rejects.toThrow(/FLUX_KAFKA_(SSL|CA_FILE|SASL_\w+)/);
    });
  });

  interface Listeners {
    readonly plain: number;
    readonly controller: number;
    readonly secure: number;
    readonly certFile: string;
    readonly keyFile: string;
  }

  /** The listener of the tools stays, another speaks SASL_SSL. */
  function listeners({ plain, controller, secure, certFile, keyFile }: Listeners): string {
    const inline = (file: string): string => readFileSync(file, 'utf8').trim().replaceAll('\n', '\\n');
    const of = (name: string, value: string): string => `listener.name.secure.${name}=${value}`;
    const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
    return [
      `listeners=PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller},SECURE://127.0.0.1:${secure}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${secure}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
      'inter.broker.listener.name=PLAINTEXT',
      of('ssl.keystore.type', 'PEM'),
      of('ssl.keystore.certificate.chain', inline(certFile)),
      of('ssl.keystore.key', inline(keyFile)),
      of('sasl.enabled.mechanisms', 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512'),
      of(
        'plain.sasl.jaas.config',
        `org.apache.kafka.common.security.plain.PlainLoginModule required user_flux="${PASSWORD}";`,
      ),
      of('scram-sha-256.sasl.jaas.config', scram),
      of('scram-sha-512.sasl.jaas.config', scram),
      '',
    ].join('\n');
  }

  /** One after the other: Kafka changes a user once in a request. */
  async function addScramUser(brokers: string): Promise<void> {
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      await run('java', [
        ...['-cp', classPath(), 'kafka.admin.ConfigCommand', '--bootstrap-server', brokers, '--alter'],
        ...['--add-config', `${mechanism}=[password=${PASSWORD}]`],
        ...['--entity-type', 'users', '--entity-name', 'flux'],
      ]);
    }
  }

  function classPath(): string {
    return readdirSync(ALL_JARS)
      .map((version) => join(ALL_JARS, version, '*'))
      .join(':');
  }

  /** The server insists that its key is its own. */
  async function encryptDatabase(
    url: string,
    { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
  ): Promise<void> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      const { uid, gid } = statSync(rows[0]?.data_directory ?? '');
      for (const file of [certFile, keyFile]) chownSync(file, uid, gid);
      await client.query(`ALTER SYSTEM SET ssl_cert_file = '${certFile}'`);
      await client.query(`ALTER SYSTEM SET ssl_key_file = '${keyFile}'`);
      await client.query('ALTER SYSTEM SET ssl = on');
      await client.query('SELECT pg_reload_conf()');
    } finally {
      await client.end();
    }
  }
});
