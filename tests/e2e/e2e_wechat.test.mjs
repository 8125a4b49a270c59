// WeChat and WeCom through the running program: what the platform tells us, who is bound by a QR code, a burst in
// which much goes wrong, and one token for many processes.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import wecom from '@wecom/crypto';
import { Installation } from './support/installation.mjs';
import { channelOf, statesOf } from './support/campaigns.mjs';
import { forEverybody } from './support/documents.mjs';
import { enterprise, jsonLines, openId, phone, resident } from './support/people.mjs';
import { policyPublished } from './support/publish.mjs';
import { start } from './support/processes.mjs';
import { sleep, until } from './support/wait.mjs';

const token = 'e2e-callback-token', aesKey = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C';
const template = 'e2e-template';
const officialCallbacks = [`wechat.callback_token=${token}`, `wechat.callback_aes_key=${aesKey}`];

const sim = async (it, body) => {
  const { status, text } = await it.gateways.call('POST', '/sim/wechat', { body });
  assert.equal(status, 200, text);
  return JSON.parse(text);
};
const faults = async (it, body) => {
  const { status, text } = await it.gateways.call('POST', '/sim/faults', { body });
  assert.ok(status < 300, text);
};
const base = it => it.zhida.match[1].replace(/\/$/, '');

// People are imported, events find the portal.
async function begin(it, people, accounts = ['wechat']) {
  writeFileSync(path.join(it.dir, 'people.jsonl'), jsonLines(people));
  it.command(['import', path.join(it.dir, 'people.jsonl')]);
  for (const account of accounts) await sim(it, { account, callback_base: base(it) });
}

const publish = (it, id, more = {}) => {
  it.publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(forEverybody(id, '微信政策', more)) });
};
const campaign = (it, id) => it.api.json(`/api/v1/campaigns/${id}.v1.r1`);
const wechatOf = async (it, id, states) => until(`${id} to be ${JSON.stringify(states)}`, async () => {
  const found = channelOf(await campaign(it, id), 'wechat');
  assert.deepEqual(statesOf(found), states);
  return found;
});
const onlyWechat = { push: { channels: ['wechat'] } };
const reasonsOf = channel => Object.fromEntries(channel.reasons.map(r => [r.reason, r.count]));
const taken = (it, to) => it.messages().filter(m => m.channel === 'wechat' && (!to || m.to === to));

test('what became of a message is told, before its answer, twice, late or never', async t => {
  const it = await Installation.start('redis', { accounts: officialCallbacks });
  t.after(() => it.close());
  const people = Array.from({ length: 40 }, (_, n) => resident(n, { contact: { openid: openId(n) } }));
  await begin(it, people);
  await faults(it, { rules: [
    { channel: 'wechat', to: openId(1), event: 'early' },
    { channel: 'wechat', to: openId(2), event: 'duplicate' },
    { channel: 'wechat', to: openId(3), event: 'none' },
    { channel: 'wechat', to: openId(4), event_status: 'failed:user block' },
    { channel: 'wechat', to: openId(5), event_status: 'failed: system failed' },
    { channel: 'wechat', to: openId(6), event_delay_ms: 3000 },
  ] });
  publish(it, 'wx-told', onlyWechat);
  const told = await wechatOf(it, 'wx-told', { delivered: 37, failed: 2, submitted: 1 });
  assert.deepEqual(reasonsOf(told), { refused: 1, undelivered: 1 });
  const gateway = await until('the receipts on its line', async () => {
    const found = (await it.api.json('/api/v1/gateways')).items.find(g => g.name === 'wechat');
    return found?.receipts >= 39 && found;
  });
  assert.equal(gateway.state, 'connected');
  // Who blocked the message is not sent to again.
  await faults(it, { replace: true, rules: [] });
  publish(it, 'wx-again', onlyWechat);
  const again = await wechatOf(it, 'wx-again', { delivered: 39, suppressed: 1 });
  assert.deepEqual(reasonsOf(again), { no_grant: 1 });

  // The platform asks whether the address is ours, and a library that is not ours speaks to it.
  assert.deepEqual(await sim(it, { do: 'verify' }).then(r => r.taken ?? r), true);
  const events = `${base(it)}/gateways/wechat/events`;
  const post = async (xml, { key = aesKey, to = 'wxe2e', age = 0, sign = token } = {}) => {
    const encrypted = wecom.encrypt(key, xml, to);
    const timestamp = String(Math.floor(Date.now() / 1000) - age), nonce = '1372623149';
    const query = new URLSearchParams({ timestamp, nonce, encrypt_type: 'aes',
      signature: wecom.getSignature(sign, timestamp, nonce, ''),
      msg_signature: wecom.getSignature(sign, timestamp, nonce, encrypted) });
    const answer = await fetch(`${events}?${query}`, { method: 'POST',
      body: `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>` });
    return { status: answer.status, text: await answer.text() };
  };
  const wrote = (who, text, id) => `<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[${who}]]></FromUserName>` +
    `<CreateTime>${Math.floor(Date.now() / 1000)}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[${text}]]></Content><MsgId>${id}</MsgId></xml>`;
  const answer = await post(wrote(openId(7), '退订', 1));
  assert.equal(answer.status, 200, answer.text);
  const sealed = answer.text.match(/<Encrypt><!\[CDATA\[(.*?)\]\]>/)?.[1];
  assert.ok(sealed, answer.text);
  const opened = wecom.decrypt(aesKey, sealed);
  assert.equal(opened.id, 'wxe2e');
  assert.match(opened.message, /已退订/);
  assert.equal((await post(wrote(openId(8), '退订', 2), { to: 'wxother' })).status, 403);
  assert.equal((await post(wrote(openId(8), '退订', 3), { sign: 'another' })).status, 403);
  assert.equal((await post(wrote(openId(8), '退订', 4), { age: 3600 })).status, 403);
  assert.equal((await post('<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>')).text, 'success', 'told again it would be no better');
  publish(it, 'wx-out', onlyWechat);
  await wechatOf(it, 'wx-out', { delivered: 38, suppressed: 2 });
});

