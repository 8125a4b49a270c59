// PostgreSQL 15 in a temporary cluster that only this process can reach, with an index for each column that is asked
// for. No worker beside the one that answers. Sets are masks without an index: as arrays with a GIN index they were
// no faster, since what else is asked for is rarer.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const programs = process.env.ZHIDA_POSTGRES_BIN ?? '/usr/lib/postgresql/15/bin';
const type = ({ most }) => (most < 2 ** 15 ? 'smallint' : most < 2 ** 31 ? 'integer' : 'bigint');

// The server refuses to be root: it is then the user that the package made.
function user() {
  if (process.getuid() !== 0) return {};
  const id = (what) => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function settings(socket) {
  const memory = Math.min(2048, Math.floor(totalmem() / 4 / 2 ** 20));
  return Object.entries({
    listen_addresses: '',
    unix_socket_directories: socket,
    shared_buffers: `${memory}MB`,
    effective_cache_size: `${2 * memory}MB`,
    work_mem: '256MB',
    maintenance_work_mem: '512MB',
    random_page_cost: 1.1,
    max_parallel_workers_per_gather: 0,
    autovacuum: 'off', // done once, after loading
    max_wal_size: '4GB',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function start(home) {
  const as = user();
  mkdirSync(home);
  if (as.uid !== undefined) chownSync(home, as.uid, as.gid);
  const log = openSync(`${home}.log`, 'a');
  const options = { ...as, cwd: home, stdio: ['ignore', log, log] };
  const form = ['-U', 'zhida', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  execFileSync(`${programs}/initdb`, ['-D', `${home}/data`, ...form], options);
  const server = spawn(`${programs}/postgres`, ['-D', `${home}/data`, ...settings(home)], options);
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const kill = () => server.kill('SIGQUIT');
  process.once('exit', kill);
  const stop = async () => {
    server.kill('SIGINT');
    await ended;
    process.off('exit', kill);
  };
  for (let tries = 0; tries < 300; ++tries) {
    const client = new pg.Client({ host: home, user: 'zhida', database: 'postgres' });
    try {
      await client.connect();
      return { client, stop };
    } catch (error) {
      await client.end().catch(() => {});
      if (server.exitCode !== null) throw new Error(`the server ended: see ${home}.log`);
      if (tries === 299) throw error;
      await sleep(100);
    }
  }
}

export async function open({ folder, columns }) {
  if (!existsSync(`${programs}/postgres`)) throw new Error(`no ${programs}/postgres: set ZHIDA_POSTGRES_BIN`);
  chmodSync(folder, 0o755); // the server reads the rows itself
  const { client, stop } = await start(`${folder}/postgres`);
  const close = async () => {
    await client.end();
    await stop();
  };
  try {
    const declared = columns.map((c) => `${c.name} ${type(c)}${c.known ? ' NOT NULL' : ''}`);
    await client.query(`CREATE TABLE enterprises (${declared})`);
    await client.query(`COPY enterprises FROM '${folder}/rows.tsv' (NULL '')`);
    for (const c of columns) if (c.kind !== 'set') await client.query(`CREATE INDEX ON enterprises (${c.name})`);
    await client.query('VACUUM (FREEZE, ANALYZE) enterprises');
    const version = (await client.query('SHOW server_version')).rows[0].server_version;
    let prepared = 0;
    return {
      version,
      threads: [1],
      useThreads: () => {},
      prepare: async (text) => {
        const query = { name: `q${prepared++}`, text, rowMode: 'array' };
        return async () => (await client.query(query)).rows[0].map(Number);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
