// npm run replay: brings a restored or empty database forward from Kafka, on the servers that the environment names, else
// on those of this clone's running system.
import { adminCommand, runAsProcess } from './admin-command.mjs';

await runAsProcess(async () => adminCommand('replay', process.argv.slice(2)));
