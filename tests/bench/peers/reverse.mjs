// The same items, the same profiles, the same pairs that fit, by Lucene Monitor: node reverse.mjs FOLDER, which
// bench_reverse has filled. One JSON line a figure; `ratio`: how many times longer Lucene takes than Zhida, which also
// gives who is possible and who is one condition short.
//   reverse_vs_lucene_10k ...    for each number of items
//   reverse_vs_lucene, reverse_vs_lucene_min    the median (of two, the lower) and the least of them
// Where Lucene cannot be had, it says so on standard error; where it finds other pairs than Zhida, all ends.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2];
const print = (line) => console.log(JSON.stringify(line));
const lines = [];
for (const { items, label, zhida_us, eligible } of JSON.parse(readFileSync(`${folder}/reverse.json`, 'utf8'))) {
  const run = spawnSync(fileURLToPath(new URL('run_lucene.sh', import.meta.url)),
    [`${folder}/items-${label}.jsonl`, `${folder}/profiles-${label}.jsonl`],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (run.status !== 0) {
    console.error(`not compared with Lucene at ${items} items: run_lucene.sh ended with ${run.status}`);
    continue;
  }
  const told = JSON.parse(run.stdout);
  if (told.matches !== eligible) throw new Error(`Lucene finds ${told.matches} pairs, Zhida ${eligible}`);
  lines.push({ name: `reverse_vs_lucene_${label}`, value: Number((told.value / zhida_us).toPrecision(4)), unit: 'ratio',
    items, zhida_us, lucene_us: told.value, presearcher: told.presearcher, version: told.version });
  print(lines.at(-1));
}
if (lines.length > 0) {
  lines.sort((a, b) => a.value - b.value);
  print({ ...lines[(lines.length - 1) >> 1], name: 'reverse_vs_lucene' });
  print({ ...lines[0], name: 'reverse_vs_lucene_min' });
}
