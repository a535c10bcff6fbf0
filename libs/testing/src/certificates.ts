import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DAYS = '2';

/** A certificate and its key, as files and in PEM. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of a test's own and what it vouches for: files in a folder that `remove` deletes. */
export class Certificates {
  readonly caFile: string;
  private readonly caKeyFile: string;

  constructor(readonly folder = mkdtempSync(join(tmpdir(), 'flux-certificates-'))) {
    // Servers run as users of their own, and must find their files here.
    chmodSync(folder, 0o755);
    this.caFile = join(folder, 'ca.crt');
    this.caKeyFile = join(folder, 'ca.key');
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', DAYS],
      ...['-subj', '/CN=an authority of the tests', '-keyout', this.caKeyFile, '-out', this.caFile],
    );
  }

  /** @param hosts as OpenSSL names them: `IP:127.0.0.1`, `DNS:redis` */
  issue(name: string, hosts = 'IP:127.0.0.1'): Certificate {
    const [certFile, keyFile] = [join(this.folder, `${name}.crt`), join(this.folder, `${name}.key`)];
    const [requestFile, namesFile] = [join(this.folder, `${name}.csr`), join(this.folder, `${name}.names`)];
    writeFileSync(namesFile, `subjectAltName=${hosts}\n`);
    openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
      ...['-keyout', keyFile, '-out', requestFile],
    );
    openssl(
      ...[
        'x509',
        '-req',
        '-in',
        requestFile,
        '-CA',
        this.caFile,
        '-CAkey',
        this.caKeyFile,
        '-CAcreateserial',
      ],
      ...['-days', DAYS, '-extfile', namesFile, '-out', certFile],
    );
    return { certFile, keyFile };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
