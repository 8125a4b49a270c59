// SMPP with an implementation that is not ours: node-smpp as the client of the simulated SMSC, and as the SMSC
// (support/smpp_peer.mjs) that a whole Zhida sends its campaigns by.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import smpp from 'smpp';
import { channelOf, settled, statesOf } from './support/campaigns.mjs';
import { forEverybody } from './support/documents.mjs';
import { Installation, program } from './support/installation.mjs';
import { enterprise, jsonLines, phone, resident } from './support/people.mjs';
import { policyPublished } from './support/publish.mjs';
import { portal } from './support/api.mjs';
import { start } from './support/processes.mjs';
import { connectRedis } from './support/redis.mjs';
import { startPeer } from './support/smpp_peer.mjs';
import { until } from './support/wait.mjs';

const account = { system_id: '900001', password: 'secret12' };
const ucs2 = 0x08;

// A session of node-smpp with promises, and what it was sent.
async function connect(port) {
  const session = await new Promise((resolve, reject) => {
    const made = smpp.connect({ host: '127.0.0.1', port }, () => resolve(made));
    made.once('error', reject);
  });
  session.on('error', () => {});
  const delivered = [];
  let asked = 0;
  let closed = false;
  session.on('deliver_sm', pdu => {
    delivered.push(pdu);
    session.send(pdu.response());
  });
  session.on('enquire_link', pdu => {
    asked += 1;
    session.send(pdu.response());
  });
  session.on('unbind', pdu => session.send(pdu.response()));
  session.on('close', () => { closed = true; });
  const ask = (command, fields = {}) => new Promise(resolve => { session[command](fields, resolve); });
  return {
    ask, delivered, session, asked: () => asked, closed: () => closed,
    submit: (number, fields) => ask('submit_sm', {
      source_addr: '10690000', destination_addr: `8613800000${number}`, registered_delivery: 1, data_coding: ucs2, ...fields,
    }),
  };
}

async function simulator(t) {
  const started = await start(program, ['simulate', ...[
    'simulator.cmpp_port=0', 'simulator.wechat_port=0', `sms.source_addr=${account.system_id}`,
    `sms.secret=${account.password}`, 'wechat.appid=wxe2e', 'wechat.secret=e2e-secret', 'wechat.template_id=e2e-template',
  ].flatMap(setting => ['--set', setting])], { ready: /wechat=(\S+) smpp=\S+:(\d+)/ });
  t.after(() => started.kill());
  const [, control, port] = started.match;
  const api = portal(control);
  const call = async (method, path, body) => {
    const answer = await api.call(method, path, body ? { body } : {});
    assert.ok(answer.status < 300, answer.text);
    return JSON.parse(answer.text);
  };
  return { port: Number(port), call, messages: () => call('GET', '/sim/messages?channel=sms&assembled=1') };
}

test('node-smpp sends short texts, parts and payloads to the simulated SMSC and gets their receipts', async t => {
  const smsc = await simulator(t);
  const client = await connect(smsc.port);
  const bound = await client.ask('bind_transceiver', account);
  assert.equal(bound.command_status, smpp.ESME_ROK);
  assert.equal(bound.sc_interface_version, 0x34);

  const short = await client.submit('001', { short_message: '【直达演示】你好，您有一份政策礼包' });
  assert.equal(short.command_status, smpp.ESME_ROK);
  const long = '这是一条很长的短信，分成两条发送。'.repeat(6);
  const halves = [long.slice(0, 67), long.slice(67)];
  const parts = [];
  for (const [i, message] of halves.entries()) {
    const udh = Buffer.from([5, 0, 3, 0x5a, 2, i + 1]);
    parts.push(await client.submit('002', { short_message: { udh, message } }));
  }
  const payload = await client.submit('003', { message_payload: long });
  for (const answer of [...parts, payload]) assert.equal(answer.command_status, smpp.ESME_ROK);

  const taken = await smsc.messages();
  assert.deepEqual(taken.map(m => [m.to, m.text]), [
    ['13800000001', '【直达演示】你好，您有一份政策礼包'], ['13800000002', long], ['13800000003', long],
  ]);
  const sent = [short, ...parts, payload].map(answer => answer.message_id);
  await until('a receipt for each', () => client.delivered.length === 4);
  assert.deepEqual(client.delivered.map(d => d.receipted_message_id).sort(), [...sent].sort());
  for (const receipt of client.delivered) {
    assert.equal(receipt.esm_class, smpp.ESM_CLASS.MC_DELIVERY_RECEIPT);
    assert.equal(receipt.message_state, 2);
    assert.match(receipt.short_message.message, /^id:\w+ sub:001 dlvrd:001 .* stat:DELIVRD err:000 text:$/);
  }
  await until('the confirmations', async () => (await smsc.call('GET', '/sim/stats')).smpp.receipts_acked === 4);
});

