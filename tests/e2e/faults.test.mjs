// What the world around the process does wrong: it is stopped, restarted, filled, its clock set, its members come and
// go. Each case ends with the promises of support/invariants.mjs.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Installation, drivers } from './support/installation.mjs';
import { run, start } from './support/processes.mjs';
import { enterprise, openId, phone, resident } from './support/people.mjs';
import { forEverybody } from './support/documents.mjs';
import { policyPublished } from './support/publish.mjs';
import { feedKafka, feedRedis } from './support/profiles.mjs';
import { connectRedis } from './support/redis.mjs';
import { checkInvariants, nightIsQuiet, optOutsAreKept } from './support/invariants.mjs';
import { channelOf, settled, statesOf } from './support/campaigns.mjs';
import { restartKafka, restartRedis } from './support/servers.mjs';
import { sleep, until } from './support/wait.mjs';

process.env.ZHIDA_CONTACT_KEY ??= '5a'.repeat(32);
const shards = 8;
const without = (driver, t) => drivers.includes(driver) || (t.skip(`not on ${driver}`), false);

// An installation with so many people, all of whom have both contacts; sending takes some seconds.
async function begin(t, driver, { count = 600, rate = 200, extra = [], roles, env } = {}) {
  const it = await Installation.start(driver, {
    run: false, extra: [`sms.rate_per_s=${rate}`, 'kafka.session_timeout_ms=3000', ...extra],
  });
  const redis = await connectRedis(it.redis.port);
  t.after(async () => {
    it.keep = t.passed === false;
    redis.close();
    await it.close();
  });
  const slow = await it.gateways.call('POST', '/sim/faults',
    { body: { rules: [{ channel: 'wechat', to: '*', delay_ms: 20 }] } });
  assert.ok(slow.status < 300, slow.text);
  await it.startProgram({ roles, env });
  const people = Array.from({ length: count }, (_, n) => {
    const contact = { phone: phone(n), openid: openId(n) };
    return n % 4 === 0 ? enterprise(n, { headcount: 10, contact }) : resident(n, { contact });
  });
  if (driver === 'kafka') feedKafka(it.kafka.brokers, people);
  else await feedRedis(redis, people, shards);
  await until('the profiles to be written', async () => (await Promise.all(Array.from({ length: shards }, (_, shard) =>
    redis.call('HGET', `{s0${shard}}:state`, 'profile_offset')))).reduce((sum, n) => sum + Number(n ?? 0), 0) === count);
  return { it, redis, people };
}

const publish = (it, id) => {
  const policy = forEverybody(id, `${id}的政策`);
  it.publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(policy) });
  return `${id}.v1.r1`;
};
const texts = it => it.messages().filter(m => m.channel === 'sms' && (m.part ?? 1) === 1);
const sent = (it, share, of) => until(`${share * 100} % of the SMS at the gateway`,
  () => texts(it).length >= share * of, { every: 20 });
const finish = async (it, redis, people, id, more = {}) => {
  await settled(it.api, id, { leave: ['unknown'], within: 90_000 });
  return checkInvariants(it, redis, { campaigns: [{ id, audience: people.length }], people, ...more });
};
// One more process of some roles of the same installation.
const another = (it, name, roles, { env } = {}) => start(it.binary, ['run', '--roles', roles, ...it.settings],
  { ready: /^ready/, log: path.join(it.dir, `${name}.log`), within: 90_000, env });
// Between two moments nothing comes to a gateway.
function silence(it, from, to) {
  const loud = it.messages().filter(m => m.time_ms > from && m.time_ms < to).map(m => `${m.channel} +${m.time_ms - from} ms`);
  assert.deepEqual(loud.slice(0, 5), [], `${loud.length} sent, the last after ${loud.at(-1)}`);
}

