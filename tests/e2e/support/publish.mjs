// Publishing by an independent client: kcat for Kafka (binary-mode CloudEvents in its headers), redis-cli for the
// Redis Streams driver. Nothing of the program under test takes part.
import { randomUUID } from 'node:crypto';
import { run } from './processes.mjs';

export const policyPublished = 'cn.zhida.policy.published.v1';

function cloudEventHeaders({ id = randomUUID(), type, subject, source = '/e2e/oa' }) {
  return {
    ce_specversion: '1.0', ce_id: id, ce_source: source, ce_type: type, ce_subject: subject,
    ce_time: new Date().toISOString(), 'content-type': 'application/json',
  };
}

export function kafkaPublisher(brokers) {
  return ({ topic, key, type, value, headers = cloudEventHeaders({ type, subject: key }) }) => {
    const words = Object.entries(headers).flatMap(([name, text]) => ['-H', `${name}=${text}`]);
    // -D with a delimiter that JSON cannot hold: one message whatever the value has in it.
    run('kcat', ['-P', '-b', brokers, '-t', topic, '-k', key, '-D', '\x01', '-X', 'acks=all', ...words], { input: value });
  };
}

// Key layout: common/io/redis_log_schema.hpp. Only for topics of one partition: the others are sharded by subject.
export function redisPublisher(port) {
  return ({ topic, key, type, value, headers = cloudEventHeaders({ type, subject: key }) }) => {
    const fields = ['t', String(Date.now()), 'k', key, 'v', value];
    for (const [name, text] of Object.entries(headers)) fields.push(`h${name}`, text);
    const { stdout } = run('redis-cli', ['-p', String(port), '-e', 'XADD', `log:{${topic}/0}`, '0-*', ...fields]);
    if (!/^0-\d+$/.test(stdout.trim())) throw new Error(`XADD answered ${stdout}`);
  };
}