test('node-smpp is refused, throttled, asked and unbound as by an SMSC', async t => {
  const smsc = await simulator(t);
  const wrong = await connect(smsc.port);
  assert.equal((await wrong.ask('bind_transceiver', { ...account, password: 'wrong' })).command_status, smpp.ESME_RINVPASWD);
  await until('the connection to end', wrong.closed);
  const client = await connect(smsc.port);
  assert.equal((await client.submit('001', { short_message: 'x' })).command_status, smpp.ESME_RINVBNDSTS);
  assert.equal((await client.ask('bind_transmitter', account)).command_status, smpp.ESME_ROK);
  await smsc.call('POST', '/sim/faults', { rules: [{ channel: 'sms', result: smpp.ESME_RTHROTTLED, times: 1 }] });
  assert.equal((await client.submit('001', { short_message: '一' })).command_status, smpp.ESME_RTHROTTLED);
  assert.equal((await client.submit('001', { short_message: '二' })).command_status, smpp.ESME_ROK);
  assert.equal((await client.ask('enquire_link')).command_status, smpp.ESME_ROK);
  const unknown = new Promise(resolve => { client.session.once('generic_nack', resolve); });
  client.session.query_sm({ message_id: '1', source_addr: '10690000' });
  assert.equal((await unknown).command_status, smpp.ESME_RINVCMDID);

  const receiver = await connect(smsc.port);
  assert.equal((await receiver.ask('bind_receiver', account)).command_status, smpp.ESME_ROK);
  await until('the receipt on the receiver', () => receiver.delivered.length === 1);
  await smsc.call('POST', '/sim/inbound', { phone: '13800000001', text: '退订', protocol: 'smpp' });
  await until('what was written back', () => receiver.delivered.length === 2);
  assert.equal(receiver.delivered[1].short_message.message, '退订');
  assert.equal(receiver.delivered[1].destination_addr, '10690000');
  await smsc.call('POST', '/sim/faults', { do: ['active_test'] });
  await until('an enquire_link on both', () => client.asked() === 1 && receiver.asked() === 1);
  await smsc.call('POST', '/sim/faults', { do: ['terminate'] });
  await until('both connections to end', () => client.closed() && receiver.closed());
});

test('the SMSC by node-smpp takes texts and sends receipts of every form', async t => {
  for (const receipts of ['text', 'tlv', 'both']) {
    const peer = await startPeer({ systemId: account.system_id, password: account.password, receipts });
    t.after(() => peer.close());
    const client = await connect(peer.port);
    assert.equal((await client.ask('bind_transceiver', account)).command_status, smpp.ESME_ROK);
    peer.throttle(1);
    assert.equal((await client.submit('001', { short_message: '一' })).command_status, smpp.ESME_RTHROTTLED);
    const { message_id: id } = await client.submit('001', { short_message: '一' });
    await client.submit('002', { short_message: { udh: Buffer.from([5, 0, 3, 7, 2, 1]), message: '甲' } });
    await client.submit('002', { short_message: { udh: Buffer.from([5, 0, 3, 7, 2, 2]), message: '乙' } });
    assert.deepEqual(peer.taken.map(m => m.text), ['一', '甲乙']);
    await until('the receipts', () => client.delivered.length === 3);
    const first = client.delivered.find(d => `${d.receipted_message_id} ${d.short_message.message}`.includes(id));
    assert.equal(first.receipted_message_id, receipts === 'text' ? undefined : id);
    assert.equal(/^id:/.test(first.short_message.message ?? ''), receipts !== 'tlv');
    peer.write('13800000001', '退订');
    await until('what was written back', () => client.delivered.length === 4);
    await until('the confirmations', () => peer.unconfirmed() === 0);
    await peer.enquire();
    assert.equal(client.asked(), 1);
    await client.ask('unbind');
  }
});

