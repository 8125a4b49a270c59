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
import { forElderly, forEverybody, forSmallEnterprises } from './support/documents.mjs';
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

  // A context signed in as one role; every message of its console that is an error fails the test.
  async function visitor({ token, ...options } = {}) {
    const context = await browser.newContext({
      baseURL: it.api.base, locale: 'zh-CN', viewport: { width: 1280, height: 900 },
      ...(token ? { extraHTTPHeaders: { authorization: `Bearer ${token}` } } : {}), ...options,
    });
    t.after(() => context.close());
    const page = await context.newPage();
    const errors = [];
    page.on('console', message => { if (message.type() === 'error') errors.push(message.text()); });
    page.on('pageerror', error => errors.push(String(error)));
    return { context, page, errors };
  }

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

  await t.test('a package arrives on the enterprise page while it is open', async () => {
    const { page, errors } = await visitor({ token: `demo-subject:${company.id}` });
    await page.goto('/enterprise');
    await page.getByText('登录之前发布的政策').first().waitFor();
    assert.equal(await page.getByText('小企业实时到达的补贴').count(), 0);
    publish(forSmallEnterprises('e2e-live', '小企业实时到达的补贴'));
    await page.getByText('小企业实时到达的补贴').first().waitFor({ timeout: 20_000 });
    const text = await page.locator('body').innerText();
    for (const wanted of ['从业人员不超过300人', '一次性补贴 1 万元', '申请表', '合成数据']) {
      assert.ok(text.includes(wanted), `the page says ${wanted}`);
    }
    await accessible(page, 'enterprise');
    await shoot(page, 'enterprise');
    assert.deepEqual(errors, []);
  });

  await t.test('a resident reads it on a phone, in large type', async () => {
    const { page, errors } = await visitor({
      token: `demo-subject:${elder.id}`, viewport: { width: 375, height: 812 }, isMobile: true, hasTouch: true,
    });
    publish(forElderly('e2e-elderly', '独居老人津贴'));
    await settled(it.api, 'e2e-elderly.v1.r1');
    await page.goto('/resident?size=large');
    await page.getByText('独居老人津贴').first().waitFor();
    await page.getByText('经居委会核实长期独居').first().waitFor();
    await noSidewaysScroll(page, 'resident at 375 px');
    await accessible(page, 'resident');
    await shoot(page, 'resident-phone-large');
    assert.deepEqual(errors, []);
  });

  await t.test('without scripts the same is there', async () => {
    const { page } = await visitor({ token: `demo-subject:${company.id}`, javaScriptEnabled: false });
    await page.goto('/enterprise');
    const text = await page.locator('body').innerText();
    assert.ok(text.includes('小企业实时到达的补贴') && text.includes('登录之前发布的政策'));
    await shoot(page, 'enterprise-no-script');
  });

  await t.test('signing in by hand, opting out and back in, without scripts', async () => {
    const { page } = await visitor({ javaScriptEnabled: false });
    await page.goto('/');
    // Any of the offered subjects; the form leads to its page.
    await page.locator('form[action="/sign-in"] button').first().click();
    await page.waitForURL(/\/(enterprise|resident|operator|department)/);
    await shoot(page, 'signed-in');
  });

  await t.test('the operator sees the funnel and the gateways', async () => {
    const { page, errors } = await visitor({ token: 'demo-operator' });
    await page.goto('/operator');
    const campaign = await settled(it.api, 'e2e-before.v1.r1');
    const text = await page.locator('body').innerText();
    assert.ok(text.includes('登录之前发布的政策'));
    assert.ok(text.includes(String(channelOf(campaign, 'web').states.delivered)));
    await accessible(page, 'operator');
    await shoot(page, 'operator');
    await page.goto('/campaigns/e2e-before.v1.r1');
    await accessible(page, 'campaign');
    await shoot(page, 'campaign');
    assert.deepEqual(errors, []);
  });

  await t.test('a department publishes a document and follows its campaign', async () => {
    const { page, errors } = await visitor({ token: 'demo-department' });
    await page.goto('/department');
    await accessible(page, 'department');
    await shoot(page, 'department');
    assert.deepEqual(errors, []);
  });

  await t.test('the public pages of policies', async () => {
    const { page, errors } = await visitor();
    await page.goto('/policies/e2e-before');
    await accessible(page, 'policy');
    await shoot(page, 'policy');
    assert.deepEqual(errors, []);
  });
});
