// npm run forget: removes a shopper's identity from the servers that the environment names, else from the running system
// of this clone.
import { adminCommand, runAsProcess } from './admin-command.mjs';

await runAsProcess(async () => adminCommand('forget', process.argv.slice(2)));