test('an opt-out counts from its answer on, while messages go out', async t => {
  for (const driver of drivers) {
    await t.test(driver, async c => {
      const { it, redis, people } = await begin(c, driver);
      const id = publish(it, 'burst');
      await sent(it, 0.05, people.length);
      const optOuts = [];
      await Promise.all(Array.from({ length: 4 }, async (_, lane) => {
        for (let n = lane; n < people.length; n += 12) {
          const who = people[n];
          const answer = await it.api.call('PUT', `/api/v1/subjects/${who.id}/opt-out`, { token: 'demo-operator' });
          assert.equal(answer.status, 200, answer.text);
          optOuts.push({ ...who.contacts[0], at: Date.now() });
        }
      }));
      const { messages } = await finish(it, redis, people, id, { optOuts, grace: 3000 });
      const at = new Map(optOuts.flatMap(o => [[o.phone, o.at], [o.openid, o.at]]));
      for (const via of ['sms', 'wechat']) {
        const after = messages.filter(m => m.channel === via && m.time_ms > (at.get(m.to) ?? Infinity))
          .map(m => m.time_ms - at.get(m.to));
        c.diagnostic(`${optOuts.length} opted out; ${via}: ${after.length} later, by ${Math.max(0, ...after)} ms at most`);
      }
      await c.test('from one second on nothing comes', () => optOutsAreKept(messages, optOuts));
    });
  }
});

test('a campaign that is cancelled in the middle', async t => {
  for (const driver of drivers) {
    await t.test(driver, async c => {
      const { it, redis, people } = await begin(c, driver);
      const id = publish(it, 'cancel');
      await sent(it, 0.2, people.length);
      const answer = await it.api.call('POST', `/api/v1/campaigns/${id}/cancel`, { token: 'demo-operator' });
      assert.equal(answer.status, 200, answer.text);
      const cancelled = Date.now();
      const { messages, told } = await finish(it, redis, people, id);
      const sms = told.get(id).channels.find(x => x.channel === 'sms').states;
      assert.ok(sms.cancelled > 0, JSON.stringify(sms));
      const after = messages.filter(m => m.time_ms > cancelled).map(m => m.time_ms - cancelled);
      c.diagnostic(`${sms.cancelled} SMS cancelled; ${after.length} messages after it, by ${Math.max(0, ...after)} ms at most`);
      assert.ok(Math.max(0, ...after) < 3000);
      await c.test('sends stop within a second', () => silence(it, cancelled + 1000, Infinity));
    });
  }
});

test('the receipt of one message for two packages moves both', async t => {
  const { it, people } = await begin(t, 'redis', { rate: 0, count: 300, roles: 'portal,matcher,scheduler' });
  const ids = [publish(it, 'first'), publish(it, 'second')];
  const running = id => it.api.json(`/api/v1/campaigns/${id}`).then(c => c.state === 'running');
  await until('both to wait for a dispatcher', async () => (await Promise.all(ids.map(running))).every(Boolean));
  const late = await another(it, 'late', 'dispatcher');
  t.after(() => late.kill());
  await until('what is left to be in doubt no more', async () => {
    const all = await Promise.all(ids.map(id => it.api.json(`/api/v1/campaigns/${id}`)));
    return all.every(({ audience, channels }) => audience === people.length
      && channels.every(({ states }) => states.queued + states.submitting + states.held === 0));
  }, { within: 60_000 });
  await sleep(2000); // receipts come after 200 ms
  const sms = await Promise.all(ids.map(async id => statesOf(channelOf(await it.api.json(`/api/v1/campaigns/${id}`), 'sms'))));
  const merged = 2 * people.length - texts(it).length;
  t.diagnostic(`${merged} messages for both: ${JSON.stringify(sms)}`);
  assert.ok(merged > 0, 'some went out together');
  await t.test('all are delivered', () =>
    assert.deepEqual(sms, ids.map(() => ({ delivered: people.length }))));
});

