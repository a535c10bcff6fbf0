import { runReplayCommand } from './replay-command';

const context = {
  env: process.env,
  print: (text: string): void => void process.stdout.write(`${text}\n`),
  complain: (text: string): void => void process.stderr.write(`${text}\n`),
};

void runReplayCommand(process.argv.slice(2), context).then((status) => {
  process.exitCode = status;
});
