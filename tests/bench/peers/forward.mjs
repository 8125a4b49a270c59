// The same rows, the same conditions, the same answers, by other databases: node forward.mjs FOLDER, which
// bench_forward has filled. One JSON line a figure; `ratio`: how many times longer the peer takes than Zhida.
//   forward_vs_PEER_CONDITION        counts of eligible, possible and one short, as Zhida gives them
//   forward_count_vs_PEER_CONDITION  only count(*) WHERE condition, what it does best, against Zhida's whole answer
//   forward_vs_PEER, forward_vs_PEER_min    the median and the least of the conditions; the same of forward_count_
// A peer that cannot be had is passed over and named on standard error; one that counts otherwise than Zhida ends all.
import { readFileSync } from 'node:fs';

const folder = process.argv[2];
const { rows, columns, conditions } = JSON.parse(readFileSync(`${folder}/conditions.json`, 'utf8'));
const print = (line) => console.log(JSON.stringify(line));
const round = (x) => Number(x.toPrecision(4));

// Two ways to ask for the three counts; which is faster depends on the condition, so each peer gets both.
function questions({ hard, tests }, small) {
  const known = ({ unknown }) => columns.some((c) => c.known && unknown === `${c.name} IS NULL`);
  const needed = hard.map((h) => (known(h) ? h.test : `(${h.test}) IS NOT FALSE`));
  const where = needed.length ? `WHERE ${needed.join(' AND ')}` : '';
  const open = [...hard.filter((h) => !known(h)), ...tests];
  const failed = tests.map((t) => `CAST((${t.test} IS FALSE) AS ${small})`).join(' + ') || '0';
  const unknown = open.map((t) => `(${t.unknown})`).join(' OR ') || 'FALSE';
  const sum = open.map((t) => `CASE WHEN ${t.test} THEN 0 WHEN ${t.unknown} THEN 16 ELSE 1 END`).join(' + ') || '0';
  return [
    `SELECT count(*) FILTER (WHERE f = 0 AND NOT u), count(*) FILTER (WHERE f = 0 AND u), count(*) FILTER (WHERE f = 1)
     FROM (SELECT ${failed} AS f, ${unknown} AS u FROM enterprises ${where}) AS judged`,
    `SELECT count(*) FILTER (WHERE s = 0), count(*) FILTER (WHERE s >= 16 AND (s & 15) = 0),
            count(*) FILTER (WHERE (s & 15) = 1)
     FROM (SELECT ${sum} AS s FROM enterprises ${where}) AS judged`,
  ];
}

async function median(run, expected, what) {
  const took = [];
  for (let i = 0; i < (rows > 2e6 ? 5 : 15); ++i) {
    const began = performance.now();
    const found = await run();
    took.push(performance.now() - began);
    if (String(found) !== String(expected)) throw new Error(`${what} found ${found}, Zhida ${expected}`);
  }
  return took.sort((a, b) => a - b)[took.length >> 1];
}

async function compare(name, peer, small) {
  const figures = { forward: [], forward_count: [] };
  for (const condition of conditions) {
    const asked = await Promise.all(questions(condition, small).map((sql) => peer.prepare(sql)));
    const counted = await peer.prepare(`SELECT count(*) FROM enterprises WHERE ${condition.condition}`);
    const ms = { forward: {}, forward_count: {} };
    for (const threads of peer.threads) {
      await peer.useThreads(threads);
      const what = `${name} (${condition.name})`;
      const each = [];
      for (const run of asked) each.push(await median(run, condition.found, what));
      ms.forward[threads] = Math.min(...each);
      ms.forward_count[threads] = await median(counted, [condition.found[0]], what);
    }
    for (const [figure, by] of Object.entries(ms)) {
      const ratio = by[1] / condition.zhida_ms;
      const line = { name: `${figure}_vs_${name}_${condition.name}`, value: round(ratio), unit: 'ratio', rows,
        condition: condition.name, zhida_ms: round(condition.zhida_ms), [`${name}_ms`]: round(by[1]) };
      const most = peer.threads.at(-1);
      if (most > 1) Object.assign(line, { [`${name}_${most}_threads_ms`]: round(by[most]) });
      print(line);
      figures[figure].push(line);
    }
  }
  for (const [figure, lines] of Object.entries(figures)) {
    lines.sort((a, b) => a.value - b.value);
    print({ ...lines[lines.length >> 1], name: `${figure}_vs_${name}`, version: peer.version });
    print({ ...lines[0], name: `${figure}_vs_${name}_min`, version: peer.version });
  }
}

const peers = { duckdb: { small: 'UTINYINT', most: Infinity }, postgres: { small: 'integer', most: 2e6 } };
for (const [name, { small, most }] of Object.entries(peers)) {
  let peer;
  if (rows > most) {
    console.error(`${name} is compared at no more than ${most} rows`);
    continue;
  }
  try {
    peer = await (await import(`./${name}.mjs`)).open({ folder, columns });
  } catch (error) {
    console.error(`not compared with ${name}: ${error.message}`);
    continue;
  }
  try {
    await compare(name, peer, small);
  } finally {
    await peer.close();
  }
}