test('who scans a signed code is bound, in a role, and hears of it; who is unbound does not', async t => {
  const it = await Installation.start('redis', { accounts: officialCallbacks });
  t.after(() => it.close());
  const one = enterprise(1, { contact: { phone: phone(1) } }), other = enterprise(2, { contact: { openid: openId(2) } });
  await begin(it, [one, other]);
  const who = `demo-subject:${one.id}`, api = `/api/v1/subjects/${one.id}/wechat`;
  const code = async role => {
    const made = await it.api.call('POST', `${api}/codes`, { token: who, body: { role } });
    assert.equal(made.status, 201, made.text);
    const { url, svg, expires } = JSON.parse(made.text);
    assert.match(svg, /^<svg /);
    assert.ok(Date.parse(expires) > Date.now());
    return url;
  };
  assert.equal((await it.api.call('POST', `${api}/codes`, { token: who, body: { role: '本人' } })).status, 422);
  assert.equal((await it.api.call('POST', `${api}/codes`, { token: `demo-subject:${other.id}`, body: { role: '法人' } })).status, 404);

  const finance = await code('财务'), people = await code('人事');
  const scanned = await sim(it, { do: 'scan', openid: openId(11), scene: finance, wait: true });
  assert.match(scanned.body, /绑定成功/);
  assert.match((await sim(it, { do: 'scan', openid: openId(13), scene: finance, wait: true })).body, /已被他人使用/);
  assert.match((await sim(it, { do: 'scan', openid: openId(12), scene: people, wait: true })).body, /绑定成功/);
  const bindings = async () => JSON.parse((await it.api.call('GET', api, { token: who })).text).bindings;
  assert.deepEqual((await bindings()).map(b => [b.role, b.state, b.bound]).sort(),
    [['人事', 'reachable', true], ['财务', 'reachable', true]]);
  assert.ok((await bindings()).every(b => !JSON.stringify(b).includes(openId(11))), 'addresses are masked');

  // Each theme has its role.
  publish(it, 'bind-jobs', { ...onlyWechat, theme: '就业/稳岗' });
  await wechatOf(it, 'bind-jobs', { delivered: 2 });
  publish(it, 'bind-tax', { ...onlyWechat, theme: '税务' });
  await wechatOf(it, 'bind-tax', { delivered: 2 });
  const toOne = () => taken(it).map(m => m.to).filter(to => to !== openId(2));
  assert.deepEqual(toOne(), [openId(12), openId(11)]);

  // Who leaves is passed over for the next; who unbinds too, and an address of a register as well.
  await sim(it, { do: 'unfollow', openid: openId(12), wait: true });
  publish(it, 'bind-left', { ...onlyWechat, theme: '就业' });
  await wechatOf(it, 'bind-left', { delivered: 2 });
  assert.equal(toOne().at(-1), openId(11));
  const unbind = async (subject, id) => {
    const gone = await it.api.call('DELETE', `/api/v1/subjects/${subject}/wechat/${id}`, { token: `demo-subject:${subject}` });
    assert.equal(gone.status, 204, gone.text);
  };
  for (const b of await bindings()) await unbind(one.id, b.id);
  const registered = JSON.parse((await it.api.call('GET', `/api/v1/subjects/${other.id}/wechat`, { token: `demo-subject:${other.id}` })).text).bindings;
  assert.deepEqual(registered.map(b => b.bound), [false]);
  await unbind(other.id, registered[0].id);
  publish(it, 'bind-none', onlyWechat);
  await wechatOf(it, 'bind-none', { suppressed: 2 });
  assert.equal(it.messages().filter(m => m.channel === 'wechat').length, 6);
});

