// The demonstration as somebody meets it who starts it, stops it and starts it again.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync, realpathSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { start, run } from './support/processes.mjs';
import { root } from './support/servers.mjs';
import { portal } from './support/api.mjs';
import { program } from './support/installation.mjs';
import { forSmallEnterprises } from './support/documents.mjs';
import { settled } from './support/campaigns.mjs';
import { until } from './support/wait.mjs';

const people = 1500;
const folder = t => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'zhida-demo-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};
async function demo(data, words = []) {
  const begun = await start(program, ['demo', '--port', '0', '--data', data, '--subjects', String(people), ...words],
    { ready: /^ready (http:\/\/127\.0\.0\.1:\d+\/)$/, within: 120_000 });
  return { ...begun, api: portal(begun.match[1]) };
}
const campaigns = async api => (await api.json('/api/v1/campaigns?limit=100')).items
  .sort((a, b) => (a.id < b.id ? -1 : 1));

test('the demonstration', async t => {
  const data = path.join(folder(t), 'd');
  let first, before;
  t.after(() => first?.kill());

  await t.test('publishes the thirty policies to the people they are for', async () => {
    first = await demo(data);
    const { api } = first;
    assert.equal((await api.json('/api/v1/summary')).subjects, people);
    const all = await campaigns(api);
    assert.equal(all.length, 30);
    for (const { id, audience } of all) if (audience > 0) await settled(api, id);
    before = await campaigns(api);
    assert.ok(before.filter(c => c.audience > 0).length >= 10);
    for (const c of before) assert.ok(c.identity_holds, c.id);
  });

  await t.test('every address that it prints can be opened', async () => {
    const printed = [...first.tail().matchAll(/http:\/\/127\.0\.0\.1:\d+\/\w*/g)].map(m => m[0]);
    assert.ok(printed.length >= 5, first.tail());
    for (const address of printed) {
      const answer = await fetch(address);
      assert.equal(answer.status, 200, address);
      assert.match(await answer.text(), /合成数据/);
    }
  });

  await t.test('a second one on the same folder is refused and the first goes on', async () => {
    const second = run(program, ['demo', '--port', '0', '--data', data], { check: false });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /in use by another/);
    assert.ok(second.stderr.includes(data), second.stderr);
    await first.api.get('/readyz');
  });

  await t.test('a port that is taken is named', async t => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => taken.once('listening', resolve));
    t.after(() => taken.close());
    const { port } = taken.address();
    const other = run(program, ['demo', '--port', String(port), '--data', path.join(folder(t), 'e')], { check: false });
    assert.equal(other.status, 1);
    assert.match(other.stderr, new RegExp(`port ${port} is in use.*--port`));
  });

  const settings = path.join(data, 'zhida.toml');
  const command = (words, options) => run(program, [...words, '--config', settings], { check: false, ...options });

  await t.test('commands beside it take its settings', () => {
    assert.ok(first.tail().includes(`ZHIDA_CONFIG=${settings} ${realpathSync(program)} ledger verify`), first.tail());
    const verified = command(['ledger', 'verify']);
    assert.equal(verified.status, 0, verified.stderr);
    assert.match(verified.stdout, /everything agrees/);
    assert.equal(JSON.parse(command(['ledger', 'verify', '--json']).stdout).campaigns.length, 30);
    // Of another database of the same Redis it is said that nothing is there.
    const { stdout: shown } = command(['--check-config']);
    const url = /^url = "(redis:.*)\/0"$/m.exec(shown)[1];
    assert.match(command(['ledger', 'verify', '--set', `redis.url=${url}/5`]).stdout, /0 campaigns: is this the right/);
  });

  await t.test('why somebody got a policy, or did not, is told for the hotline', async () => {
    const { id: campaign, policy } = before.find(c => c.audience > 0);
    const sample = (...words) => command(['why', ...words]);
    const inbox = async id => (await first.api.json(`/api/v1/subjects/${id}/packages`)).items;
    const home = await (await fetch(first.api.base)).text();
    const people = [...home.matchAll(/name="name" value="([^"]+)"/g)].map(m => m[1]);
    const reached = await (async () => {
      for (const id of people) for (const p of await inbox(id)) return { id, package: p };
      return null;
    })();
    assert.ok(reached, 'somebody has a package');

    const said = sample(reached.id, reached.package.policy.id);
    assert.equal(said.status, 0, said.stderr);
    for (const wanted of [reached.id, reached.package.policy.title, '以下结论按 20', '（最新）', '✓', '网页：已送达', '办理期限']) {
      assert.ok(said.stdout.includes(wanted), `${wanted} in ${said.stdout}`);
    }
    const answer = JSON.parse(sample(reached.id, reached.package.policy.id, '--json').stdout);
    assert.match(answer.day, /^\d{4}-\d\d-\d\d$/);
    const version = answer.versions[0];
    assert.deepEqual(version.campaigns.map(c => c.id), [reached.package.campaign]);
    assert.equal(version.campaigns[0].deliveries.find(d => d.channel === 'web').state, 'delivered');
    // The same reasons as on the page.
    for (const item of reached.package.items) {
      const same = version.items.find(i => i.id === item.id);
      assert.equal(same.verdict, item.verdict);
      assert.deepEqual(same.why.map(w => [w.pointer, w.outcome, w.value]), item.why.map(w => [w.pointer, w.outcome, w.value]));
    }

    for (const [words, wanted] of [
      [['R310113-0000', policy], /主体 R310113-0000: 没有这个主体 \(请核对编号/],
      [['91310113MA1TOOOO11', policy], /统一社会信用代码（校验码不符）/],
      [[policy, reached.id], new RegExp(`先写主体，再写政策：zhida why ${reached.id} ${policy}`)],
      [[reached.id, `${policy}0`], new RegExp(`政策 ${policy}0: 没有这个政策 \\(相近的有：.*${policy}《`)],
      [[reached.id, campaign], new RegExp(`请写政策编号 ${policy}`)],
    ]) {
      const wrong = sample(...words);
      assert.equal(wrong.status, 1, words.join(' '));
      assert.match(wrong.stderr, wanted);
      assert.equal(wrong.stdout, '');
    }
  });

  await t.test('only its own key seals what is imported', t => {
    const dir = folder(t);
    const file = path.join(dir, 'people.csv');
    writeFileSync(file, '编号,类型,名称,出生日期,联系人手机\nR310113-99990001,居民,合成居民,1990/3/1,+86 164-0000-0001\n');
    const stranger = command(['import', file, '--set', `node.data_dir=${dir}`]);
    assert.equal(stranger.status, 1);
    assert.match(stranger.stderr, /use the key of the running service/);
    assert.equal(stranger.stdout, '');
    assert.ok(!existsSync(path.join(dir, 'contact.key')));
    writeFileSync(path.join(dir, 'contact.key'), 'ab'.repeat(32), { mode: 0o600 });
    assert.match(command(['import', file, '--set', `node.data_dir=${dir}`]).stderr, /not the contact key of the installation/);
    const done = command(['import', file]);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /1 imported .*\n(.*\n)*applied/);
  });

  await t.test('a version that is taken is not published again', t => {
    const sample = path.join(root, 'config/samples/policies', `${before[0].policy}.json`);
    const same = command(['publish', sample, '--json']);
    assert.equal(same.status, 0, same.stderr);
    assert.deepEqual(JSON.parse(same.stdout), { ok: true, published: 0, repeated: 1 });
    const changed = path.join(folder(t), 'changed.json');
    writeFileSync(changed, JSON.stringify({ ...JSON.parse(readFileSync(sample)), title: '别的标题' }));
    const refused = command(['publish', changed]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /第 1 版已经发布，内容与这份不同 \(若是新政策，请改 id；若是更新，请把 version 改为 2\)/);
  });

  await t.test('started again it goes on where it was and sends nothing twice', async () => {
    const id = before.find(c => c.audience > 0).id;
    assert.equal(await first.stop(), 0);
    assert.ok(!existsSync(settings));
    writeFileSync(settings, '# of somebody else\n');
    first = await demo(data);
    // One that everybody has by now is finished.
    const counts = all => all.map(({ state, state_label, ...rest }) => rest);
    assert.deepEqual(counts(await campaigns(first.api)), counts(before));
    assert.equal((await first.api.json(`/api/v1/campaigns/${id}`)).id, id);
    const gateways = (await first.api.json('/api/v1/gateways')).items;
    for (const g of gateways) assert.equal(g.sent ?? 0, 0, JSON.stringify(g));
    assert.equal(await first.stop(), 0);
    assert.equal(readFileSync(settings, 'utf8'), '# of somebody else\n');
  });
});

