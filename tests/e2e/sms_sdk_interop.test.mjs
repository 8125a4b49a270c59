// The SMS clouds' own clients, as the vendors publish them, against the simulators: what these accept, a client that
// signs and asks as the vendors say can send.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import dysms from '@alicloud/dysmsapi20170525';
import openapi from '@alicloud/openapi-core';
import dara from '@darabonba/typescript';
import tencentcloud from 'tencentcloud-sdk-nodejs-sms';
import { program } from './support/installation.mjs';
import { start } from './support/processes.mjs';
import { until } from './support/wait.mjs';

const aliKey = 'LTAI-interop', tencentKey = 'AKIDinterop', secret = 'interop-secret', appId = '1400006666';
const settings = [
  'simulator.cmpp_port=0', 'simulator.wechat_port=0',
  'sms_gateway.ali.protocol=aliyun', `sms_gateway.ali.access_key=${aliKey}`, `sms_gateway.ali.secret=${secret}`,
  'sms_gateway.ali.callback_secret=0123456789abcdef',
  'sms_gateway.tc.protocol=tencent', `sms_gateway.tc.access_key=${tencentKey}`, `sms_gateway.tc.secret=${secret}`,
  `sms_gateway.tc.app_id=${appId}`, 'sms_gateway.tc.callback_secret=fedcba9876543210',
].flatMap(setting => ['--set', setting]);

// Characters that the signatures encode each in their way.
const name = '张三 a b*c~+%&=/\'()!"', signName = '直达演示';

let dir, simulator, aliyunUrl, tencentUrl, portal;
const posted = []; // { path, receipts }

