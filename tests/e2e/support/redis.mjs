// A connection to Redis that speaks RESP2: bulk strings come back as Buffers, integers as numbers.
import net from 'node:net';

// One whole reply at `at` of the buffer: [value, where it ends]; null where more has to come.
function parse(buffer, at) {
  const end = buffer.indexOf('\r\n', at);
  if (end < 0) return null;
  const line = buffer.toString('latin1', at + 1, end), next = end + 2;
  switch (buffer[at]) {
    case 43: return [line, next]; // +
    case 45: return [new Error(line), next]; // -
    case 58: return [Number(line), next]; // :
    case 36: { // $
      const size = Number(line);
      if (size < 0) return [null, next];
      if (buffer.length < next + size + 2) return null;
      return [Buffer.from(buffer.subarray(next, next + size)), next + size + 2];
    }
    case 42: { // *
      const items = [];
      let from = next;
      for (let i = 0; i < Number(line); ++i) {
        const item = parse(buffer, from);
        if (!item) return null;
        items.push(item[0]);
        from = item[1];
      }
      return [items, from];
    }
    default: throw new Error(`not RESP: ${buffer.toString('latin1', at, at + 40)}`);
  }
}

export async function connectRedis(port) {
  const socket = net.connect(Number(port), '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const waiting = [];
  let rest = Buffer.alloc(0);
  socket.on('data', some => {
    rest = Buffer.concat([rest, some]);
    for (let found; rest.length > 0 && (found = parse(rest, 0));) {
      rest = rest.subarray(found[1]);
      const { resolve, reject } = waiting.shift();
      if (found[0] instanceof Error) reject(found[0]);
      else resolve(found[0]);
    }
  });
  const gone = () => waiting.splice(0).forEach(w => w.reject(new Error('Redis has closed the connection')));
  socket.on('error', gone).on('close', gone);
  return {
    // Several at once go in one pipeline.
    call: (...words) => new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      const parts = words.map(w => Buffer.isBuffer(w) ? w : Buffer.from(String(w)));
      socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`),
        ...parts.flatMap(p => [Buffer.from(`$${p.length}\r\n`), p, Buffer.from('\r\n')])]));
    }),
    close: () => socket.destroy(),
  };
}
