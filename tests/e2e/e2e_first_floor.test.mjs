// A policy travels from an independent client to the people it is for, and every view tells the same numbers.
// Once on each driver of the event log.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Installation, drivers } from './support/installation.mjs';
import { creditCode, enterprise, jsonLines, openId, phone, resident, residentId } from './support/people.mjs';
import { forElderly, forEverybody, forSmallEnterprises } from './support/documents.mjs';
import { policyPublished } from './support/publish.mjs';
import { channelOf, ledgerStates, settled, statesOf } from './support/campaigns.mjs';
import { sumMetric } from './support/api.mjs';
import { sleep, until } from './support/wait.mjs';

const topic = 'zhida.policy';
const both = n => ({ phone: phone(n), openid: openId(n) });

const people = [
  enterprise(1, { headcount: 50, contact: both(1) }),
  enterprise(2, { headcount: 800, contact: both(2) }),
  enterprise(3, { headcount: 120, contact: both(3) }), // opts out
  enterprise(4, { headcount: 80 }),                    // no contact
  enterprise(5, { contact: both(5) }),                 // headcount unknown: possible, not reached
  enterprise(6, { headcount: 60, division: '310115', contact: both(6) }), // Pudong
  enterprise(7, { headcount: 300, contact: { openid: openId(7) } }),      // at the limit; no phone
  resident(11, { born: '1950-03-01', contact: both(11) }),
  resident(12, { born: '1990-03-01', contact: both(12) }),
  resident(13, { born: '1955-03-01', contact: { phone: phone(13) } }),
  resident(14, { born: '1940-03-01', division: '310104', contact: both(14) }), // Xuhui
  resident(15, { born: null, contact: both(15) }), // age unknown: not reached
];
const expected = {
  'e2e-enterprise': {
    web: [1, 3, 4, 7].map(n => creditCode(n)), sms: [phone(1)], wechat: [openId(1), openId(7)],
    smsStates: { delivered: 1, suppressed: 3 }, wechatStates: { submitted: 2, suppressed: 2 },
  },
  'e2e-elderly': {
    web: [11, 13].map(n => residentId(n)), sms: [phone(11), phone(13)], wechat: [openId(11)],
    smsStates: { delivered: 2 }, wechatStates: { submitted: 1, suppressed: 1 },
  },
};
const titles = { 'e2e-enterprise': '小企业稳岗补贴', 'e2e-elderly': '独居老人津贴' };