test('wrong use of the program is told in words', t => {
  const words = (...given) => run(program, given, { check: false });
  for (const [given, said] of [
    [['policy', 'chek'], /chek/], [['ledger', 'verfy'], /verfy/], [['imprt'], /imprt/],
    [['import', '.'], /\.: cannot be read: Is a directory/], [['import'], /name a file/],
    [['--config', '.', '--check-config'], /\.: is a folder/],
    [['--config', 'nope.toml', '--check-config'], /nope\.toml: cannot be opened/],
    [['run', '--check-config'], /sms\.secret is empty.*\n.*wechat\.appid is empty/],
  ]) {
    const { status, stderr } = words(...given);
    assert.equal(status, 2, given.join(' '));
    assert.match(stderr, said);
  }
  assert.equal(words('--check-config').status, 0);
  assert.equal(words('run', '--roles', 'portal', '--check-config').status, 0);
  assert.equal(words('run', '--channels', 'web', '--check-config').status, 0);
  assert.match(words('import', '--template').stdout, /^\ufeff编号,类型,名称,.*联系人手机/);
  assert.match(words('import', '--help').stdout, /统一社会信用代码/);
});

test('a full disk is told of, and nothing is lost by it', async t => {
  const disk = mkdtempSync(path.join(os.tmpdir(), 'zhida-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]).status !== 0) {
    rmdirSync(disk);
    return t.skip('a small disk cannot be mounted here');
  }
  let zhida;
  t.after(async () => {
    await zhida?.kill();
    spawnSync('umount', ['-l', disk]);
    rmdirSync(disk);
  });
  zhida = await demo(path.join(disk, 'd'));
  const { api } = zhida;
  const filler = path.join(disk, 'filler');
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']);

  // Some of what comes still fits into the last block; then one is refused, with the reason.
  const accepted = [];
  const refused = await until('a refusal', async () => {
    const id = `FULL-${accepted.length}`;
    const answer = await api.call('POST', '/api/v1/policies',
      { token: 'demo-operator', body: forSmallEnterprises(id, `满盘${id}`) });
    if (answer.status === 202) accepted.push(id);
    return answer.status >= 400 ? answer : null;
  });
  assert.equal(refused.status, 503);
  assert.equal(refused.json.type, '/problems/unavailable');
  assert.match(refused.json.detail, /No space left on device/);
  await until('the service to say so', async () => {
    const answer = await api.call('GET', '/readyz');
    return answer.status === 503 && /No space left/.test(answer.text);
  });

  rmSync(filler);
  await until('the service to be ready again', async () => (await api.call('GET', '/readyz')).status === 200);
  const id = `FULL-${accepted.length}`;
  const again = await api.call('POST', '/api/v1/policies',
    { token: 'demo-operator', body: forSmallEnterprises(id, `满盘${id}`) });
  assert.equal(again.status, 202);
  for (const done of [...accepted, id]) {
    const campaign = await settled(api, `${done}.v1.r1`);
    assert.ok(campaign.identity_holds);
    assert.ok(campaign.audience > 0);
  }
  assert.equal(await zhida.stop(), 0);
});
