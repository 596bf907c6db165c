// Answers request bodies from standard input, for contract_wasm.rs, as its `Piped` asks.

import init, { Engine } from "./package.mjs";

await init();
const engine = new Engine();
let waiting = Buffer.alloc(0);
for await (const piece of process.stdin) {
  waiting = Buffer.concat([waiting, piece]);
  while (waiting.length >= 4) {
    const end = 4 + waiting.readUInt32LE();
    if (waiting.length < end) break;
    const { status, body } = engine.detectJson(waiting.subarray(4, end));
    waiting = waiting.subarray(end);
    const bytes = Buffer.from(body);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(status);
    head.writeUInt32LE(bytes.length, 4);
    process.stdout.write(Buffer.concat([head, bytes]));
  }
}
