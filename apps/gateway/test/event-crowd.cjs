/**
 * A worker: a crowd of readers, each on a connection of its own, in a memory of its own. Tells `opened` when every
 * reader has been told something, and `over` with what each was told when every stream has ended.
 */
const { get } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');

/** Connections that are being opened at once: below the usual backlog of a listener. */
const OPENING = 100;

const { base, readers } = workerData;
const told = readers.map(() => []);
let next = 0;
let heard = 0;
let over = 0;

function openNext() {
  const index = next;
  next += 1;
  const reader = readers[index];
  if (reader === undefined) return;
  get(`${base}${reader.path}`, { agent: false, headers: reader.headers }, (answer) => {
    if (answer.statusCode !== 200) told[index].push(String(answer.statusCode));
    answer.setEncoding('utf8');
    let rest = '';
    answer.on('data', (text) => {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block);
        if (data !== null) tell(index, JSON.parse(data[1]).status);
      }
    });
    answer.once('close', () => {
      over += 1;
      if (over === readers.length) parentPort.postMessage({ what: 'over', told });
    });
  });
}

function tell(index, status) {
  told[index].push(status);
  if (told[index].length > 1) return;
  heard += 1;
  if (heard === readers.length) parentPort.postMessage({ what: 'opened' });
  openNext();
}

for (let count = 0; count < OPENING; count += 1) openNext();