test('a burst in which the token is revoked, the quota runs out and some have refused', async t => {
  const it = await Installation.start('redis', { accounts: [...officialCallbacks, 'wechat.daily_quota=200'] });
  t.after(() => it.close());
  const count = 300, refusing = count / 20, quota = 200;
  const people = Array.from({ length: count }, (_, n) => resident(n, { contact: { phone: phone(n), openid: openId(n) } }));
  await begin(it, people);
  await sim(it, { quotas: { template: quota } });
  // Some told us that they refuse; of the others only the answer to a message tells it.
  const refused = people.map((_, n) => n).filter(n => n % 20 === 0);
  const silent = refused.filter(n => n % 40 === 0);
  for (const n of refused.filter(r => !silent.includes(r)))
    await sim(it, { do: 'reject', openid: openId(n), template_id: template, wait: true });
  // Slow enough that the token is revoked in the middle.
  await faults(it, { rules: [
    ...silent.map(n => ({ channel: 'wechat', to: openId(n), errcode: 43101 })), { channel: 'wechat', delay_ms: 15 }] });
  publish(it, 'burst', { push: { channels: ['wechat', 'sms'] }, routing: { mode: 'fallback', unread_hours: 0 } });
  await until('some to be taken', () => taken(it).length > 20);
  await faults(it, { do: ['rotate_token'] });
  await until('more to be taken', () => taken(it).length > 100);
  await faults(it, { do: ['rotate_token'] });
  const unreached = count - quota;
  const done = await until('everybody to be reached once', async () => {
    const now = await campaign(it, 'burst');
    assert.deepEqual([channelOf(now, 'wechat').states.delivered, channelOf(now, 'sms').states.delivered], [quota, unreached]);
    return now;
  }, { within: 60_000 });
  const wechat = channelOf(done, 'wechat'), sms = channelOf(done, 'sms');
  const reasons = reasonsOf(wechat);
  t.diagnostic(JSON.stringify({ wechat: statesOf(wechat), reasons, sms: statesOf(sms) }));
  assert.equal(taken(it).length, quota, 'all that the quota allows');
  assert.equal(new Set(taken(it).map(m => m.to)).size, quota, 'nobody twice');
  assert.equal(reasons.no_grant, refusing - silent.length);
  assert.ok(reasons.refused > 0 && reasons.refused <= silent.length, 'those whose turn came before the quota was used up');
  assert.equal(reasons.quota_used, unreached - reasons.no_grant - reasons.refused);
  assert.equal((sms.states.held ?? 0) + (sms.states.suppressed ?? 0), quota, 'who was reached gets no SMS');
  const bySms = new Set(it.messages().filter(m => m.channel === 'sms').map(m => m.to.replace(/^86/, '')));
  const byWechat = new Set(taken(it).map(m => m.to));
  for (const n of people.keys())
    assert.notEqual(bySms.has(phone(n)), byWechat.has(openId(n)), `${n} hears of it once`);
  const gateway = (await it.api.json('/api/v1/gateways')).items.find(g => g.name === 'wechat');
  assert.equal(gateway.state, 'stopped');
  assert.match(gateway.detail, /45009/);
  assert.match(gateway.detail, /额度 200 次/);
  const stats = (await it.gateways.json('/sim/stats')).wechat;
  assert.ok(stats.token_calls <= 4, `one token call for each token, not ${stats.token_calls}`);
});