test('SIGTERM in the middle: it drains, and nothing comes twice', async t => {
  for (const driver of drivers) {
    await t.test(driver, async c => {
      const { it, redis, people } = await begin(c, driver);
      const id = publish(it, 'term');
      for (const share of [0.2, 0.5]) {
        await sent(it, share, people.length);
        const began = Date.now();
        assert.equal(await it.zhida.stop(), 0, it.zhida.tail());
        c.diagnostic(`ended in ${Date.now() - began} ms`);
        await it.startProgram();
      }
      const { told } = await finish(it, redis, people, id);
      const sms = told.get(id).channels.find(x => x.channel === 'sms').states;
      assert.equal(sms.unknown, 0, `after an orderly end none is in doubt: ${JSON.stringify(sms)}`);
    });
  }
});

test('a dispatcher that stands still past its lease is refused when it goes on', async t => {
  if (!without('kafka', t)) return;
  const { it, redis, people } = await begin(t, 'kafka', { roles: 'portal,matcher,scheduler' });
  const first = await another(it, 'first', 'dispatcher');
  t.after(() => first.kill());
  const id = publish(it, 'zombie');
  await sent(it, 0.2, people.length);
  first.child.kill('SIGSTOP');
  const second = await another(it, 'second', 'dispatcher');
  t.after(() => second.kill());
  await sent(it, 0.6, people.length);
  first.child.kill('SIGCONT');
  await finish(it, redis, people, id);
  assert.equal(first.child.exitCode, null, `it goes on, without the shards:\n${first.tail()}`);
  assert.equal(await first.stop(), 0);
  assert.equal(await second.stop(), 0);
});

test('dispatchers come and go every two seconds', async t => {
  if (!without('kafka', t)) return;
  const rate = 150; // of them all
  const { it, redis, people } = await begin(t, 'kafka', { count: 1200, rate, roles: 'portal,matcher,scheduler' });
  // For how long at most this process did not run: so long stood perhaps the simulator still too.
  let last = performance.now(), late = 0;
  const pulse = setInterval(() => {
    late = Math.max(late, performance.now() - last - 10);
    last = performance.now();
  }, 10);
  t.after(() => clearInterval(pulse));
  const running = [await another(it, 'd0', 'dispatcher')];
  t.after(() => Promise.all(running.map(d => d.kill())));
  const id = publish(it, 'storm');
  await sent(it, 0.02, people.length);
  for (const step of ['+', '+', '-', '-', '+', '+', '-', '-']) {
    if (step === '+') running.push(await another(it, `d${running.length}`, 'dispatcher'));
    else assert.equal(await running.shift().stop(), 0);
    await sleep(2000);
  }
  await finish(it, redis, people, id);
  // Their times are of arrival: a machine that stands still for a moment pushes together what was sent evenly. So a
  // tenth is let pass, and what a rate brings while this process did not run.
  const arrived = it.messages().filter(m => m.channel === 'sms').map(m => m.time_ms).sort((a, b) => a - b);
  for (const seconds of [1, 2, 5, 10]) {
    const most = Math.max(...arrived.map((at, i) => arrived.findLastIndex(later => later < at + 1000 * seconds) - i + 1));
    t.diagnostic(`${most} SMS in the fullest ${seconds} s`);
    assert.ok(most <= rate * (seconds * 1.1 + late / 1000), `${most} SMS in ${seconds} s`);
  }
  t.diagnostic(`late by ${Math.round(late)} ms at most`);
});

test('the broker is restarted in the middle', async t => {
  if (!without('kafka', t)) return;
  const { it, redis, people } = await begin(t, 'kafka');
  const id = publish(it, 'broker');
  await sent(it, 0.2, people.length);
  restartKafka(path.join(it.dir, 'kafka'));
  await sleep(10_000); // an admin request gives up after five seconds
  const { exitCode, signalCode } = it.zhida.child;
  assert.deepEqual([exitCode, signalCode], [null, null], `it outlives the broker:\n${it.zhida.tail()}`);
  await finish(it, redis, people, id);
});

