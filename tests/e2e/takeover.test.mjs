// Three matchers share the shards of one installation on Kafka while policies and profiles keep coming. One after
// another is killed without warning and started again, and one is stopped for so long that the others take its shards
// before it goes on. At the end what they froze and told, put together, is what a fresh installation finds that is
// given the last profiles and policies alone.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { portal } from './support/api.mjs';
import { program } from './support/installation.mjs';
import { run, start } from './support/processes.mjs';
import { startKafka, startRedis } from './support/servers.mjs';
import { kafkaPublisher, policyPublished, redisPublisher } from './support/publish.mjs';
import { enterprise, resident } from './support/people.mjs';
import { sleep, until } from './support/wait.mjs';

const shards = 8, enterprises = 240, residents = 120, rounds = 6;
const env = { ZHIDA_CONTACT_KEY: randomBytes(32).toString('hex') };

// The same in every run.
let seed = 20261123;
const any = n => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return Math.floor(seed / 65536) % n;
};
const pick = list => list[any(list.length)];

const prop = property => ({ property });
const today = new Date(Date.now() + 8 * 3600_000);
const daysAgo = n => new Date(today.getTime() - n * 86400_000).toISOString().slice(0, 10);

function someProfile(n) {
  const row = n < enterprises
    ? enterprise(n, { headcount: pick([undefined, 5, 20, 80, 300, 301, 900]), division: pick(['310113003', '310115', '310113101']) })
    : resident(n, { born: pick([null, '1950-03-01', '1961-12-31', '1990-05-01']), division: pick(['310113003', '310104']) });
  // Far from the cut-offs of today and tomorrow, so that a midnight in the middle changes nothing.
  if (n < enterprises && any(3)) row.attributes['ent.established'] = daysAgo(pick([100, 500, 1000, 2000]));
  if (any(2)) row.contacts = [{ role: '本人', phone: '19900000001' }];
  return row;
}

function someItem(id) {
  const conditions = [
    ['enterprise', { op: '<=', args: [prop('ent.headcount'), pick([10, 50, 300, 500])] }],
    ['enterprise', { op: 'and', args: [{ op: 'like', args: [prop('ent.reg_division'), '310113%'] },
      { op: '>=', args: [prop('ent.established'), { op: 'monthsAgo', args: [pick([12, 24, 48])] }] }] }],
    ['enterprise', { op: 'not', args: [{ op: 'like', args: [prop('ent.reg_division'), '310113%'] }] }],
    ['enterprise', { op: 'or', args: [{ op: 'isNull', args: [prop('ent.headcount')] },
      { op: '>', args: [prop('ent.headcount'), pick([100, 300])] }] }],
    ['resident', { op: 'and', args: [{ op: 'like', args: [prop('person.residence_division'), '310113%'] },
      { op: '<', args: [prop('person.birth_date'), { date: '1962-01-01' }] }] }],
  ];
  const [subject, eligibility] = pick(conditions);
  return { id, title: `事项${id}`, subject, eligibility, benefit: '补贴', mode: '申请享受' };
}

const somePolicy = (id, version) => ({
  schema: 'zhida.policy/1', id, version, title: `政策${id}`, issuer: '接管测试局', level: '区', region: '310113',
  disclosure: '主动公开', push: { channels: ['web'], reach: 'eligible' },
  items: Array.from({ length: 1 + any(3) }, (_, i) => someItem(String(i + 1))),
});

// Many profiles with one call, keyed as foreign producers do: Kafka's own default partitioner.
function sendProfiles(brokers, rows) {
  const lines = rows.map(row => `${row.id}\t${JSON.stringify({
    specversion: '1.0', id: randomBytes(8).toString('hex'), source: '/e2e/register', subject: row.id,
    type: 'cn.zhida.profile.upserted.v1', time: new Date().toISOString(), datacontenttype: 'application/json', data: row,
  })}`);
  run('kcat', ['-P', '-b', brokers, '-t', 'zhida.profile', '-K', '\t', '-X', 'partitioner=murmur2_random',
    '-X', 'acks=all', '-H', 'content-type=application/cloudevents+json'], { input: lines.join('\n') });
}

// Everything that Redis answers is one word a line.
const ask = (port, ...words) => run('redis-cli', ['-p', String(port), ...words]).stdout.split('\n').filter(Boolean);
const tag = shard => `{s${String(shard).padStart(2, '0')}}`;

