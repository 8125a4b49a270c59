// Redis loses what it had, all of it or its last writes: the event log has it still.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { Installation, drivers } from './support/installation.mjs';
import { run } from './support/processes.mjs';
import { enterprise, openId, phone, resident } from './support/people.mjs';
import { forEverybody } from './support/documents.mjs';
import { policyPublished } from './support/publish.mjs';
import { feedKafka, feedRedis } from './support/profiles.mjs';
import { connectRedis } from './support/redis.mjs';
import { checkInvariants } from './support/invariants.mjs';
import { channelOf, settled, statesOf } from './support/campaigns.mjs';
import { restartRedis, root } from './support/servers.mjs';
import { sleep, until } from './support/wait.mjs';

process.env.ZHIDA_CONTACT_KEY ??= '5a'.repeat(32);
const shards = 8;

const somebody = n => {
  const contact = { phone: phone(n), openid: openId(n) };
  return n % 4 === 0 ? enterprise(n, { headcount: 10, contact }) : resident(n, { contact });
};
const people = (from, count) => Array.from({ length: count }, (_, i) => somebody(from + i));

async function begin(t, driver, extra = []) {
  const it = await Installation.start(driver, { extra });
  const redis = await connectRedis(it.redis.port);
  const here = { it, redis };
  t.after(async () => {
    it.keep = t.passed === false;
    here.redis.close();
    await it.close();
  });
  return here;
}

async function feed(here, who, all) {
  if (here.it.driver === 'kafka') feedKafka(here.it.kafka.brokers, who);
  else await feedRedis(here.redis, who, shards);
  await until('the profiles to be written', async () => (await Promise.all(Array.from({ length: shards }, (_, shard) =>
    here.redis.call('HGET', `{s0${shard}}:state`, 'profile_offset')))).reduce((sum, n) => sum + Number(n ?? 0), 0) >= all);
}

const publish = (it, id) => {
  it.publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(forEverybody(id, `${id}的政策`)) });
  return `${id}.v1.r1`;
};
const optOut = async (it, who) => {
  const answer = await it.api.call('PUT', `/api/v1/subjects/${who.id}/opt-out`, { token: 'demo-operator' });
  assert.equal(answer.status, 200, answer.text);
  return { ...who.contacts[0], at: Date.now() };
};
const texts = it => it.messages().filter(m => m.channel === 'sms' && (m.part ?? 1) === 1);

// Everything that the log must bring back: audiences, ledgers, counts, verdicts, numbers of subjects, messages sent,
// who wants what, campaigns and which of them are stopped.
async function kept(redis) {
  const found = new Map();
  const text = value => Buffer.isBuffer(value) ? value.toString('base64') : value;
  for (const name of (await redis.call('KEYS', '*')).map(String).sort()) {
    const here = /^\{s\d+\}:(.+)$/.exec(name)?.[1];
    if (here === 'state') {
      const [subjects, ...rest] = (await redis.call('HMGET', name, 'subjects', 'numbers_told', 'consent_offset',
        'epoch:web', 'epoch:sms', 'epoch:wechat')).map(v => v && String(v));
      found.set(name, [subjects, ...rest].join());
      const ids = await redis.call('GETRANGE', name.replace('state', 'ids'), 0, Number(subjects ?? 0) * 24 - 1);
      found.set(name.replace('state', 'ids'), text(ids));
    } else if (/^(c:.*|campaigns|optout|no_grant|preferences|refused_numbers|stopped|sent:.*)$/.test(here ?? '')
      && !/:parts:/.test(here)) {
      const kind = String(await redis.call('TYPE', name));
      const value = kind === 'string' ? text(await redis.call('GET', name))
        : kind === 'hash' ? (await redis.call('HGETALL', name)).map(text)
          : (await redis.call('SMEMBERS', name)).map(text);
      if (kind === 'hash') {
        value.splice(0, value.length, ...Object.entries(Object.fromEntries(Array.from({ length: value.length / 2 },
          (_, i) => [value[2 * i], value[2 * i + 1]]))).sort().map(String));
      }
      found.set(name, JSON.stringify(kind === 'set' ? value.sort() : value));
    } else if (/^campaign:/.test(name)) {
      found.set(name, text(await redis.call('GET', name)));
    }
  }
  return found;
}

