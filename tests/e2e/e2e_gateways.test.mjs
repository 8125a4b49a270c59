// One campaign over four SMS gateways at once, each by its own protocol: what each took, what its receipts did,
// and what is left when one takes nothing.
import test from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Installation } from './support/installation.mjs';
import { root } from './support/servers.mjs';
import { channelOf, settled, statesOf } from './support/campaigns.mjs';
import { forEverybody } from './support/documents.mjs';
import { jsonLines, phone, resident } from './support/people.mjs';
import { portal } from './support/api.mjs';
import { policyPublished } from './support/publish.mjs';
import { sleep, until } from './support/wait.mjs';

const secret = 'e2e-callback-secret';
const { issuer } = forEverybody('any', '');
const settingsOf = gateways => Object.entries(gateways)
  .flatMap(([name, keys]) => Object.entries(keys).map(([key, value]) => `sms_gateway.${name}.${key}=${value}`));
const clouds = settingsOf({
  ali: { protocol: 'aliyun', secret: 'of-ali', access_key: 'key-of-ali', callback_secret: secret },
  tx: { protocol: 'tencent', secret: 'of-tx', access_key: 'key-of-tx', app_id: '1400000001', callback_secret: secret },
});
const accounts = [...settingsOf({
  carrier: { protocol: 'cmpp', secret: 'of-carrier', source_addr: '900002' },
  smsc: { protocol: 'smpp', secret: 'of-smsc', source_addr: 'zhida', service_id: '' },
}), ...clouds];

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
  await until('what each reported, also past its client, and how long it took', async () => {
    const all = await gateways();
    return names.every(name => all[name].receipts >= first[name].accepted && all[name].receipt_ms >= 0);
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

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

// The simulated clouds in the program itself: nobody tells them where its portal is.
test('a refusal that comes by a cloud counts at once and is acknowledged once, by that cloud', async t => {
  const it = await Installation.start('redis', { accounts: clouds, run: false });
  t.after(() => it.close());
  const port = await freePort();
  const people = Array.from({ length: 4 }, (_, n) => resident(n, { contact: { phone: phone(n) } }));
  writeFileSync(path.join(it.dir, 'people.jsonl'), jsonLines(people));
  const content = contentWithIds(it.dir);
  const template = JSON.parse(readFileSync(path.join(content, 'sms_content.json'), 'utf8'))
    .templates.find(x => x.key === 'acknowledgement').ids;
  it.record = path.join(it.dir, 'of-the-program.jsonl');
  it.extra.push(`node.config_dir=${content}`, 'wechat.enabled=false', 'simulator.cmpp_port=0',
    `simulator.wechat_port=${port}`, `simulator.record_file=${it.record}`);
  await it.startProgram({ roles: 'matcher,dispatcher,scheduler,portal,simulator' });
  it.command(['import', path.join(it.dir, 'people.jsonl')]);
  const simulator = portal(`http://127.0.0.1:${port}`);
  const publish = async id => {
    it.publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(forEverybody(id, '退订政策')) });
    return channelOf(await settled(it.api, `${id}.v1.r1`), 'sms');
  };
  assert.deepEqual(statesOf(await publish('out-first')), { delivered: 4 }, 'receipts find the portal by themselves');

  const write = async (protocol, account, who, text) => {
    const told = async () => (await simulator.json('/sim/stats'))[protocol].replies[account].taken;
    const before = await told();
    const { status, text: answer } = await simulator.call('POST', '/sim/inbound',
      { body: { protocol, account, phone: phone(who), text } });
    assert.equal(status, 200, answer);
    await until('the reply to be taken', async () => await told() === before + 1);
  };
  await write('aliyun', 'ali', 0, '退订');
  await write('tencent', 'tx', 1, 'ＴＤ');
  await write('tencent', 'tx', 2, '谢谢，怎么办理？');
  const second = await publish('out-second');
  assert.deepEqual(statesOf(second), { delivered: 2, suppressed: 2 }, 'both are out at once');
  assert.match(JSON.stringify(second.reasons), /refused_number/);

  const acknowledged = () => it.messages().filter(m => m.channel === 'sms' && Object.values(template).includes(m.template));
  await until('both to be told', () => acknowledged().length >= 2);
  for (const [cloud, account] of [['aliyun', 'ali'], ['tencent', 'tx'], ['aliyun', 'ali']])
    for (const who of [0, 1]) await write(cloud, account, who, 'R');
  await sleep(3000); // acknowledgements are looked for once a second
  assert.deepEqual(acknowledged().map(m => [m.to, m.gateway, m.template]).sort(), [
    [phone(0), 'ali', template.aliyun],
    [phone(1), 'tx', template.tencent],
  ], 'one each, by the cloud that brought the refusal');
});