test.before(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'zhida-interop-'));
  simulator = await start(program, ['simulate', ...settings],
    { ready: /^ready .*aliyun=(http:\S+) tencent=(http:\S+)/, log: path.join(dir, 'simulate.log') });
  [, aliyunUrl, tencentUrl] = simulator.match;
  portal = http.createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', part => { text += part; }).on('end', () => {
      posted.push({ path: request.url, receipts: JSON.parse(text) });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url.startsWith('/gateways/ali/')
        ? { code: 0, msg: '接收成功' } : { result: 0, errmsg: 'OK' }));
    });
  });
  await new Promise(resolve => portal.listen(0, '127.0.0.1', resolve));
  await ask('POST', '/sim/clouds', { callback_base: `http://127.0.0.1:${portal.address().port}` });
});
test.after(async () => {
  portal?.close();
  portal?.closeAllConnections();
  await simulator?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function ask(method, target, body) {
  const response = await fetch(aliyunUrl + target, { method, body: body && JSON.stringify(body) });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}
const taken = phone => ask('GET', `/sim/messages?channel=sms&phone=${phone}`);
const receipts = (gateway, wanted) => until(`receipts of ${gateway}`, () => {
  const all = posted.filter(p => p.path.startsWith(`/gateways/${gateway}/receipts/`)).flatMap(p => p.receipts);
  const found = all.filter(wanted);
  return found.length > 0 && found;
});

function aliyun(accessKeySecret = secret, accessKeyId = aliKey) {
  const Client = dysms.default;
  return new Client(new openapi.$OpenApiUtil.Config(
    { accessKeyId, accessKeySecret, protocol: 'http', endpoint: new URL(aliyunUrl).host }));
}
const once = new dara.RuntimeOptions({ autoretry: false, readTimeout: 10_000 });

function tencent(secretKey = secret, secretId = tencentKey) {
  return new tencentcloud.sms.v20210111.Client({
    credential: { secretId, secretKey }, region: 'ap-guangzhou',
    profile: { httpProfile: { protocol: 'http://', endpoint: new URL(tencentUrl).host, reqTimeout: 10 } },
  });
}
const tencentMessage = (...phones) => ({
  PhoneNumberSet: phones, SmsSdkAppId: appId, TemplateId: '1234', SignName: signName,
  TemplateParamSet: [name, '12345'], SessionContext: 'c1-s1',
});

test('Aliyun: SendSms, its receipt and QuerySendDetails', async () => {
  const { body } = await aliyun().sendSmsWithOptions(new dysms.SendSmsRequest({
    phoneNumbers: '13900000001,+8613900000002', signName, templateCode: 'SMS_154950909',
    templateParam: JSON.stringify({ name }), outId: 't-1',
  }), once);
  assert.equal(body.code, 'OK', JSON.stringify(body));
  assert.match(body.bizId, /^\d+\^0$/);
  const [message] = await taken('13900000002');
  assert.equal(message.id, body.bizId);
  assert.equal(message.sign_name, signName);
  assert.deepEqual(message.variables, { name });
  assert.equal(message.gateway, 'ali');

  const [receipt] = await receipts('ali', r => r.phone_number === '13900000002');
  assert.equal(receipt.biz_id, body.bizId);
  assert.equal(receipt.out_id, 't-1');
  assert.equal(receipt.success, true);

  const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10).replaceAll('-', '');
  const details = await aliyun().querySendDetailsWithOptions(new dysms.QuerySendDetailsRequest({
    phoneNumber: '13900000002', sendDate: today, pageSize: 10, currentPage: 1, bizId: body.bizId,
  }), once);
  assert.equal(details.body.code, 'OK');
  assert.equal(Number(details.body.totalCount), 1);
  const [detail] = details.body.smsSendDetailDTOs.smsSendDetailDTO;
  assert.equal(detail.sendStatus, 3);
  assert.equal(detail.outId, 't-1');
  assert.equal(detail.errCode, 'DELIVERED');
});

test('Aliyun: SendBatchSms', async () => {
  const { body } = await aliyun().sendBatchSmsWithOptions(new dysms.SendBatchSmsRequest({
    phoneNumberJson: JSON.stringify(['13900000011', '13900000012']),
    signNameJson: JSON.stringify([signName, signName]), templateCode: 'SMS_1',
    templateParamJson: JSON.stringify([{ name: `${name}1` }, { name: `${name}2` }]),
  }), once);
  assert.equal(body.code, 'OK', JSON.stringify(body));
  const [message] = await taken('13900000012');
  assert.equal(message.id, body.bizId);
  assert.deepEqual(message.variables, { name: `${name}2` });
});

test('Aliyun: a wrong secret, an unknown key and a bad number', async () => {
  const request = new dysms.SendSmsRequest({
    phoneNumbers: '13900000021', signName, templateCode: 'SMS_1', templateParam: JSON.stringify({ name }),
  });
  await assert.rejects(aliyun('wrong').sendSmsWithOptions(request, once),
    error => error.code === 'SignatureDoesNotMatch' && error.statusCode === 400);
  await assert.rejects(aliyun(secret, 'LTAI-nobody').sendSmsWithOptions(request, once),
    error => error.code === 'InvalidAccessKeyId.NotFound' && error.statusCode === 404);
  assert.deepEqual(await taken('13900000021'), []);
  request.phoneNumbers = '12345';
  const { body } = await aliyun().sendSmsWithOptions(request, once);
  assert.equal(body.code, 'isv.MOBILE_NUMBER_ILLEGAL');
});

test('Tencent: SendSms, its receipt and PullSmsSendStatus', async () => {
  await ask('POST', '/sim/faults', { rules: [
    { channel: 'sms', gateway: 'tc', to: '13900000032', code: 'FailedOperation.PhoneNumberInBlacklist', text: 'no' },
  ] });
  const { SendStatusSet } = await tencent().SendSms(tencentMessage('+8613900000031', '+8613900000032'));
  assert.deepEqual(SendStatusSet.map(s => s.Code), ['Ok', 'FailedOperation.PhoneNumberInBlacklist']);
  assert.equal(SendStatusSet[0].SessionContext, 'c1-s1');
  const [message] = await taken('13900000031');
  assert.equal(message.id, SendStatusSet[0].SerialNo);
  assert.deepEqual(message.variables, [name, '12345']);
  assert.equal(message.gateway, 'tc');

  const [receipt] = await receipts('tc', r => r.mobile === '13900000031');
  assert.equal(receipt.sid, SendStatusSet[0].SerialNo);
  assert.equal(receipt.report_status, 'SUCCESS');

  const pulled = await tencent().PullSmsSendStatus({ Limit: 10, SmsSdkAppId: appId });
  assert.deepEqual(pulled.PullSmsSendStatusSet.map(s => [s.SerialNo, s.ReportStatus]),
    [[SendStatusSet[0].SerialNo, 'SUCCESS']]);
  const again = await tencent().PullSmsSendStatus({ Limit: 10, SmsSdkAppId: appId });
  assert.deepEqual(again.PullSmsSendStatusSet, []);
});

test('Tencent: a wrong secret, an unknown id and another application', async () => {
  const message = tencentMessage('+8613900000041');
  await assert.rejects(tencent('wrong').SendSms(message), { code: 'AuthFailure.SignatureFailure' });
  await assert.rejects(tencent(secret, 'AKIDnobody').SendSms(message), { code: 'AuthFailure.SecretIdNotFound' });
  await assert.rejects(tencent().SendSms({ ...message, SmsSdkAppId: '1' }),
    { code: 'UnauthorizedOperation.SmsSdkAppIdVerifyFail' });
  assert.deepEqual(await taken('13900000041'), []);
});
