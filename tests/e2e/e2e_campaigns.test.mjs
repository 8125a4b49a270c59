// The life of a campaign from outside: a second person approves it, it is paused and goes on, it is
// cancelled, it is withdrawn and corrected; a further round goes to the same people; its channels follow one
// another.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { sumMetric } from './support/api.mjs';
import { channelOf, settled, statesOf } from './support/campaigns.mjs';
import { forEverybody } from './support/documents.mjs';
import { Installation } from './support/installation.mjs';
import { jsonLines, openId, phone, resident } from './support/people.mjs';
import { until } from './support/wait.mjs';

const department = 'demo-department';
const count = 40;
const people =
  Array.from({ length: count }, (_, n) => resident(n, { contact: { phone: phone(n), openid: openId(n) } }));

test('the life of a campaign', async t => {
  const it = await Installation.start('redis', { extra: [
    'campaign.approval=true', 'sms.rate_per_s=40', 'dispatch.sms_per_day=0', 'dispatch.wechat_per_day=0',
  ] });
  t.after(() => it.close());
  const file = path.join(it.dir, 'people.jsonl');
  writeFileSync(file, jsonLines(people));
  it.command(['import', file]);

  const publish = async (id, more) => {
    const answer = await it.api.call('POST', '/api/v1/policies',
                                         { token: department, body: forEverybody(id, `政策${id}`, more) });
    assert.equal(answer.status, 202, answer.text);
    return `${id}.v1.r1`;
  };
  const act = (id, action, token, body) =>
    it.api.call('POST', `/api/v1/campaigns/${id}/${action}`, { token, body });
  const state = async id => (await it.api.json(`/api/v1/campaigns/${id}`)).state;
  const reaches = (id, wanted) => until(`${id} to be ${wanted}`, async () => (await state(id)) === wanted);
  const texts = part => it.messages().filter(m => m.channel === 'sms' && (m.part ?? 1) === 1 &&
                          (m.text ?? '').includes(part));

  await t.test('nothing goes out before a second person has approved it', async () => {
    const id = await publish('life-approve');
    await reaches(id, 'submitted'); // residents' attributes are personal
    assert.equal((await act(id, 'approve', department)).status, 409, 'who drafted it may not approve it');
    assert.equal(it.messages().length, 0);
    assert.deepEqual(statesOf(channelOf(await it.api.json(`/api/v1/campaigns/${id}`), 'web')),
                         { queued: count });
    assert.equal((await act(id, 'reject', 'demo-operator', { note: '请补充依据' })).status, 200);
    assert.equal(await state(id), 'draft');
    assert.equal((await act(id, 'submit', department)).status, 200);
    const approved = await act(id, 'approve', 'demo-operator', { note: '同意' });
    assert.equal(approved.status, 200, approved.text);
    const done = await settled(it.api, id);
    assert.deepEqual(statesOf(channelOf(done, 'web')), { delivered: count });
    assert.deepEqual(statesOf(channelOf(done, 'sms')), { delivered: count });
    await reaches(id, 'finished');
    assert.equal((await act(id, 'approve', 'demo-operator')).status, 409);
  });

  await t.test('a test goes to those who are named, marked, before approval, and counts nowhere', async () => {
    const id = await publish('life-test'), testers = [people[1], people[2]].map(p => p.id);
    await reaches(id, 'submitted');
    const before = await it.api.json(`/api/v1/campaigns/${id}`);
    const send = named => it.api.call('POST', `/api/v1/campaigns/${id}/test`,
                                          { token: department, body: { subjects: named } });
    assert.equal((await send([])).status, 422);
    assert.equal((await send(['nobody'])).status, 422);
    const refused = await it.api.call('PUT', `/api/v1/subjects/${testers[1]}/opt-out`,
                                          { token: `demo-subject:${testers[1]}` });
    assert.ok(refused.status < 300, refused.text);
    const made = await send(testers);
    assert.equal(made.status, 201, made.text);
    const done = await settled(it.api, made.json.id);
    assert.equal(done.kind, 'test');
    assert.equal(done.base, id);
    assert.equal(done.audience, 2);
    assert.deepEqual(statesOf(channelOf(done, 'sms')), { delivered: 1, suppressed: 1 });
    assert.deepEqual(texts('【测试】').map(m => m.to), [phone(1)]);
    const after = await it.api.json(`/api/v1/campaigns/${id}`);
    assert.deepEqual(after.channels, before.channels);
    assert.equal(after.state, 'submitted', 'a test is no approval');
    const back = await it.api.call('DELETE', `/api/v1/subjects/${testers[1]}/opt-out`,
                                       { token: `demo-subject:${testers[1]}` });
    assert.ok(back.status < 300, back.text);
    assert.equal((await act(id, 'cancel', department)).status, 200);
    assert.equal((await send(testers)).status, 409);
  });

  await t.test('an operator may not approve what an operator published', async () => {
    const answer =
      await it.api.call('POST', '/api/v1/policies',
               { token: 'demo-operator', body: forEverybody('life-alone', '一人发布') });
    assert.equal(answer.status, 202, answer.text);
    await reaches('life-alone.v1.r1', 'submitted');
    assert.equal((await act('life-alone.v1.r1', 'approve', 'demo-operator')).status, 409);
    assert.equal((await act('life-alone.v1.r1', 'approve', department)).status, 200);
    await settled(it.api, 'life-alone.v1.r1');
  });

  await t.test('a pause holds, going on sends the rest, once each', async () => {
    const id = await publish('life-pause');
    await reaches(id, 'submitted');
    await act(id, 'approve', 'demo-operator');
    await until('some to be sent', () => texts('life-pause').length > 2, { every: 20 });
    assert.equal((await act(id, 'pause', department)).status, 200);
    await new Promise(done => { setTimeout(done, 1500); });
    const sent = texts('life-pause').length;
    assert.ok(sent < count, `${sent} were sent`);
    await new Promise(done => { setTimeout(done, 1500); });
    assert.equal(texts('life-pause').length, sent);
    assert.equal((await act(id, 'resume', department)).status, 200);
    const done = await settled(it.api, id);
    assert.deepEqual(statesOf(channelOf(done, 'sms')), { delivered: count });
    assert.equal(new Set(texts('life-pause').map(m => m.to)).size, count);
    assert.equal(texts('life-pause').length, count);
  });

  await t.test('cancelled: the rest is never sent', async () => {
    const id = await publish('life-cancel');
    await reaches(id, 'submitted');
    await act(id, 'approve', 'demo-operator');
    await until('some to be sent', () => texts('life-cancel').length > 2, { every: 20 });
    assert.equal((await act(id, 'cancel', department, { note: '有误' })).status, 200);
    const done = await settled(it.api, id);
    const sms = statesOf(channelOf(done, 'sms'));
    assert.ok(sms.cancelled > 0 && sms.delivered > 0, JSON.stringify(sms));
    assert.equal(sms.cancelled + sms.delivered, count);
    assert.equal(texts('life-cancel').length, sms.delivered);
  });

  await t.test('withdrawn: whom it reached hears of it once, and the page says so', async () => {
    const id = 'life-approve.v1.r1';
    assert.equal((await act(id, 'withdraw', department, { note: '政策调整' })).status, 200);
    const correction = 'life-approve.v1.r2';
    await until('the correction to be there',
          async () => (await it.api.call('GET', `/api/v1/campaigns/${correction}`, {
                  token: 'demo-operator'
                })).status === 200);
    const done = await settled(it.api, correction);
    assert.deepEqual(done.channels.map(c => c.channel).sort(), ['sms', 'wechat']);
    assert.equal(done.audience, count);
    const corrected = texts('更正').filter(m => m.text.includes('life-approve'));
    assert.equal(corrected.length, statesOf(channelOf(done, 'sms')).delivered);
    assert.equal(new Set(corrected.map(m => m.to)).size, corrected.length);
    const { items } =
      await it.api.json(`/api/v1/subjects/${people[0].id}/packages`, `demo-subject:${people[0].id}`);
    assert.equal(items.find(p => p.campaign === id).withdrawn, true);
    const again = await it.api.call('POST', `/api/v1/campaigns/${id}/rounds`,
                    { token: department, body: { kind: 'interpretation' } });
    assert.equal(again.status, 409, again.text);
  });

  await t.test('a further round goes to those who have not read', async () => {
    const id = 'life-pause.v1.r1', reader = people[3].id;
    const read = await it.api.call('POST', `/api/v1/subjects/${reader}/packages/${id}/read`,
                                       { token: `demo-subject:${reader}` });
    assert.equal(read.status, 200, read.text);
    const wrong = await it.api.call('POST', `/api/v1/campaigns/${id}/rounds`,
                    { token: department, body: { kind: 'correction' } });
    assert.equal(wrong.status, 422, wrong.text);
    const made =
      await it.api.call('POST', `/api/v1/campaigns/${id}/rounds`,
               { token: department, body: { kind: 'interpretation', only: 'unread' } });
    assert.equal(made.status, 201, made.text);
    await reaches('life-pause.v1.r2', 'submitted');
    assert.equal((await act('life-pause.v1.r2', 'approve', 'demo-operator')).status, 200);
    const done = await settled(it.api, 'life-pause.v1.r2');
    assert.equal(done.audience, count - 1);
  });

  await t.test('channels that follow one another: who was reached gets no second message', async () => {
    const id = await publish(
      'life-route', { push: { channels: ['wechat', 'sms'] }, routing: { mode: 'fallback', unread_hours: 0 } });
    const refused = await it.gateways.call(
      'POST', '/sim/faults',
      { body: { rules: [{ channel: 'wechat', to: openId(5), errcode: 43004 }] } });
    assert.ok(refused.status < 300, refused.text);
    // One wants short messages first.
    const wish = await it.api.call('PUT', `/api/v1/subjects/${people[7].id}/preferences`,
      { token: `demo-subject:${people[7].id}`, body: { preferred_channels: ['sms', 'wechat'] } });
    assert.equal(wish.status, 200, wish.text);
    await reaches(id, 'submitted');
    await act(id, 'approve', 'demo-operator');
    await until('two to be reached by SMS', () => texts('life-route').length > 1);
    assert.deepEqual(texts('life-route').map(m => m.to).sort(), [phone(5), phone(7)]);
    await settled(it.api, id, { leave: ['held'] });
    const now = await it.api.json(`/api/v1/campaigns/${id}`);
    assert.deepEqual(statesOf(channelOf(now, 'wechat')), { submitted: count - 2, failed: 1, suppressed: 1 });
    assert.deepEqual(channelOf(now, 'wechat').reasons.map(r => r.reason).sort(), ['not_following', 'not_needed']);
    assert.deepEqual(statesOf(channelOf(now, 'sms')), { delivered: 2, held: count - 2 });
  });

  await t.test('a gateway that fails is left alone and tried; the other goes on; nobody is forgotten', async () => {
    const faults = rules => it.gateways.call('POST', '/sim/faults', { body: { replace: true, rules } });
    const sends = async () => (await it.gateways.json('/sim/stats')).wechat.sends;
    await faults([{ channel: 'wechat', http_status: 503 }]);
    const before = await sends();
    const id = await publish('life-down', { push: { channels: ['wechat', 'sms'] } });
    await reaches(id, 'submitted');
    await act(id, 'approve', 'demo-operator');
    const gateway = async () => (await it.api.json('/api/v1/gateways')).items.find(g => g.name === 'wechat');
    await until('the circuit to open', async () => (await gateway()).state === 'circuit_open');
    const metrics = await it.api.metrics();
    assert.equal(sumMetric(metrics, 'zhida_gateway_circuit_open', { channel: 'wechat' }), 1);
    assert.equal(sumMetric(metrics, 'zhida_gateway_circuit_open', { channel: 'sms' }), 0);
    await until('the SMS to be there', async () =>
      statesOf(channelOf(await it.api.json(`/api/v1/campaigns/${id}`), 'sms')).delivered === count);
    const tried = await sends() - before;
    await new Promise(done => { setTimeout(done, 3000); });
    assert.ok(await sends() - before <= tried + 4, 'one at a time tries, less and less often');
    await faults([]);
    const done = await settled(it.api, id);
    // One of them does not follow us, as WeChat said above.
    assert.deepEqual(statesOf(channelOf(done, 'wechat')), { submitted: count - 1, suppressed: 1 });
    await until('the circuit to be closed', async () => (await gateway()).circuit === 'closed');
  });

  await t.test(
    'the ledger agrees',
    () => { assert.equal(JSON.parse(it.command(['ledger', 'verify', '--json']).stdout).ok, true); });
});