test('an official account, a mini-program with one-time grants and WeCom, each to its own people', async t => {
  const it = await Installation.start('redis', { accounts: [...officialCallbacks,
    'miniprogram.enabled=true', 'miniprogram.appid=wxmini', 'miniprogram.secret=of-mini', 'miniprogram.template_id=mini-template',
    'miniprogram.long_term=false', 'miniprogram.page=pages/policy/index', `miniprogram.callback_token=${token}`,
    'wecom.enabled=true', 'wecom.corpid=wwcorp', 'wecom.secret=of-wecom', 'wecom.agentid=1000002',
    'wecom.robots=上海市宝山区端到端测试局=of-robot, *=of-operators'], run: false });
  t.after(() => it.close());
  it.extra.push(`miniprogram.base_url=${it.wechatUrl}`, `wecom.base_url=${it.wechatUrl}`);
  await it.startProgram();
  const at = address => ({ contact: { openid: address } });
  const people = [
    ...Array.from({ length: 4 }, (_, n) => resident(n, at(openId(n)))),
    ...Array.from({ length: 4 }, (_, n) => resident(10 + n, at(`mp:oMini${n}`))),
    ...Array.from({ length: 3 }, (_, n) => resident(20 + n, at(`wecom:zhang.san${n}`))), resident(23, at('wecom:nobody1')),
  ];
  await begin(it, people, ['wechat', 'miniprogram']);
  const tap = (n, count = 1) => sim(it, { account: 'miniprogram', do: 'accept', openid: `oMini${n}`, template_id: 'mini-template', count, wait: true });
  await tap(0);
  await tap(1);
  await sleep(1100); // WeChat tells of two taps in one second as of one
  await tap(1);
  publish(it, 'many-one', onlyWechat);
  // Two of the mini-program's people never tapped; one member is not one.
  const first = await wechatOf(it, 'many-one', { delivered: 9, suppressed: 2, failed: 1 });
  assert.deepEqual(reasonsOf(first), { no_grant: 2, not_following: 1 });
  publish(it, 'many-two', onlyWechat);
  const second = await wechatOf(it, 'many-two', { delivered: 8, suppressed: 4 });
  assert.deepEqual(reasonsOf(second), { no_grant: 4 }, 'each tap is one message');
  const to = taken(it).map(m => m.to);
  assert.equal(to.filter(x => x === 'oMini1').length, 2);
  assert.equal(to.filter(x => x === 'oMini0').length, 1);
  for (const name of ['wechat', 'miniprogram', 'wecom'])
    await until(`${name} to be there`, async () =>
      (await it.api.json('/api/v1/gateways')).items.find(g => g.name === name)?.state === 'connected');
  // The department's group hears of it; nobody reads a robot's key.
  const robots = await until('the robot to tell', async () => {
    const found = it.messages().filter(m => m.channel === 'robot');
    return found.length > 0 && found;
  });
  assert.ok(!JSON.stringify(robots).includes('of-robot'));
  assert.match(JSON.stringify(robots), /微信政策/);
});

test('eight processes share one token: fetched once, and once more when it is revoked, and no message fails', async t => {
  const it = await Installation.start('kafka', { accounts: officialCallbacks, run: false });
  t.after(() => it.close());
  const people = Array.from({ length: 800 }, (_, n) => resident(n, { contact: { openid: openId(n) } }));
  await it.startProgram({ roles: 'matcher,scheduler,portal' });
  await begin(it, people);
  const tokens = async () => (await it.gateways.json('/sim/stats')).wechat.token_calls;
  const before = await tokens();
  const processes = await Promise.all(Array.from({ length: 8 }, (_, n) => start(it.binary,
    ['run', '--roles', 'dispatcher', '--channels', 'wechat', ...it.settings],
    { ready: /^ready/, log: path.join(it.dir, `dispatcher${n}.log`) })));
  t.after(() => Promise.all(processes.map(p => p.kill())));
  await until('a token', async () => await tokens() > before);
  await sleep(1000); // each has asked whether its account works
  assert.equal(await tokens(), before + 1, 'eight processes, one token');
  await faults(it, { rules: [{ channel: 'wechat', delay_ms: 10 }] });
  publish(it, 'race', onlyWechat);
  await until('some to be taken', () => taken(it).length > 50);
  await faults(it, { do: ['rotate_token'] });
  await until('all to be told', async () => {
    assert.deepEqual(statesOf(channelOf(await campaign(it, 'race'), 'wechat')), { delivered: 800 });
    return true;
  }, { within: 60_000 });
  assert.equal(await tokens(), before + 2);
  assert.equal(new Set(taken(it).map(m => m.to)).size, 800);
  assert.equal(taken(it).length, 800);
  const { errors } = (await it.gateways.json('/sim/stats')).wechat;
  t.diagnostic(JSON.stringify(errors));
  assert.deepEqual(Object.keys(errors).filter(code => code !== '40001'), []);
});