// How the SMSC writes its receipts and their ids, how long texts go out, and what the client is told of that.
const ways = {
  'parts by user data header, receipts as texts in decimal': {
    peer: { receipts: 'text', ids: id => BigInt(`0x${id}`).toString() },
    settings: ['sms.long_text=udh', 'sms.receipt_ids=decimal_of_hex'],
  },
  'message_payload, receipts as TLVs alone in capital letters': {
    peer: { receipts: 'tlv', ids: id => id.toUpperCase() },
    settings: ['sms.long_text=payload'],
  },
};
for (const [way, { peer: options, settings }] of Object.entries(ways)) {
  test(`Zhida sends its campaigns by the SMSC of node-smpp: ${way}`, async t => {
    const people = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? enterprise : resident)(
      n, { ...(n % 2 === 0 ? { headcount: 10 } : {}), contact: { phone: phone(n) } }));
    const unreachable = phone(7);
    const plain = number => number.replace(/^\+?86/, '');
    const peer = await startPeer({
      systemId: account.system_id, password: account.password, ...options,
      stat: number => (plain(number) === unreachable ? 'UNDELIV' : 'DELIVRD'),
    });
    t.after(() => peer.close());
    const it = await Installation.start('redis', { run: false, extra: [
      'sms.protocol=smpp', `sms.secret=${account.password}`, 'sms.host=127.0.0.1', `sms.port=${peer.port}`, ...settings,
    ] });
    const redis = await connectRedis(it.redis.port);
    t.after(async () => {
      redis.close();
      await it.close();
    });
    writeFileSync(path.join(it.dir, 'people.jsonl'), jsonLines(people));
    await it.startProgram();
    it.command(['import', path.join(it.dir, 'people.jsonl')]);
    await until('the login', () => peer.logins() === 1);
    peer.throttle(5);

    const publish = (id, title) => {
      it.publish({ topic: 'zhida.policy', key: id, type: policyPublished, value: JSON.stringify(forEverybody(id, title)) });
      return settled(it.api, `${id}.v1.r1`);
    };
    const long = '关于支持小微企业稳定岗位和居民灵活就业若干措施的通知'.repeat(3);
    const sms = channelOf(await publish('smpp-first', long), 'sms');
    assert.deepEqual(statesOf(sms), { delivered: 39, failed: 1 });
    assert.deepEqual(peer.taken.map(m => plain(m.phone)).sort(), people.map(p => p.contacts[0].phone).sort(), 'each once');
    for (const { text } of peer.taken) assert.match(text, /^【直达演示】.*通知/);
    if (way.startsWith('parts')) assert.ok(peer.taken.every(m => m.parts > 1), 'the text is long');

    peer.write(phone(2), 'R');
    await until('the confirmation', () => peer.unconfirmed() === 0);
    await until('the opt-out in every shard', async () => (await Promise.all(Array.from({ length: 8 }, (_, shard) =>
      redis.call('SCARD', `{s0${shard}}:refused_numbers`)))).every(count => count === 1));
    const again = channelOf(await publish('smpp-second', '第二份政策'), 'sms');
    assert.equal(again.states.delivered, 38);
    const later = peer.taken.slice(40).filter(m => plain(m.phone) === phone(2) && !m.text.includes('您已退订'));
    assert.deepEqual(later, [], 'nothing more to who asked to stop, but that it is done');
    await peer.enquire();
    assert.equal(peer.logins(), 1);
  });
}