test('an empty Redis is made again from the log, equal to the byte', async t => {
  for (const driver of drivers) {
    await t.test(driver, async c => {
      const here = await begin(c, driver);
      const { it, redis } = here;
      const crowd = people(0, 400);
      await feed(here, crowd, crowd.length);
      const optOuts = [await optOut(it, crowd[3]), await optOut(it, crowd[200])];
      const first = publish(it, 'first');
      await settled(it.api, first, { leave: ['unknown'], within: 60_000 });
      const { items } = await it.api.json(`/api/v1/subjects/${crowd[7].id}/packages`, `demo-subject:${crowd[7].id}`);
      assert.equal(items.length, 1);
      await it.api.call('POST', `/api/v1/subjects/${crowd[7].id}/packages/${first}/read`, { token: `demo-subject:${crowd[7].id}` });
      const second = publish(it, 'second');
      await until('the second to begin', async () => (await it.api.json(`/api/v1/campaigns/${second}`)).audience === crowd.length);
      const answer = await it.api.call('POST', `/api/v1/campaigns/${second}/cancel`, { token: 'demo-operator' });
      assert.ok(answer.status === 200 || answer.status === 409, answer.text); // it may be done already
      await settled(it.api, second, { leave: ['unknown'], within: 60_000 });
      await until('both to have ended', async () => (await Promise.all([first, second].map(id =>
        it.api.json(`/api/v1/campaigns/${id}`)))).every(x => ['finished', 'cancelled'].includes(x.state)));
      await sleep(1500); // the last receipts
      assert.equal(await it.zhida.stop(), 0, it.zhida.tail());

      const before = await kept(redis);
      assert.ok([...before.keys()].filter(k => /:ledger:/.test(k)).length >= 2 * 3 * shards, 'ledgers are there');
      for (const name of (await redis.call('KEYS', '*')).map(String)) if (!name.startsWith('log:')) await redis.call('DEL', name);
      const rebuilt = it.command(['ledger', 'rebuild'], { check: false });
      assert.equal(rebuilt.status, 0, rebuilt.stdout + rebuilt.stderr);
      const after = await kept(redis);
      for (const [name, value] of before) assert.equal(after.get(name), value, name);
      assert.deepEqual([...after.keys()].filter(name => !before.has(name)), [], 'and nothing else');
      const twice = it.command(['ledger', 'rebuild'], { check: false });
      assert.equal(twice.status, 0, twice.stdout + twice.stderr);
      assert.deepEqual(await kept(redis), after, 'again changes nothing');

      // It goes on with it: profiles find their numbers, nobody gets anything twice, opt-outs hold.
      const sent = it.messages().length;
      await it.startProgram();
      const more = people(400, 40);
      await feed(here, more, crowd.length + more.length);
      const third = publish(it, 'third');
      await settled(it.api, third, { leave: ['unknown'], within: 60_000 });
      await checkInvariants(it, redis, {
        people: [...crowd, ...more], optOuts, inboxes: 0,
        campaigns: [first, second].map(id => ({ id, audience: crowd.length })).concat({ id: third, audience: crowd.length + more.length }),
      });
      const out = statesOf(channelOf(await it.api.json(`/api/v1/campaigns/${third}`), 'sms'));
      assert.equal(out.suppressed, optOuts.length, JSON.stringify(out));
      assert.ok(it.messages().slice(sent).every(m => !/first|second/.test(JSON.stringify(m))), 'nothing of before is sent again');
      const inbox = await it.api.json(`/api/v1/subjects/${crowd[7].id}/packages`, `demo-subject:${crowd[7].id}`);
      assert.deepEqual(inbox.items.map(p => p.campaign).includes(first), true);
    });
  }
});

