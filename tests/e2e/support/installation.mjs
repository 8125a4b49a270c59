// One Zhida for one test: its own Redis, its own event log (Redis Streams or Kafka), the simulated gateways in a
// process of their own, and the program itself, all on free ports with their data in one temporary folder.
import { mkdtempSync, rmSync, readFileSync, existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { start, run } from './processes.mjs';
import { startRedis, startKafka, root } from './servers.mjs';
import { kafkaPublisher, redisPublisher } from './publish.mjs';
import { portal } from './api.mjs';

export const program = process.env.ZHIDA ?? path.join(root, 'build/release/zhida');
// The one with named steps to die at (common/base/failpoint.hpp).
export const programWithFailpoints = process.env.ZHIDA_TEST_FAILPOINTS ?? path.join(root, 'build/asan/zhida');
export const drivers = (process.env.ZHIDA_TEST_DRIVERS ?? 'redis kafka').split(' ');

// Both sides of the gateways must agree on these.
const accounts = [
  'sms.source_addr=900001', 'sms.secret=e2e-secret',
  'wechat.appid=wxe2e', 'wechat.secret=e2e-secret', 'wechat.template_id=e2e-template',
].flatMap(setting => ['--set', setting]);

export class Installation {
  // extra: further settings of `zhida run`, "section.key=value"; accounts: of the simulator too; binary: which
  // program is tested; run: whether it is started at once.
  static async start(driver, { extra = [], accounts: more = [], binary = program, run = true } = {}) {
    const made = new Installation();
    made.driver = driver;
    made.extra = [...more, ...extra];
    made.accounts = more.flatMap(setting => ['--set', setting]);
    made.binary = binary;
    made.dir = mkdtempSync(path.join(os.tmpdir(), `zhida-e2e-${driver}-`));
    try {
      made.redis = startRedis(path.join(made.dir, 'redis'));
      if (driver === 'kafka') made.kafka = startKafka(path.join(made.dir, 'kafka'));
      made.publish = driver === 'kafka' ? kafkaPublisher(made.kafka.brokers) : redisPublisher(made.redis.port);
      await made.startSimulator();
      if (run) await made.startProgram();
    } catch (error) {
      await made.close();
      throw error;
    }
    return made;
  }

  async startSimulator() {
    this.record = path.join(this.dir, 'messages.jsonl');
    this.simulator = await start(this.binary, ['simulate', ...accounts, ...this.accounts,
      '--set', 'simulator.cmpp_port=0', '--set', 'simulator.wechat_port=0',
      '--set', `simulator.record_file=${this.record}`,
    ], { ready: /^ready cmpp=(\S+):(\d+) wechat=(\S+) smpp=\S+:(\d+)/, log: path.join(this.dir, 'simulate.log') });
    const [, host, port, wechat, smpp] = this.simulator.match;
    Object.assign(this, { smsHost: host, smsPort: port, smppPort: smpp, wechatUrl: wechat });
    this.gateways = portal(wechat);
  }

  get settings() {
    return [...accounts, ...[
      `node.data_dir=${path.join(this.dir, this.data ?? 'data')}`, 'node.shards=8',
      `redis.url=${this.redis.url}`, `event_log.driver=${this.driver}`,
      ...(this.kafka ? [`kafka.brokers=${this.kafka.brokers}`] : []),
      'portal.port=0', 'portal.demo_sign_in=true',
      'campaign.approval=false', // but where a test asks for it
      'dispatch.quiet_until=21:00', // the same as quiet_from: tests run at night too
      `sms.host=${this.smsHost}`, `sms.port=${this.smsPort}`,
      `wechat.base_url=${this.wechatUrl}`, ...this.extra,
    ].flatMap(setting => ['--set', setting])];
  }

  // env: further variables, or what makes them of the installation's folder.
  async startProgram({ env = {}, roles } = {}) {
    if (typeof env === 'function') env = env(this.dir);
    this.zhida = await start(this.binary, ['run', ...(roles ? ['--roles', roles] : []), ...this.settings],
      { ready: /^ready (http:\S+)/, log: path.join(this.dir, this.log ?? 'zhida.log'), within: 90_000, env });
    this.api = portal(this.zhida.match[1]);
  }

  // A command of the program with this installation's settings.
  command(words, options) {
    return run(this.binary, [...words, ...this.settings], options);
  }

  // What the simulated gateways took: [{ channel, to, text | data, ... }], SMS parts as they came.
  messages() {
    if (!existsSync(this.record)) return [];
    return readFileSync(this.record, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
  }

  async close() {
    await this.zhida?.kill();
    await this.simulator?.kill();
    this.kafka?.stop();
    this.redis?.stop();
    if (process.env.ZHIDA_TEST_KEEP || this.keep) console.log(`kept: ${this.dir}`);
    else rmSync(this.dir, { recursive: true, force: true });
  }
}