for (const driver of drivers) {
  test(`a policy reaches the right subjects, and only them (${driver})`, async t => {
    const it = await Installation.start(driver);
    t.after(() => it.close());
    const publish = document => it.publish({
      topic, key: document.id, type: policyPublished, value: JSON.stringify(document),
    });

    await t.test('profiles are imported', () => {
      const file = path.join(it.dir, 'people.jsonl');
      writeFileSync(file, jsonLines(people));
      it.command(['import', file]);
    });

    await t.test('an opt-out is acknowledged', async () => {
      const answer = await it.api.call('PUT', `/api/v1/subjects/${creditCode(3)}/opt-out`,
        { token: `demo-subject:${creditCode(3)}` });
      assert.ok(answer.status === 200 || answer.status === 204, `${answer.status} ${answer.text}`);
    });

    await t.test('two policies, one that is not public and two that cannot be read are published', async () => {
      it.publish({ topic, key: 'broken', type: policyPublished, value: '{"schema": "zhida.policy/1", "id": ' });
      const wrong = forSmallEnterprises('e2e-wrong', '条件有误的政策');
      wrong.items[0].eligibility.args[1].args[0].property = 'ent.headcont';
      publish(wrong);
      publish(forEverybody('e2e-secret', '依申请公开的政策', { disclosure: '依申请公开' }));
      publish(forSmallEnterprises('e2e-enterprise', titles['e2e-enterprise']));
      publish(forElderly('e2e-elderly', titles['e2e-elderly']));
      for (const policy of Object.keys(expected)) await settled(it.api, `${policy}.v1.r1`);
    });

    for (const [policy, want] of Object.entries(expected)) {
      const campaign = `${policy}.v1.r1`;

      await t.test(`${policy}: the right subjects, and only they, find it on their page`, async () => {
        for (const { id } of people) {
          const token = `demo-subject:${id}`;
          const { items, type } = await it.api.json(`/api/v1/subjects/${id}/packages`, token);
          const here = items.filter(p => p.campaign === campaign);
          assert.equal(here.length, want.web.includes(id) ? 1 : 0, `${id} in the API`);
          const page = await it.api.page(`/${type}`, token);
          assert.equal(page.includes(titles[policy]), want.web.includes(id), `${id} on the page`);
        }
      });

      await t.test(`${policy}: the right contacts, and only they, got it at the gateways`, async () => {
        const texts = it.messages().filter(m => m.channel === 'sms' && m.part === 1 && m.text.includes(titles[policy]));
        assert.deepEqual(texts.map(m => m.to).sort(), [...want.sms].sort());
        const notices = it.messages().filter(m => m.channel === 'wechat' && JSON.stringify(m).includes(titles[policy]));
        assert.deepEqual(notices.map(m => m.to).sort(), [...want.wechat].sort());
      });

      await t.test(`${policy}: the counts are right`, async () => {
        const document = await it.api.json(`/api/v1/campaigns/${campaign}`);
        assert.equal(document.audience, want.web.length);
        assert.equal(document.identity_holds, true);
        assert.deepEqual(statesOf(channelOf(document, 'web')), { delivered: want.web.length });
        assert.deepEqual(statesOf(channelOf(document, 'sms')), want.smsStates);
        assert.deepEqual(statesOf(channelOf(document, 'wechat')), want.wechatStates);
      });
    }

    await t.test('a policy that is not public is shown to its department but pushed to nobody', async () => {
      const policy = await it.api.json('/api/v1/policies/e2e-secret');
      assert.equal(policy.pushed, false);
      const answer = await it.api.call('GET', '/api/v1/campaigns/e2e-secret.v1.r1', { token: 'demo-operator' });
      assert.equal(answer.status, 404);
      assert.ok(!it.messages().some(m => JSON.stringify(m).includes('依申请公开')), 'a message names it');
    });

    await t.test('what could not be read is in the dead letters, with the reason', async () => {
      const { items: letters } = await until('both dead letters', async () => {
        const answer = await it.api.json('/api/v1/dead-letters');
        return answer.total >= 2 ? answer : null;
      });
      assert.equal(letters.length, 2);
      const reasons = letters.map(letter => JSON.stringify(letter.errors)).join('\n');
      assert.match(reasons, /JSON/);
      assert.match(reasons, /ent\.headcont/);
      assert.match(reasons, /ent\.headcount/, 'the message names what is near');
    });

    await t.test('the command lists them and hands them in again', async () => {
      const letters = JSON.parse(it.command(['dlq', 'list', '--json']).stdout);
      assert.equal(letters.length, 2);
      const wrong = letters.find(letter => JSON.stringify(letter.errors).includes('ent.headcont'));
      assert.equal(wrong.topic, topic);
      assert.equal(wrong.can_be_replayed, true);
      assert.match(it.command(['dlq', 'list']).stdout, /ent\.headcount[^]*共 2 封/);
      assert.match(it.command(['dlq', 'replay', '99'], { check: false }).stderr, /没有编号为 99 的信件/);
      assert.match(it.command(['dlq', 'show', String(wrong.number)]).stdout, /ce_type: cn\.zhida\.policy[^]*条件有误的政策/);
      assert.match(it.command(['dlq', 'replay', 'x'], { check: false }).stderr, /不是信件编号/);
      assert.match(it.command(['dlq', 'replay', String(wrong.number)]).stdout, /已重新提交 1 封/);
      // Nothing about it was mended, so it comes back, told by the same words.
      const again = await until('the letter to come back', async () => {
        const now = JSON.parse(it.command(['dlq', 'list', '--json']).stdout);
        return now.length === 3 ? now[2] : null;
      });
      assert.deepEqual(again.errors, wrong.errors);
      assert.equal(again.bytes, wrong.bytes);
    });

    await t.test('page, metrics and ledger verify agree with the API', async () => {
      const { items: campaigns } = await it.api.json('/api/v1/campaigns');
      assert.deepEqual(campaigns.map(c => c.id).sort(), Object.keys(expected).map(p => `${p}.v1.r1`).sort());
      await sleep(1100); // metrics are at most a second old
      const metrics = await it.api.metrics();
      for (const channel of ['web', 'sms', 'wechat']) {
        for (const state of ['delivered', 'submitted', 'suppressed', 'queued']) {
          const known = campaigns.reduce((sum, c) => sum + channelOf(c, channel).states[state], 0);
          assert.equal(sumMetric(metrics, 'zhida_deliveries', { channel, state }), known, `${channel} ${state}`);
        }
      }
      assert.equal(sumMetric(metrics, 'zhida_ledger_imbalance'), 0);

      const verified = JSON.parse(it.command(['ledger', 'verify', '--json']).stdout);
      for (const c of campaigns) {
        const row = verified.campaigns.find(v => v.id === c.id);
        for (const channel of ['web', 'sms', 'wechat']) {
          assert.deepEqual(ledgerStates(row, channel), statesOf(channelOf(c, channel)), `${c.id} ${channel}`);
        }
        const page = await it.api.page(`/campaigns/${c.id}`, 'demo-operator');
        for (const channel of c.channels) assert.ok(page.includes(String(channel.states.delivered)));
      }
    });

    await t.test('it ends when asked to', async () => {
      assert.equal(await it.zhida.stop(), 0);
    });
  });
}
