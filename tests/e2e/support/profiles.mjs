// Many profiles at once into the event log, by the client of a foreign register: keyed by subject, on the partition
// of Kafka's own default partitioner (murmur2).
import { randomUUID } from 'node:crypto';
import { run } from './processes.mjs';

export function murmur2(text) {
  const key = Buffer.from(text), m = 0x5bd1e995;
  let h = (0x9747b28c ^ key.length) >>> 0, i = 0;
  for (; i + 4 <= key.length; i += 4) {
    let k = Math.imul(key.readUInt32LE(i), m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const left = key.length - i;
  if (left === 3) h ^= key[i + 2] << 16;
  if (left >= 2) h ^= key[i + 1] << 8;
  if (left >= 1) h = Math.imul(h ^ key[i], m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return (h ^ h >>> 15) >>> 0;
}

export const shardOf = (subject, shards) => (murmur2(subject) & 0x7fffffff) % shards;

const event = row => JSON.stringify({
  specversion: '1.0', id: randomUUID(), source: '/e2e/register', subject: row.id,
  type: 'cn.zhida.profile.upserted.v1', time: new Date().toISOString(), datacontenttype: 'application/json', data: row,
});
const structured = 'application/cloudevents+json';

export function feedKafka(brokers, rows) {
  run('kcat', ['-P', '-b', brokers, '-t', 'zhida.profile', '-K', '\t', '-X', 'partitioner=murmur2_random',
    '-X', 'acks=all', '-H', `content-type=${structured}`],
  { input: rows.map(row => `${row.id}\t${event(row)}`).join('\n') });
}

// Key layout: common/io/redis_log_schema.hpp.
export const feedRedis = (redis, rows, shards) => Promise.all(rows.map(row =>
  redis.call('XADD', `log:{zhida.profile/${shardOf(row.id, shards)}}`, '0-*', 't', Date.now(), 'k', row.id,
    'v', event(row), 'hcontent-type', structured)));
