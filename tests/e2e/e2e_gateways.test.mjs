// One campaign over four SMS gateways at once, each by its own protocol: what each took, what its receipts did,
// and what is left when one takes nothing.
import test from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Installation } from './support/installation.mjs';
import { root } from './support/servers.mjs';
import { channelOf, settled, statesOf } from './support/campaigns.mjs';
import { forEverybody } from './support/documents.mjs';
import { jsonLines, phone, resident } from './support/people.mjs';
import { policyPublished } from './support/publish.mjs';
import { until } from './support/wait.mjs';

const secret = 'e2e-callback-secret';
const { issuer } = forEverybody('any', '');
const accounts = Object.entries({
  carrier: { protocol: 'cmpp', secret: 'of-carrier', source_addr: '900002' },
  smsc: { protocol: 'smpp', secret: 'of-smsc', source_addr: 'zhida', service_id: '' },
  ali: { protocol: 'aliyun', secret: 'of-ali', access_key: 'key-of-ali', callback_secret: secret },
  tx: { protocol: 'tencent', secret: 'of-tx', access_key: 'key-of-tx', app_id: '1400000001', callback_secret: secret },
}).flatMap(([name, keys]) => Object.entries(keys).map(([key, value]) => `sms_gateway.${name}.${key}=${value}`));

// The shipped content, with the ids that a vendor would have given its templates.
function contentWithIds(dir) {
  const config = path.join(dir, 'config');
  cpSync(path.join(root, 'config'), config, { recursive: true });
  const file = path.join(config, 'sms_content.json');
  const content = JSON.parse(readFileSync(file, 'utf8'));
  Object.assign(content.signatures[0], { departments: [issuer], extension: '07' });
  for (const [n, t] of content.templates.entries()) t.ids = { aliyun: `SMS_${n + 1}`, tencent: `${n + 1}` };
  writeFileSync(file, JSON.stringify(content));
  return config;
}

test('a campaign goes out over CMPP, SMPP, Aliyun and Tencent at once', async t => {
  const it = await Installation.start('redis', { accounts, run: false });
  t.after(() => it.close());
  const people = Array.from({ length: 400 }, (_, n) => resident(n, { contact: { phone: phone(n) } }));
  writeFileSync(path.join(it.dir, 'people.jsonl'), jsonLines(people));
  it.extra.push(`node.config_dir=${contentWithIds(it.dir)}`, 'sms.window=16',
    `sms_gateway.smsc.port=${it.smppPort}`, `sms_gateway.carrier.port=${it.smsPort}`,
    ...['ali', 'tx'].flatMap(name => [`sms_gateway.${name}.base_url=${it.wechatUrl}`, `sms_gateway.${name}.rate_per_s=1000`]));
  await it.startProgram();
  it.command(['import', path.join(it.dir, 'people.jsonl')]);
  const pointed = await it.gateways.call('POST', '/sim/clouds', {
    body: { callback_base: it.zhida.match[1].replace(/\/$/, '') },
  });
  assert.equal(pointed.status, 200, pointed.text);
  const gateways = async () => Object.fromEntries((await it.api.json('/api/v1/gateways')).items.map(g => [g.name, g]));
  await until('both wire gateways', async () => {
    const all = await gateways();
    return all.carrier?.state === 'connected' && all.smsc?.state === 'connected';
  });

  const publish = id => {
    it.publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(forEverybody(id, '多网关政策')) });
    return settled(it.api, `${id}.v1.r1`);
  };
  const sms = channelOf(await publish('gw-first'), 'sms');
  assert.deepEqual(statesOf(sms), { delivered: 400 }, 'the receipts of each gateway find their messages');
  const taken = () => it.messages().filter(m => m.channel === 'sms');
  const numbers = new Set(taken().map(m => m.to.replace(/^\+?86/, '')));
  assert.equal(numbers.size, 400);
  const names = ['carrier', 'smsc', 'ali', 'tx'];
  const first = await until('what each took, which is told once a second', async () => {
    const all = await gateways();
    return names.reduce((sum, name) => sum + all[name].accepted, 0) === 400 && all;
  });
  t.diagnostic(names.map(name => `${name} ${first[name].accepted}`).join(', '));
  for (const name of names) {
    assert.ok(first[name].accepted > 0, `${name} took its part`);
    assert.equal(first[name].circuit, 'closed');
  }
  await until('what each reported, also past its client', async () => {
    const all = await gateways();
    return names.every(name => all[name].receipts >= first[name].accepted);
  });

  // Every message shows the number of its department, so that an answer finds it.
  const shows = m => (m.vendor ? m.extension : m.src_id);
  for (const m of taken()) assert.equal(shows(m), m.vendor ? '07' : '1069000007', JSON.stringify(m));
  const wrote = await it.gateways.call('POST', '/sim/inbound', { body: { phone: phone(3), text: '怎么申报？', to: '1069000007' } });
  assert.equal(wrote.status, 200, wrote.text);
  const answer = await until('the answer', async () => (await it.api.json('/api/v1/feedback')).items[0]);
  assert.equal(answer.department, issuer);

  // The clouds take nothing any more: the others take their part. (Which of the clouds has its
  // turn next depends on who had more than its part of the first burst: both stop.)
  const told = await it.gateways.call('POST', '/sim/faults', {
    body: { rules: [
      { channel: 'sms', gateway: 'tx', code: 'FailedOperation.InsufficientBalanceInSmsPackage' },
      { channel: 'sms', gateway: 'ali', code: 'isv.AMOUNT_NOT_ENOUGH', whole_request: true },
    ] },
  });
  assert.equal(told.status, 200, told.text);
  assert.deepEqual(statesOf(channelOf(await publish('gw-second'), 'sms')), { delivered: 400 });
  const second = await until('the others', async () => {
    const all = await gateways();
    return names.reduce((sum, name) => sum + all[name].accepted, 0) === 800 && all;
  });
  for (const name of ['ali', 'tx']) assert.equal(second[name].accepted, first[name].accepted, `nothing more by ${name}`);
  const stopped = await until('what stopped one of them', async () => {
    const all = await gateways();
    return ['ali', 'tx'].map(name => all[name]).find(g => g.state === 'stopped');
  });
  assert.match(JSON.stringify(stopped.codes), /AMOUNT_NOT_ENOUGH|InsufficientBalance/);
});