test('Redis is away for five seconds in the middle', async t => {
  for (const driver of drivers) {
    await t.test(driver, async c => {
      const { it, redis, people } = await begin(c, driver);
      const id = publish(it, 'away');
      await sent(it, 0.2, people.length);
      const { stopped, back } = await restartRedis(path.join(it.dir, 'redis'), 5000);
      const again = await connectRedis(it.redis.port);
      c.after(() => again.close());
      redis.close();
      await finish(it, again, people, id);
      await c.test('sends stop within a second', () => silence(it, stopped + 1000, back));
    });
  }
});

test('Redis is full for a while', async t => {
  for (const driver of drivers) {
    await t.test(driver, async c => {
      const { it, redis, people } = await begin(c, driver);
      const id = publish(it, 'full');
      await sent(it, 0.2, people.length);
      await redis.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
      const full = Date.now();
      await sleep(4000);
      const back = Date.now();
      await redis.call('CONFIG', 'SET', 'maxmemory', '0');
      await finish(it, redis, people, id);
      await c.test('sends stop within a second', () => silence(it, full + 1000, back));
    });
  }
});

const faketime = ['x86_64', 'aarch64'].map(cpu => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`).find(existsSync);

// The file of libfaketime: so many seconds from the true time.
const setClock = (file, seconds) => writeFileSync(file, `${seconds >= 0 ? '+' : ''}${Math.round(seconds)}\n`);
const secondsUntil = (hour, minute = 0) => { // in Shanghai, the next time
  const now = (Date.now() / 1000 + 8 * 3600) % 86400;
  return (hour * 3600 + minute * 60 - now + 86400) % 86400;
};

test('the clock is set: nights are quiet, and nothing is sent twice', { skip: !faketime && 'no libfaketime' }, async t => {
  if (!without('redis', t)) return;
  for (const [name, jump] of [['a day forward', 86400], ['a day back', -86400]]) {
    await t.test(name, async c => {
      let file;
      const { it, redis, people } = await begin(c, 'redis', {
        extra: ['dispatch.quiet_until=08:00'],
        env: dir => {
          file = path.join(dir, 'clock');
          setClock(file, secondsUntil(20, 30)); // the evening, half an hour before the night
          return {
            LD_PRELOAD: faketime, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_DONT_FAKE_MONOTONIC: '1',
            FAKETIME_NO_CACHE: '1', FAKETIME_DONT_RESET: '1',
          };
        },
      });
      const evening = secondsUntil(20, 30);
      const first = publish(it, 'evening');
      await sent(it, 0.3, people.length);
      setClock(file, evening + jump);
      await settled(it.api, first, { leave: ['unknown'], within: 60_000 });
      setClock(file, evening + jump + 3600); // 21:30
      await sleep(1500);
      const quiet = Date.now();
      const second = publish(it, 'night');
      await until('all of the second to wait for the morning', async () => {
        const { channels } = await it.api.json(`/api/v1/campaigns/${second}`);
        return channels.filter(x => x.channel !== 'web').every(x => x.states.held === people.length);
      });
      assert.deepEqual(it.messages().filter(m => m.time_ms > quiet).length, 0, 'I5: sent in the night');
      const morning = evening + jump + 12 * 3600; // 08:30
      setClock(file, morning);
      await settled(it.api, second, { leave: ['unknown'], within: 60_000 });
      await checkInvariants(it, redis, {
        people, campaigns: [first, second].map(id => ({ id, audience: people.length })),
      });
      // The gateway's clock was not set: its times are those of the night that was not there.
      nightIsQuiet(it.messages().filter(m => m.time_ms > quiet).map(m => ({ ...m, time_ms: m.time_ms + morning * 1000 })),
        { from: 21 * 60, until: 8 * 60 });
    });
  }
});
