// npm run rebuild: writes an item's gate anew on the servers that the environment names, else on the running system of
// this clone.
import { adminCommand, runAsProcess } from './admin-command.mjs';

await runAsProcess(async () => adminCommand('rebuild', process.argv.slice(2)));
