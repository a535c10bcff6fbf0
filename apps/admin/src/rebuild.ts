import { runRebuildCommand } from './rebuild-command';

const context = {
  env: process.env,
  print: (text: string): void => void process.stdout.write(`${text}\n`),
  complain: (text: string): void => void process.stderr.write(`${text}\n`),
};

void runRebuildCommand(process.argv.slice(2), context).then((status) => {
  process.exitCode = status;
});
