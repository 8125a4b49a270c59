// Child processes: started with a line to wait for, their output kept for the report of a failure, and ended with
// the test whatever happens.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';

const running = new Set();
process.on('exit', () => {
  for (const started of running) started.child.kill('SIGKILL');
});

// Starts a program and waits until one line of its standard output matches `ready`. Returns { child, match, tail,
// ended, stop, kill }; `log` is a file that gets all its output.
export async function start(command, args, { ready, within = 60_000, env = {}, log, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const file = log ? createWriteStream(log, { flags: 'a' }) : null;
  const lines = [];
  let rest = '';
  let found;
  const match = new Promise(resolve => { found = resolve; });
  child.stdout.setEncoding('utf8').on('data', text => {
    file?.write(text);
    rest += text;
    const parts = rest.split('\n');
    rest = parts.pop();
    for (const line of parts) {
      lines.push(line);
      const hit = ready?.exec(line);
      if (hit) found(hit);
    }
    lines.splice(0, lines.length - 400);
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    file?.write(text);
    lines.push(...text.trimEnd().split('\n'));
    lines.splice(0, lines.length - 400);
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      running.delete(started);
      file?.end();
      resolve({ code, signal });
    });
  });
  const tail = () => lines.slice(-40).join('\n');
  const started = {
    child, tail, ended, match: null,
    // Asks it to end (SIGTERM) and waits; SIGKILL after the deadline, which is a failure.
    async stop(deadline = 15_000) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), deadline);
      const { code, signal } = await ended;
      clearTimeout(timer);
      if (signal === 'SIGKILL') throw new Error(`${command} did not end within ${deadline} ms of SIGTERM:\n${tail()}`);
      return code;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  running.add(started);
  if (!ready) return started;
  const gaveUp = new Promise(resolve => setTimeout(resolve, within, 'late').unref());
  const first = await Promise.race([match, ended, gaveUp]);
  if (!Array.isArray(first)) {
    child.kill('SIGKILL');
    const why = first === 'late' ? `not ready within ${within} ms` : `ended with ${JSON.stringify(first)}`;
    throw new Error(`${command} ${args.join(' ')}: ${why}\n${tail()}`);
  }
  started.match = first;
  return started;
}

// Runs a program to its end; throws where it fails unless `check` is false.
export function run(command, args, { input, env = {}, check = true, within = 120_000, cwd } = {}) {
  const done = spawnSync(command, args, {
    cwd, input, env: { ...process.env, ...env }, encoding: 'utf8', timeout: within, maxBuffer: 256 << 20,
  });
  if (done.error) throw done.error;
  if (check && done.status !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${done.status}\n${done.stdout}\n${done.stderr}`);
  }
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}