test('an emergency goes out in quiet hours, and its history says so', async t => {
  const it = await Installation.start('redis', { extra: ['dispatch.quiet_from=00:00', 'dispatch.quiet_until=23:59'] });
  t.after(() => it.close());
  const file = path.join(it.dir, 'people.jsonl');
  writeFileSync(file, jsonLines(people.slice(0, 5)));
  it.command(['import', file]);
  const publish = async (id, more) => {
    const push = { push: { channels: ['sms'] }, ...more };
    const answer =
      await it.api.call('POST', '/api/v1/policies', { token: department, body: forEverybody(id, `政策${id}`, push) });
    assert.equal(answer.status, 202, answer.text);
    return `${id}.v1.r1`;
  };
  const calm = await publish('night-calm'), alarm = await publish('night-alarm', { urgency: 'emergency' });
  await settled(it.api, alarm);
  const held = await until('the other to be held', async () => {
    const states = statesOf(channelOf(await it.api.json(`/api/v1/campaigns/${calm}`), 'sms'));
    return states.held === 5 ? states : null;
  });
  assert.deepEqual(held, { held: 5 });
  const about = part => it.messages().filter(m => m.text.includes(part)).length;
  assert.deepEqual([about('night-alarm'), about('night-calm')], [5, 0]);
  assert.match(await it.api.page(`/campaigns/${alarm}`, 'demo-operator'), /静默时段内发送[^]*应急推送，静默时段（00:00至23:59）/);
  assert.doesNotMatch(await it.api.page(`/campaigns/${calm}`, 'demo-operator'), /静默时段内发送/);
  assert.equal(sumMetric(await it.api.metrics(), 'zhida_quiet_overrides_total'), 1);
});
