// The whole process is killed without warning, three times in one campaign: right after the policy was accepted, and
// twice in the middle of sending. The gateways live on in a process of their own and record what they took. Nothing may
// be lost, nothing may come twice on web and WeChat, and an SMS in doubt is `unknown`, never sent again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Installation, drivers } from './support/installation.mjs';
import { enterprise, jsonLines, openId, phone, resident } from './support/people.mjs';
import { forEverybody } from './support/documents.mjs';
import { policyPublished } from './support/publish.mjs';
import { channelOf, ledgerStates, settled, statesOf } from './support/campaigns.mjs';
import { until } from './support/wait.mjs';

const count = 3000;
const both = n => ({ phone: phone(n), openid: openId(n) });
const people = Array.from({ length: count }, (_, i) => (i % 4 === 0
  ? enterprise(i, { headcount: 10, contact: both(i) })
  : resident(i, { contact: both(i) })));
const policy = forEverybody('e2e-crash', '强行终止也不丢不重的政策');
const campaign = `${policy.id}.v1.r1`;

const tally = values => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

async function killThreeTimes(driver, t) {
  // Slowed down, so that there is a middle to kill in: about ten seconds of sending.
  const it = await Installation.start(driver, { extra: ['sms.rate_per_s=600'] });
  t.after(() => it.close());
  const slow = await it.gateways.call('POST', '/sim/faults',
    // Answers take their time, so that there is always something under way when it is killed.
    { body: { rules: [{ channel: 'wechat', to: '*', delay_ms: 20 }, { channel: 'sms', to: '*', delay_ms: 25 }] } });
  assert.ok(slow.status < 300, slow.text);

  const file = path.join(it.dir, 'people.jsonl');
  writeFileSync(file, jsonLines(people));
  it.command(['import', file]);

  it.publish({
    topic: 'zhida.policy', key: policy.id, type: policyPublished, value: JSON.stringify(policy),
  });
  const texted = () => new Set(it.messages().filter(m => m.channel === 'sms').map(m => m.to)).size;
  for (const share of [0, 0.25, 0.6]) {
    await until(`${share * 100} % of the SMS at the gateway`, () => texted() >= share * count, { every: 20, within: 90_000 });
    await it.zhida.kill();
    await it.startProgram();
  }
  const done = await settled(it.api, campaign, { leave: ['unknown'], within: 120_000 });
  const sms = statesOf(channelOf(done, 'sms'));

  await t.test('nothing is lost', () => {
    assert.equal(done.audience, count);
    assert.equal(done.identity_holds, true);
    assert.deepEqual(statesOf(channelOf(done, 'web')), { delivered: count });
    assert.deepEqual(statesOf(channelOf(done, 'wechat')), { submitted: count });
    assert.equal((sms.delivered ?? 0) + (sms.unknown ?? 0), count, JSON.stringify(sms));
  });

  await t.test('nothing comes twice on the web', async () => {
    for (let i = 0; i < count; i += 61) {
      const { id } = people[i];
      const { items } = await it.api.json(`/api/v1/subjects/${id}/packages`, `demo-subject:${id}`);
      assert.deepEqual(items.map(p => p.campaign), [campaign], id);
    }
  });

  await t.test('nothing comes twice on WeChat', () => {
    const sent = tally(it.messages().filter(m => m.channel === 'wechat').map(m => m.to));
    assert.equal(sent.size, count);
    assert.deepEqual([...sent].filter(([, times]) => times !== 1), []);
  });

  await t.test('an SMS in doubt is unknown and is not sent again', () => {
    const parts = it.messages().filter(m => m.channel === 'sms');
    const repeated = [...tally(parts.map(m => `${m.to} part ${m.part}`))].filter(([, times]) => times !== 1);
    assert.deepEqual(repeated, []);
    const whole = [...tally(parts.map(m => m.to))].filter(([to, n]) => n === parts.find(m => m.to === to).parts);
    // Whoever counts as delivered did get it; whoever did not is among those in doubt.
    assert.ok(whole.length >= sms.delivered, `${whole.length} whole messages, ${sms.delivered} delivered`);
    assert.ok(count - whole.length <= (sms.unknown ?? 0));
    // Two kills in the middle of sending leave some in doubt; all claims of both are far fewer than everybody.
    assert.ok(sms.unknown > 0 && sms.unknown < count / 2, JSON.stringify(sms));
    const doubt = channelOf(done, 'sms').reasons.filter(r => r.state === 'unknown');
    assert.deepEqual([...new Set(doubt.map(r => r.reason))], ['crashed_in_flight']);
  });

  await t.test('the ledger agrees', () => {
    const verified = JSON.parse(it.command(['ledger', 'verify', '--json']).stdout);
    const row = verified.campaigns.find(c => c.id === campaign);
    for (const channel of ['web', 'sms', 'wechat']) {
      assert.deepEqual(ledgerStates(row, channel), statesOf(channelOf(done, channel)));
    }
  });
}

// Both at once: on Kafka most of the time goes by until the broker has noticed that the killed member is gone.
test('kill -9 in the middle loses nothing and repeats nothing', { concurrency: true }, all =>
  Promise.all(drivers.map(driver => all.test(driver, t => killThreeTimes(driver, t)))));
