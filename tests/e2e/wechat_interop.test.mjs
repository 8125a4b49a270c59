// WeCom's own package against our side of its envelopes (the same for official accounts and mini-programs): what one
// encrypts and signs, the other opens and checks.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import path from 'node:path';
import wecom from '@wecom/crypto';
import { root } from './support/servers.mjs';

const helper = process.env.ZHIDA_WECHAT_CRYPT ?? path.join(root, 'build/release/tests/wechat_crypt');
const id = 'wx5823bf96d3bd56c7', token = 'QDG6eK', timestamp = '1409659813', nonce = '1372623149';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const newKey = () => Array.from({ length: 43 }, () => letters[randomInt(letters.length)]).join('');
const key = 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C';

// Every length around the blocks of 32, characters of one to four bytes, what XML and JSON escape, and a long one.
const messages = [
  ...Array.from({ length: 101 }, (_, n) => 'x'.repeat(n)), ...Array.from({ length: 33 }, (_, n) => '政'.repeat(n)),
  ...Array.from({ length: 17 }, (_, n) => '😀'.repeat(n)), 'é😀政策直达\n"<>&\\\u0001', '补贴'.repeat(3000),
];

function ours(...requests) {
  const { stdout, stderr, status, error } = spawnSync(helper, {
    input: requests.map(r => `${JSON.stringify(r)}\n`).join(''), encoding: 'utf8', timeout: 60_000,
    maxBuffer: 1 << 26,
  });
  assert.equal(status, 0, error?.message ?? stderr);
  const answers = stdout.trimEnd().split('\n').map(line => JSON.parse(line));
  assert.equal(answers.length, requests.length);
  return answers;
}

test('what the package encrypts, we open', () => {
  const keys = messages.map(newKey);
  const opened = ours(...messages.map((message, i) =>
    ({ do: 'open', key: keys[i], id, encrypted: wecom.encrypt(keys[i], message, id) })));
  assert.deepEqual(opened.map(o => o.message), messages);
});

test('what we encrypt, the package opens', () => {
  const keys = messages.map(newKey);
  const sealed = ours(...messages.map((message, i) => ({ do: 'seal', key: keys[i], id, message })));
  assert.deepEqual(sealed.map((s, i) => wecom.decrypt(keys[i], s.encrypted).message), messages);
  assert.ok(sealed.every((s, i) => wecom.decrypt(keys[i], s.encrypted).id === id));
  const [a, b] = ours(...Array.from({ length: 2 }, () => ({ do: 'seal', key, id, message: 'x' })));
  assert.notEqual(a.encrypted, b.encrypted);
});

test('another receiver, another key and damage are all told alike', () => {
  const good = wecom.encrypt(key, 'hello', id);
  const damaged = Buffer.from(good, 'base64');
  damaged[damaged.length - 1] ^= 1;
  const told = ours(
    { do: 'open', key, id, encrypted: wecom.encrypt(key, 'hello', 'wx0000000000000000') },
    { do: 'open', key: newKey(), id, encrypted: good },
    { do: 'open', key, id, encrypted: damaged.toString('base64') },
    { do: 'open', key, id, encrypted: good.slice(0, -4) },
  ).map(o => o.failure);
  assert.ok(told[0]);
  assert.deepEqual(new Set(told), new Set([told[0]]));
});

test('a message is posted and answered, an address is checked', () => {
  const event = text => `<xml><ToUserName><![CDATA[${id}]]></ToUserName><FromUserName><![CDATA[zhangsan]]>` +
    `</FromUserName><CreateTime>${timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>` +
    `<Content><![CDATA[${text}]]></Content><MsgId>4561255354251345929</MsgId><AgentID>218</AgentID></xml>`;
  const post = (text, reply) => {
    const encrypted = wecom.encrypt(key, event(text), id);
    return { do: 'take', token, key, id, reply,
      query: { timestamp, nonce, msg_signature: wecom.getSignature(token, timestamp, nonce, encrypted) },
      body: `<xml><ToUserName><![CDATA[${id}]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>` };
  };
  const words = ['退订', '在吗😀', 'a & b <c>'];
  const taken = ours(...words.map(word => post(word, `收到：${word}`)));
  taken.forEach((t, i) => {
    assert.equal(t.from, 'zhangsan');
    assert.equal(t.text, words[i]);
    const part = name => new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`, 's').exec(t.answer)[1];
    const encrypted = part('Encrypt');
    assert.equal(part('MsgSignature'), wecom.getSignature(token, part('TimeStamp'), part('Nonce'), encrypted));
    const answer = wecom.decrypt(key, encrypted);
    assert.equal(answer.id, id);
    assert.match(answer.message, /<ToUserName><!\[CDATA\[zhangsan\]\]>/);
    assert.ok(answer.message.includes(`<Content><![CDATA[收到：${words[i]}]]></Content>`));
  });

  const forged = post('退订', '');
  forged.query.msg_signature = wecom.getSignature('another', timestamp, nonce, 'x');
  const echostr = wecom.encrypt(key, '1616140317555161061', id);
  const [refused, checked] = ours(forged, { do: 'take', token, key, id,
    query: { timestamp, nonce, echostr, msg_signature: wecom.getSignature(token, timestamp, nonce, echostr) } });
  assert.match(refused.failure, /^wecom\.callback_token: /);
  assert.deepEqual(checked, { echo: '1616140317555161061' });
});