// Who is in the frozen audience of a policy's version: "<subject> <policy>.<version>.<item>".
function frozen(port, policy) {
  const lua = `
    local out = {}
    local audience, ledger = redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or ''
    for i = 0, #audience / 4 - 1 do
      local ordinal = struct.unpack('<I4', audience, i * 4 + 1)
      local id = redis.call('GETRANGE', KEYS[3], ordinal * 24, ordinal * 24 + 23):gsub('%z+$', '')
      out[#out + 1] = id .. ' ' .. struct.unpack('<I2', ledger, i * 16 + 13)
    end
    return out`;
  const found = new Set();
  const campaign = `${policy.id}.v${policy.version}.r1`;
  for (let shard = 0; shard < shards; ++shard) {
    const key = rest => `${tag(shard)}:c:${campaign}:${rest}`;
    for (const line of ask(port, 'EVAL', lua, '3', key('audience'), key('ledger:web'), `${tag(shard)}:ids`)) {
      const [subject, items] = line.split(' ');
      policy.items.forEach((item, i) => {
        if (Number(items) >> i & 1) found.add(`${subject} ${policy.id}.${policy.version}.${item.id}`);
      });
    }
  }
  return found;
}

const place = (port, field) => Array.from({ length: shards }, (_, shard) =>
  Number(ask(port, 'HGET', `${tag(shard)}:state`, field)[0] ?? 0));

