import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Notes the processes that it is told of and, when its input ends, runs what it was given for each that is left. A
 * process of its own group: Ctrl-C, which ends the tests, does not reach it.
 */
const WATCH = `
left=" "
while read -r sign name; do
  case $sign in
    +) left="$left$name " ;;
    -) case $left in *" $name "*) left="\${left%% $name *} \${left#* $name }" ;; esac ;;
  esac
done
for name in $left; do "$@" "$name" >/dev/null 2>&1; done`;

/**
 * Ends what tests have started with the test process at the latest, whatever ends that: under Jest `process.once('exit')`
 * listens to a copy of the process, and nobody hears of a signal.
 */
export class EndWithTests {
  private readonly names = new Set<string>();
  private watch: ChildProcess | undefined;

  /** @param command ends one; its name comes last */
  constructor(private readonly command: readonly string[]) {}

  add(name: string): void {
    this.names.add(name);
    this.watch ??= this.start();
    this.tell('+', name);
  }

  /** It has ended. */
  delete(name: string): void {
    if (!this.names.delete(name)) return;
    this.tell('-', name);
    if (this.names.size > 0) return;
    this.watch?.stdin?.end();
    this.watch = undefined;
  }

  private tell(sign: '+' | '-', name: string): void {
    this.watch?.stdin?.write(`${sign} ${name}\n`);
  }

  private start(): ChildProcess {
    const watch = spawn('/bin/sh', ['-c', WATCH, 'end-with-tests', ...this.command], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watch.unref();
    // Where it could not be started, nobody reads.
    watch.on('error', () => undefined).stdin.on('error', () => undefined);
    return watch;
  }
}

const children = new EndWithTests(['kill', '-KILL']);

/** Kills a child process with the test process at the latest. */
export function endWithTests(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  children.add(String(pid));
  child.once('exit', () => {
    children.delete(String(pid));
  });
}
