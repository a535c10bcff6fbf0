import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EndWithTests } from '@flux/testing';

const run = promisify(execFile);

/** Holds the data of one run many times over. */
const SIZE_BYTES = 128 * 1024 * 1024;

const mounted = new EndWithTests(['umount', '-l']);

/** A file system of its own in memory, small enough to be filled. */
export class SmallDisk {
  private constructor(readonly folder: string) {}

  /** undefined where this process may not mount anything. */
  static async mount(): Promise<SmallDisk | undefined> {
    const folder = await mkdtemp(join(tmpdir(), 'flux-small-disk-'));
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_BYTES}`, 'tmpfs', folder]);
      mounted.add(folder);
      return new SmallDisk(folder);
    } catch {
      await rm(folder, { recursive: true });
      return undefined;
    }
  }

  /** Takes every free byte. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder);
    // Whatever is left after the last whole block counts as free: the write that meets the end says so.
    await writeFile(this.filler, Buffer.alloc(bavail * bsize)).catch(() => undefined);
  }

  async free(): Promise<void> {
    await rm(this.filler, { force: true });
  }

  async unmount(): Promise<void> {
    await run('umount', ['-l', this.folder]).catch(() => undefined);
    mounted.delete(this.folder);
    await rm(this.folder, { recursive: true, force: true });
  }

  private get filler(): string {
    return join(this.folder, 'filler');
  }
}