test('shards move between matchers that are killed, and nothing is lost or told twice', async t => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'zhida-takeover-'));
  const open = [];
  t.after(async () => {
    for (const close of open.reverse()) await close();
    if (process.env.ZHIDA_TEST_KEEP) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  });
  const server = made => {
    open.push(() => made.stop());
    return made;
  };
  const matcher = async (name, settings) => {
    const started = await start(program, ['run', '--roles', 'matcher', ...[
      `node.data_dir=${path.join(dir, name)}`, `node.shards=${shards}`, 'matcher.snapshot_s=2', ...settings,
    ].flatMap(setting => ['--set', setting])], { ready: /^ready/, env, log: path.join(dir, `${name}.log`), within: 90_000 });
    open.push(() => started.kill());
    return started;
  };
  const redis = server(startRedis(path.join(dir, 'redis'))), kafka = server(startKafka(path.join(dir, 'kafka')));
  const shared = [`redis.url=${redis.url}`, 'event_log.driver=kafka', `kafka.brokers=${kafka.brokers}`];
  const publish = kafkaPublisher(kafka.brokers);
  const names = ['a', 'b', 'c'];
  const running = {};
  for (const name of names) running[name] = await matcher(name, shared);

  const now = new Map(), newest = new Map(), all = [];
  const feed = count => {
    const rows = Array.from({ length: count }, () => someProfile(any(enterprises + residents)));
    for (const row of rows) now.set(row.id, row);
    sendProfiles(kafka.brokers, rows);
  };
  let published = 0;
  const announce = () => {
    const id = `T${any(12)}`;
    const policy = somePolicy(id, (newest.get(id)?.version ?? 0) + 1);
    newest.set(id, policy);
    all.push(policy);
    publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(policy) });
    ++published;
  };
  const settled = within => until('every event to be judged', () =>
    place(redis.port, 'policy_offset').every(offset => offset === published) &&
    place(redis.port, 'profile_offset').reduce((sum, offset) => sum + offset, 0) === sent, { within });
  let sent = 0;
  const steadily = async seconds => {
    for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
      feed(60);
      sent += 60;
      announce();
      await sleep(150);
    }
  };

  await t.test('events come steadily while one after another is killed', async () => {
    feed(enterprises);
    sent += enterprises;
    await settled(60_000);
    for (let round = 0; round < rounds; ++round) {
      await steadily(0.5 + any(10) / 10);
      const name = names[round % names.length];
      if (round === 3) { // stands still until the group has given its shards away, then goes on
        running[name].child.kill('SIGSTOP');
        await steadily(12);
        running[name].child.kill('SIGCONT');
        continue;
      }
      await running[name].kill();
      await steadily(0.3);
      running[name] = await matcher(name, shared);
    }
    await steadily(1);
    await settled(60_000);
    for (const name of names) assert.equal(running[name].child.exitCode, null, `${name} runs`);
  });

  let found;
  await t.test('what was frozen and told fits together: nobody became eligible twice', () => {
    found = new Set(all.flatMap(policy => [...frozen(redis.port, policy)]));
    const { stdout } = run('kcat', ['-C', '-b', kafka.brokers, '-t', 'zhida.match', '-o', 'beginning', '-e', '-q', '-J']);
    const seen = new Map();
    for (const line of stdout.split('\n').filter(Boolean)) {
      const record = JSON.parse(line);
      const id = record.headers[record.headers.indexOf('ce_id') + 1];
      const event = JSON.parse(record.payload);
      if (seen.has(id)) { // told again after a kill: the same
        assert.deepEqual(event, seen.get(id), id);
        continue;
      }
      seen.set(id, event);
      const name = i => `${event.subject} ${i.policy}.${i.version}.${i.item}`;
      for (const i of event.no_longer) assert.ok(found.delete(name(i)), `${id}: ${name(i)} was not eligible`);
      for (const i of event.newly) assert.ok(!found.has(name(i)) && found.add(name(i)), `${id}: ${name(i)} again`);
    }
    assert.ok(seen.size > 0);
    t.diagnostic(`${sent} profile events, ${published} policies, ${seen.size} changes told, ${found.size} pairs`);
  });

  await t.test('it is what a fresh installation finds of the last state', async () => {
    const other = server(startRedis(path.join(dir, 'redis-fresh')));
    const settings = [`redis.url=${other.url}`, 'event_log.driver=redis'];
    const fresh = await matcher('fresh', settings);
    const file = path.join(dir, 'people.jsonl');
    writeFileSync(file, [...now.values()].map(row => JSON.stringify(row)).join('\n') + '\n');
    run(program, ['import', file, ...[`node.data_dir=${path.join(dir, 'fresh')}`, `node.shards=${shards}`, ...settings]
      .flatMap(setting => ['--set', setting])], { env });
    const tell = redisPublisher(other.port);
    for (const policy of newest.values()) {
      tell({ topic: 'zhida.policy', key: policy.id, type: policyPublished, value: JSON.stringify(policy) });
    }
    await until('the fresh one to judge all', () =>
      place(other.port, 'policy_offset').every(offset => offset === newest.size));
    let pairs = 0;
    for (const policy of newest.values()) {
      const expected = frozen(other.port, policy);
      pairs += expected.size;
      const mark = ` ${policy.id}.${policy.version}.`;
      assert.deepEqual([...found].filter(pair => pair.includes(mark)).sort(), [...expected].sort(), policy.id);
    }
    assert.ok(pairs > 100, `${pairs} pairs`);
    assert.equal(await fresh.stop(), 0);
  });

  await t.test('a portal asks all of them at once, and says what is missing while one is gone', async () => {
    const started = await start(program, ['run', '--roles', 'portal', ...[
      `node.data_dir=${path.join(dir, 'portal')}`, `node.shards=${shards}`, 'portal.port=0', 'portal.demo_sign_in=true',
      ...shared,
    ].flatMap(setting => ['--set', setting])], { ready: /^ready (http:\S+)/, env, log: path.join(dir, 'portal.log') });
    open.push(() => started.kill());
    const body = {
      subject: 'enterprise', channels: ['web'], reach: 'eligible',
      condition: { op: '<=', args: [prop('ent.headcount'), 300] },
    };
    const preview = () => portal(started.match[1]).call('POST', '/api/v1/audience/preview', { token: 'demo-operator', body });
    const expected = [...now.values()].filter(row => row.attributes['ent.headcount'] <= 300).length;
    const whole = () => until('a whole preview', async () => {
      const { status, json } = await preview();
      return status === 200 && json.complete ? json : null;
    }, { within: 60_000 });
    assert.equal((await whole()).verdicts.eligible, expected);

    await running.a.kill();
    const partial = await until('what is missing to be told', async () => {
      const { status, json } = await preview();
      return status === 200 && !json.complete ? json : null;
    });
    assert.ok(partial.missing_shards.length > 0 && partial.missing_shards.length < shards, partial.missing_shards);
    assert.ok(partial.verdicts.eligible < expected);
    assert.equal((await whole()).verdicts.eligible, expected, 'once the others have taken its shards');
    running.a = await matcher('a', shared);
    assert.equal(await started.stop(), 0);
  });

  await t.test('they end when asked to', async () => {
    for (const name of names) assert.equal(await running[name].stop(), 0, name);
  });
});