test('Redis comes back empty in the middle', async t => {
  if (!drivers.includes('kafka')) return t.skip('the other driver loses its log with it');
  const here = await begin(t, 'kafka', ['sms.rate_per_s=150']);
  const { it } = here;
  const crowd = people(0, 500);
  await feed(here, crowd, crowd.length);
  const optOuts = [await optOut(it, crowd[450])];
  const id = publish(it, 'emptied');
  await until('a fifth of the SMS', () => texts(it).length >= crowd.length / 5, { every: 20 });
  for (let n = 5; n < crowd.length; n += 25) optOuts.push(await optOut(it, crowd[n]));
  const folder = path.join(it.dir, 'redis');
  run(path.join(root, 'tests/support/redis.sh'), ['kill', folder], { check: false });
  for (const name of ['appendonlydir', 'dump.rdb']) rmSync(path.join(folder, name), { recursive: true, force: true });
  await restartRedis(folder, 0);
  here.redis.close();
  here.redis = await connectRedis(it.redis.port);
  await until('the campaign to be back', async () => (await it.api.json(`/api/v1/campaigns/${id}`)).audience === crowd.length);
  await settled(it.api, id, { leave: ['unknown'], within: 90_000 });
  await checkInvariants(it, here.redis, { people: crowd, optOuts, inboxes: 0, campaigns: [{ id, audience: crowd.length }] });
});

test('Redis comes back without its last writes', async t => {
  if (!drivers.includes('kafka')) return t.skip('the other driver loses its log with them');
  const here = await begin(t, 'kafka', ['sms.rate_per_s=150']);
  const { it } = here;
  const crowd = people(0, 600);
  await feed(here, crowd, crowd.length);
  const first = publish(it, 'tail');
  await until('a tenth of the SMS', () => texts(it).length >= crowd.length / 10, { every: 20 });

  // What is written from here on is lost.
  const folder = path.join(it.dir, 'redis/appendonlydir');
  const file = path.join(folder, readdirSync(folder).filter(name => name.endsWith('.incr.aof')).sort().at(-1));
  await sleep(200);
  const { size } = statSync(file);
  const optOuts = [];
  for (let n = 5; n < crowd.length; n += 20) optOuts.push(await optOut(it, crowd[n]));
  const more = people(600, 60);
  await feed(here, more, crowd.length + more.length);
  const second = publish(it, 'lost');
  await until('the second to begin', async () => (await it.api.json(`/api/v1/campaigns/${second}`)).state === 'running');
  const third = publish(it, 'stopped');
  await until('the third to be there', async () => (await it.api.json(`/api/v1/campaigns/${third}`)).audience === crowd.length + more.length);
  const answer = await it.api.call('POST', `/api/v1/campaigns/${third}/cancel`, { token: 'demo-operator' });
  assert.equal(answer.status, 200, answer.text);
  const cancelled = Date.now();
  run(path.join(root, 'tests/support/redis.sh'), ['kill', path.join(it.dir, 'redis')], { check: false });
  assert.ok(statSync(file).size > size, 'something is lost');
  truncateSync(file, size);
  await restartRedis(path.join(it.dir, 'redis'), 0);
  here.redis.close();
  here.redis = await connectRedis(it.redis.port);

  for (const id of [first, second, third]) await settled(it.api, id, { leave: ['unknown'], within: 90_000 });
  const all = [...crowd, ...more];
  await checkInvariants(it, here.redis, {
    people: all, optOuts, inboxes: 0,
    campaigns: [{ id: first, audience: crowd.length }, { id: second, audience: all.length }, { id: third, audience: all.length }],
  });
  const late = it.messages().filter(m => m.time_ms > cancelled + 1000 && /stopped/.test(JSON.stringify(m)));
  assert.deepEqual(late.slice(0, 3), [], 'what was cancelled stays so');
  const { items } = await it.api.json(`/api/v1/subjects/${more[5].id}/packages`, `demo-subject:${more[5].id}`);
  assert.ok(items.some(p => p.campaign === second), 'who came in the lost time has the package of it');
});
