// DuckDB, in memory, with the narrowest type that holds each column. One thread, and then all.
import { availableParallelism, cpus } from 'node:os';
import { DuckDBInstance } from '@duckdb/node-api';

function type({ most, kind }) {
  if (kind === 'set') return most < 2 ** 32 ? 'UINTEGER' : 'UBIGINT';
  return most < 2 ** 7 ? 'TINYINT' : most < 2 ** 15 ? 'SMALLINT' : most < 2 ** 31 ? 'INTEGER' : 'BIGINT';
}

export async function open({ folder, columns }) {
  const db = await DuckDBInstance.create(':memory:');
  const connection = await db.connect();
  const typed = columns.map((c) => ({ ...c, type: type(c) }));
  const declared = typed.map((c) => `${c.name} ${c.type}${c.known ? ' NOT NULL' : ''}`);
  await connection.run(`CREATE TABLE enterprises (${declared})`);
  await connection.run(`INSERT INTO enterprises SELECT * FROM read_csv('${folder}/rows.tsv', delim = '\t',
    header = false, auto_detect = false, columns = {${typed.map((c) => `'${c.name}': '${c.type}'`)}})`);
  return {
    version: (await (await connection.run('SELECT version()')).getRows())[0][0],
    threads: [1, availableParallelism?.() ?? cpus().length],
    useThreads: (n) => connection.run(`SET threads = ${n}`),
    // A function that runs the query and gives the numbers of its one row.
    prepare: async (sql) => {
      const prepared = await connection.prepare(sql);
      return async () => (await (await prepared.run()).getRows())[0].map(Number);
    },
    close: () => db.closeSync?.(),
  };
}
