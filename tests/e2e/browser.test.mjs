// The pages in a real browser: a package arrives while the page is open, nothing breaks accessibility (axe), everything
// works without scripts, and the funnel shows what the API says. Screenshots are left in build/screenshots to be looked at.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { Installation } from './support/installation.mjs';
import { openBrowser } from './support/browser.mjs';
import { root } from './support/servers.mjs';
import { enterprise, jsonLines, openId, phone, resident } from './support/people.mjs';
import { forCheckup, forElderly, forEverybody, forSmallEnterprises } from './support/documents.mjs';
import { policyPublished } from './support/publish.mjs';
import { channelOf, settled } from './support/campaigns.mjs';

const shots = path.join(root, 'build/screenshots');
const both = n => ({ phone: phone(n), openid: openId(n) });
const company = enterprise(1, { headcount: 50, contact: both(1) });
const elder = resident(11, { born: '1950-03-01', contact: both(11) });
const people = [company, elder, ...Array.from({ length: 40 }, (_, i) => resident(100 + i, { contact: both(100 + i) }))];

test('the pages in a browser', async t => {
  mkdirSync(shots, { recursive: true });
  const it = await Installation.start('redis');
  t.after(() => it.close());
  const browser = await openBrowser();
  t.after(() => browser.close());

  const publish = document => it.publish({
    topic: 'zhida.policy', key: document.id, type: policyPublished, value: JSON.stringify(document),
  });
  const file = path.join(it.dir, 'people.jsonl');
  writeFileSync(file, jsonLines(people));
  it.command(['import', file]);
  publish(forEverybody('e2e-before', '登录之前发布的政策'));
  await settled(it.api, 'e2e-before.v1.r1');

  // A window of somebody's own; every error in its console fails the test that asks for `errors`.
  async function visitor(options = {}) {
    const context = await browser.newContext({
      baseURL: it.api.base, locale: 'zh-CN', viewport: { width: 1280, height: 900 }, ...options,
    });
    t.after(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const errors = [];
    page.on('console', message => { if (message.type() === 'error') errors.push(message.text()); });
    page.on('pageerror', error => errors.push(String(error)));
    return { page, errors };
  }

  // Signs in on the landing page, as people do.
  async function signIn(page, { subject, role }) {
    await page.goto('/');
    if (subject) {
      await page.getByLabel('用其他编号进入').fill(subject);
      await page.locator('form', { has: page.getByLabel('用其他编号进入') }).getByRole('button').click();
    } else {
      await page.locator(`form:has(input[name="role"][value="${role}"])`).getByRole('button').click();
    }
    await page.waitForURL(url => url.pathname !== '/');
  }
  const packageOf = (page, title) => page.locator('article', { has: page.getByRole('heading', { name: title, exact: true }) });

  async function accessible(page, what) {
    const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
    const said = violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target} ${n.failureSummary}`));
    assert.deepEqual(said, [], what);
  }
  const shoot = (page, name) => page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });

  async function noSidewaysScroll(page, what) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${what} is ${over} px wider than its window`);
  }

  await t.test('the landing page lets one choose a role', async () => {
    const { page, errors } = await visitor();
    await page.goto('/');
    await accessible(page, 'landing');
    await shoot(page, 'landing');
    assert.deepEqual(errors, []);
  });

  // No table is cut off: what does not fit becomes cards.
  async function nothingCut(page, what) {
    await noSidewaysScroll(page, what);
    const cut = await page.evaluate(() => [...document.querySelectorAll('.table-scroll')]
      .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim().slice(0, 20)));
    assert.deepEqual(cut, [], what);
  }

  await t.test('who has received something is offered first', async () => {
    const { page } = await visitor();
    await page.goto('/');
    for (const kind of ['企业专属网页', '市民主页']) {
      const first = page.locator('article', { has: page.getByRole('heading', { name: kind }) }).locator('.person').first();
      assert.match(await first.innerText(), /已收到 \d+ 份政策礼包/, kind);
    }
  });

  await t.test('a package arrives on the enterprise page while it is open', async () => {
    const { page, errors } = await visitor();
    await signIn(page, { subject: company.id });
    assert.equal(new URL(page.url()).pathname, '/enterprise');
    await packageOf(page, '登录之前发布的政策').waitFor();
    await page.getByText('实时更新中').waitFor();
    assert.equal(await page.getByText('小企业实时到达的补贴').count(), 0);

    publish(forSmallEnterprises('e2e-live', '小企业实时到达的补贴'));
    const arrived = packageOf(page, '小企业实时到达的补贴');
    await arrived.waitFor();
    await arrived.getByText('怎么办理').click();
    const text = await arrived.innerText();
    for (const wanted of ['为什么推送给您', '从业人员不超过300人', '第三条', '一次性补贴 1 万元', '申请表', '12345']) {
      assert.ok(text.includes(wanted), `the package says ${wanted}`);
    }
    assert.ok(await page.getByText('合成数据').first().isVisible());
    await accessible(page, 'enterprise');
    await shoot(page, 'enterprise');

    await arrived.getByRole('button', { name: /标为已读/ }).click();
    await arrived.getByText('已读', { exact: true }).waitFor();
    const { items } = await it.api.json(`/api/v1/subjects/${company.id}/packages`, `demo-subject:${company.id}`);
    assert.deepEqual(items.filter(p => p.read).map(p => p.campaign), ['e2e-live.v1.r1']);
    assert.deepEqual(errors, []);
  });

  await t.test('a resident reads it on a phone, in large type', async () => {
    publish(forElderly('e2e-elderly', '独居老人津贴'));
    await settled(it.api, 'e2e-elderly.v1.r1');
    const { page, errors } = await visitor({ viewport: { width: 375, height: 812 }, isMobile: true, hasTouch: true });
    await signIn(page, { subject: elder.id });
    await page.getByRole('link', { name: '长者版' }).click();
    await packageOf(page, '独居老人津贴').getByText('经居委会核实长期独居').waitFor();
    await noSidewaysScroll(page, 'resident at 375 px');
    await accessible(page, 'resident');
    await shoot(page, 'resident-phone-large');
    assert.deepEqual(errors, []);
  });

  await t.test('without scripts: sign in, read, opt out and in again', async () => {
    const { page } = await visitor({ javaScriptEnabled: false });
    await signIn(page, { subject: company.id });
    await packageOf(page, '小企业实时到达的补贴').waitFor();
    await packageOf(page, '登录之前发布的政策').getByRole('button', { name: /标为已读/ }).click();
    await packageOf(page, '登录之前发布的政策').getByText('已读', { exact: true }).waitFor();
    const optedOut = async () =>
      (await it.api.json(`/api/v1/subjects/${company.id}/packages`, `demo-subject:${company.id}`)).opted_out;
    await page.getByRole('button', { name: '退订短信和微信' }).click();
    await page.getByRole('button', { name: /恢复/ }).waitFor();
    assert.equal(await optedOut(), true);
    await shoot(page, 'enterprise-no-script-opted-out');
    await page.getByRole('button', { name: /恢复/ }).click();
    await page.getByRole('button', { name: '退订短信和微信' }).waitFor();
    assert.equal(await optedOut(), false);
  });

  await t.test('what one wants to receive is chosen without scripts, kept and shown', async () => {
    const { page } = await visitor({ javaScriptEnabled: false });
    await signIn(page, { subject: company.id });
    await page.getByRole('link', { name: '按渠道、主题设置' }).click();
    assert.equal(new URL(page.url()).pathname, '/preferences');
    await page.getByLabel('短信', { exact: true }).first().check();
    await page.getByRole('radio', { name: '微信' }).check();
    await page.getByLabel('不再向我定向推送').check();
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByText('接收设置已保存').waitFor();
    const wants = () => it.api.json(`/api/v1/subjects/${company.id}/preferences`, `demo-subject:${company.id}`);
    assert.deepEqual(await wants(), {
      all_messages: false, untargeted: true, refused_channels: ['sms'], refused_themes: [], preferred_channels: ['wechat'],
    });
    assert.ok(await page.getByLabel('不再向我定向推送').isChecked());
    const { page: looked, errors } = await visitor(); // axe is a script
    await signIn(looked, { subject: company.id });
    await looked.goto('/preferences');
    await accessible(looked, 'preferences');
    await shoot(looked, 'preferences');
    await looked.setViewportSize({ width: 375, height: 812 });
    await noSidewaysScroll(looked, 'preferences at 375 px');
    await shoot(looked, 'preferences-phone');
    assert.deepEqual(errors, []);
    await page.getByRole('link', { name: '返回我的主页' }).click();
    await page.getByText('您已选择不再接收定向推送').waitFor();
    await page.goto('/preferences');
    await page.getByLabel('短信', { exact: true }).first().uncheck();
    await page.getByRole('radio', { name: '不指定' }).check();
    await page.getByLabel('不再向我定向推送').uncheck();
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByText('接收设置已保存').waitFor();
    assert.equal((await wants()).untargeted, false);
  });

  await t.test('who is bound by WeChat is shown; a code is made and somebody unbound, without scripts', async () => {
    const { page } = await visitor({ javaScriptEnabled: false });
    await signIn(page, { subject: company.id });
    await page.getByRole('link', { name: '绑定微信' }).click();
    assert.equal(new URL(page.url()).pathname, '/wechat');
    await page.getByLabel('财务', { exact: true }).check();
    await page.getByRole('button', { name: '生成二维码' }).click();
    await page.getByRole('img', { name: '请用微信扫码' }).waitFor();
    const { page: looked, errors } = await visitor();
    await signIn(looked, { subject: company.id });
    await looked.goto('/wechat');
    await looked.getByLabel('财务', { exact: true }).check();
    await looked.getByRole('button', { name: '生成二维码' }).click();
    await accessible(looked, 'wechat');
    await shoot(looked, 'wechat');
    await looked.setViewportSize({ width: 375, height: 812 });
    await noSidewaysScroll(looked, 'wechat at 375 px');
    await shoot(looked, 'wechat-phone');
    assert.deepEqual(errors, []);
    await page.goto('/wechat');
    await page.getByText('登记信息').waitFor();
    await page.getByRole('button', { name: '解绑' }).click();
    await page.getByText('还没有人绑定').waitFor();
    await page.getByText('已解绑').waitFor();
  });

  await t.test('a department checks, mends and publishes a document and follows its campaign', async () => {
    const { page, errors } = await visitor();
    await page.goto('/');
    const issuer = (await page.getByLabel('选择部门').locator('option').first().innerText()).trim();
    await signIn(page, { role: 'department' });
    assert.equal(new URL(page.url()).pathname, '/department');
    const document = { ...forSmallEnterprises('e2e-department', '部门页面发布的政策'), issuer };
    const field = page.getByRole('textbox', { name: /政策文档/ });

    await field.fill(JSON.stringify({ ...document, level: '县' }, null, 2));
    await page.getByRole('button', { name: '检查' }).click();
    await page.getByRole('alert').getByText('/level').waitFor();
    await accessible(page, 'department with an error');
    await shoot(page, 'department-error');

    await field.fill(JSON.stringify(document, null, 2));
    await page.getByRole('button', { name: '预览受众' }).click();
    const preview = page.locator('#audience-preview');
    await preview.getByText('个主体会收到').waitFor();
    for (const wanted of ['短信', '能收到', '按街镇', '按行业', '受众抽样（已脱敏）']) {
      assert.ok((await preview.innerText()).includes(wanted), `the preview says ${wanted}`);
    }
    await accessible(page, 'department with a preview');
    await shoot(page, 'department-preview');
    // It follows what is typed, without leaving the page.
    const none = structuredClone(document);
    const headcount = { property: 'ent.headcount' };
    none.items[0].eligibility = { op: 'and', args: [{ op: '<=', args: [headcount, 1] }, { op: '>=', args: [headcount, 1000] }] };
    none.items[0].labels = {};
    await field.fill(JSON.stringify(none));
    await preview.getByText('没有主体会收到').waitFor();
    await page.setViewportSize({ width: 375, height: 812 });
    await field.fill(JSON.stringify(document, null, 2));
    await preview.getByText('个主体会收到').waitFor();
    await noSidewaysScroll(page, 'preview at 375 px');
    await shoot(page, 'department-preview-phone');
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: '发布' }).click();
    await settled(it.api, 'e2e-department.v1.r1');
    await page.goto('/department');
    await page.getByRole('link', { name: '部门页面发布的政策' }).waitFor();
    await accessible(page, 'department');
    await shoot(page, 'department');
    await page.goto('/campaigns/e2e-department.v1.r1');
    await accessible(page, 'campaign');
    await shoot(page, 'campaign-department');
    // The browser notes that the faulty document was answered with 422, as it should be.
    assert.deepEqual(errors.filter(error => !error.includes('status of 422')), []);
  });

  await t.test('without scripts a department previews an audience', async () => {
    const { page } = await visitor({ javaScriptEnabled: false });
    await page.goto('/');
    const issuer = (await page.getByLabel('选择部门').locator('option').first().innerText()).trim();
    await signIn(page, { role: 'department' });
    await page.locator('#document').fill(JSON.stringify({ ...forElderly('e2e-preview', '老人津贴'), issuer }));
    await page.getByRole('button', { name: '预览受众' }).click();
    await page.locator('#audience-preview').getByText('受众预览').waitFor();
    assert.match(await page.locator('#document').inputValue(), /e2e-preview/);
  });

  await t.test('what was typed outlives a change of language, and nothing else', async () => {
    const { page } = await visitor();
    await signIn(page, { role: 'department' });
    const field = page.locator('#document');
    await field.fill('{"id": "half');
    await page.getByRole('button', { name: '检查' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('link', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Publish a policy' }).waitFor();
    assert.equal(await field.inputValue(), '{"id": "half');
    await page.goto('/department?lang=zh');
    assert.equal(await field.inputValue(), '');
  });

  await t.test('a lost session leads to the sign-in page, with a warning', async () => {
    const { page } = await visitor();
    await signIn(page, { subject: elder.id });
    await page.context().clearCookies();
    await page.getByRole('button', { name: /退订/ }).click();
    await page.waitForURL('**/?sign-in=needed');
    await page.locator('.notice.warn', { hasText: '请先选择身份' }).waitFor();
  });

  await t.test('staff read their tables on a phone, in large type and in English', async () => {
    for (const [width, query] of [[390, 'size=normal'], [390, 'size=large'], [1280, 'lang=en']]) {
      const { page } = await visitor({ viewport: { width, height: 900 } });
      await signIn(page, { role: 'operator' });
      for (const path of ['/operator', '/department', '/campaigns/e2e-live.v1.r1']) {
        await page.goto(`${path}?${query}`);
        await nothingCut(page, `${path} at ${width} px, ${query}`);
      }
      await accessible(page, `campaign at ${width} px, ${query}`);
      await page.goto('/operator');
      await accessible(page, `operator at ${width} px, ${query}`);
      await shoot(page, `operator-${width}-${query.replace('=', '-')}`);
    }
  });

  await t.test('the operator watches the funnel move', async () => {
    const { page, errors } = await visitor();
    await signIn(page, { role: 'operator' });
    assert.equal(new URL(page.url()).pathname, '/operator');
    await page.getByText('实时更新中').waitFor();
    assert.equal(await page.getByText('e2e-watched.v1.r1').count(), 0);
    publish(forEverybody('e2e-watched', '运行监控时发布的政策'));
    await page.getByText('e2e-watched.v1.r1').waitFor();
    const done = await settled(it.api, 'e2e-watched.v1.r1');
    await page.reload();
    const text = await page.locator('body').innerText();
    assert.match(text, /账目相符/);
    assert.ok(text.includes(String(channelOf(done, 'web').states.delivered)));
    for (const gateway of ['CMPP 3.0', 'WeChat', '已连接']) assert.ok(text.includes(gateway), gateway);
    await accessible(page, 'operator');
    await shoot(page, 'operator');
    await page.goto('/campaigns/e2e-watched.v1.r1');
    await accessible(page, 'campaign');
    await shoot(page, 'campaign');
    assert.deepEqual(errors, []);
  });

  await t.test('a check-up says what fits, what is missing and what is one short', async () => {
    publish(forCheckup('e2e-checkup', '体检样例政策'));
    await settled(it.api, 'e2e-checkup.v1.r1');
    for (const [width, query, options] of [
      [1280, 'size=normal', { javaScriptEnabled: false }], [375, 'size=normal', { isMobile: true, hasTouch: true }],
      [375, 'size=large', {}], [1280, 'lang=en', {}],
    ]) {
      const { page, errors } = await visitor({ viewport: { width, height: 900 }, ...options });
      await signIn(page, { subject: company.id });
      await page.getByRole('link', { name: '做一次政策体检' }).click();
      await page.waitForURL('**/checkup');
      await page.goto(`/checkup?${query}`);
      const entry = (list, title) => page.locator(`#${list} article`, { has: page.getByRole('heading', { name: title, exact: true }) });
      await entry('eligible', '小企业实时到达的补贴：补贴').waitFor();
      const hand = await entry('possible', '须核对的补贴').innerText();
      const open = await entry('possible', '缺资料的补贴').innerText();
      const short = await entry('one_short', '微型企业补贴').innerText();
      assert.ok(hand.includes('经认定具有示范作用'), hand);
      assert.ok(open.includes(query === 'lang=en' ? 'Tax' : '税管地'), open);
      for (const wanted of ['从业人员不超过10人', '50 人', '≤ 10 人', '第五条']) assert.ok(short.includes(wanted), `${wanted} in ${short}`);
      assert.equal(await page.getByText('外区补贴').count(), 0, 'another region is never one short');
      if (query !== 'lang=en') {
        const text = await page.locator('body').innerText();
        for (const wanted of ['可能符合（补充资料后可知）', '差一项', '还缺的资料', '税务登记', '以主管部门审核为准']) {
          assert.ok(text.includes(wanted), wanted);
        }
      }
      await noSidewaysScroll(page, `checkup at ${width} px, ${query}`);
      await page.locator('details summary').evaluateAll(all => all.forEach(one => one.parentElement.setAttribute('open', '')))
        .catch(() => {}); // without scripts they stay as they are
      if (options.javaScriptEnabled !== false) await accessible(page, `checkup at ${width} px, ${query}`);
      await shoot(page, `checkup-${width}-${query.replace('=', '-')}`);
      assert.deepEqual(errors, []);
    }
    const told = await it.api.json(`/api/v1/subjects/${company.id}/checkup`, `demo-subject:${company.id}`);
    assert.equal(told.subject, company.id);
    assert.deepEqual(told.one_short.items.map(e => e.item.title), ['微型企业补贴']);
    assert.ok(told.profile_offset > 0 && told.policy_offset > 0 && told.day === new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10));
    // The hotline reads the same.
    const why = JSON.parse(it.command(['why', company.id, 'e2e-checkup', '--json']).stdout);
    const same = why.versions[0].items.find(i => i.title === '微型企业补贴');
    assert.equal(same.one_short, true);
    assert.deepEqual(same.why, told.one_short.items[0].why);
  });

  await t.test('anybody may read a public policy', async () => {
    const { page, errors } = await visitor();
    await page.goto('/policies');
    await accessible(page, 'policies');
    await shoot(page, 'policies');
    await page.getByRole('link', { name: '小企业实时到达的补贴' }).click();
    await accessible(page, 'policy');
    await shoot(page, 'policy');
    assert.deepEqual(errors, []);
  });

  await t.test('nobody sees the page of another', async () => {
    const { page } = await visitor();
    await signIn(page, { subject: company.id });
    for (const path of ['/operator', '/department', '/campaigns/e2e-watched.v1.r1']) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), 403, path);
    }
    const other = await page.request.get(`/api/v1/subjects/${elder.id}/packages`);
    assert.equal(other.status(), 404);
  });
});
