// Real servers for one test: Redis and Kafka on free ports, their data in the test's own folder.
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { run } from './processes.mjs';
import { sleep } from './wait.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const script = name => path.join(root, 'tests/support', name);

// `start DIR OWNER` prints one line `key=value`; the server ends with this process, however that ends.
function startScript(name, dir, key, within) {
  const { stdout } = run(script(name), ['start', dir, String(process.pid)], { within });
  const found = new RegExp(`(?:^|\\s)${key}=(\\S+)`).exec(stdout);
  if (!found) throw new Error(`${name} start said no ${key}=: ${stdout}`);
  return { value: found[1], stop: () => run(script(name), ['stop', dir], { check: false }) };
}

export function startRedis(dir) {
  const { value, stop } = startScript('redis.sh', dir, 'url', 60_000);
  return { url: value, port: new URL(value).port, stop };
}

// The first start on a machine fetches the broker from Maven Central.
export function startKafka(dir) {
  const { value, stop } = startScript('kafka.sh', dir, 'brokers', 600_000);
  return { brokers: value, stop };
}

// With the same port and data. It ends with this process as it did before.
export function restartKafka(dir) {
  run(script('kafka.sh'), ['kill', dir], { check: false });
  run(script('kafka.sh'), ['start', dir, String(process.pid)], { within: 60_000 });
}

// Gives when it was gone and when it was told to come back, in ms.
export async function restartRedis(dir, away) {
  run(script('redis.sh'), ['stop', dir], { check: false });
  const stopped = Date.now();
  await sleep(away);
  const back = Date.now();
  run(script('redis.sh'), ['start', dir, String(process.pid)], { within: 60_000 });
  return { stopped, back };
}
