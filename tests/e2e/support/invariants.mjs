// What holds after every fault, as far as it can be seen from outside: I1 to I10 of the promises that Zhida makes.
// Each check throws an error that begins with the name of what it found broken.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { channelOf, ledgerStates, statesOf } from './campaigns.mjs';

const tag = shard => `{s${String(shard).padStart(2, '0')}}`;
const terminal = {
  web: ['delivered', 'suppressed', 'cancelled', 'expired'],
  sms: ['delivered', 'failed', 'suppressed', 'cancelled', 'expired', 'unknown'],
  wechat: ['submitted', 'delivered', 'failed', 'suppressed', 'cancelled', 'expired'], // submitted: settled()
};

const tally = values => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};
const moreThan = (counts, n) => [...counts].filter(([, times]) => times > n).slice(0, 5);

// The frozen audiences that are there: "<shard> <campaign>" -> digest of who is meant and for what.
export async function audiences(redis, campaigns, shards) {
  const found = new Map();
  await Promise.all(campaigns.flatMap(campaign => Array.from({ length: shards }, async (_, shard) => {
    const members = await redis.call('GET', `${tag(shard)}:c:${campaign}:audience`);
    const hash = createHash('sha256').update(members ?? '').digest('hex');
    if (members) found.set(`${shard} ${campaign}`, `${members.length / 4} ${hash}`);
  })));
  return found;
}

// I3 web is the ledger's own: a subject's inbox has each campaign once.
export function nothingTwice(messages, policies) {
  const parts = messages.filter(m => m.channel === 'sms');
  const wechat = messages.filter(m => m.channel === 'wechat');
  const same = [
    ...moreThan(tally(parts.filter(m => m.part === 1 || m.parts <= 1).map(m => `sms ${m.to} ${m.text}`)), 1),
    ...moreThan(tally(wechat.map(m => `wechat ${m.to} ${JSON.stringify(m.data)}`)), 1),
    ...moreThan(tally(parts.map(m => `sms ${m.to} part ${m.part ?? 1}`)), policies),
    ...moreThan(tally(wechat.map(m => `wechat ${m.to}`)), policies),
  ];
  assert.deepEqual(same, [], 'I3: the same message twice');
}

// optOuts: [{ phone, openid, at }], at being when the answer was there, ms.
export function optOutsAreKept(messages, optOuts, grace = 1000) {
  const at = new Map(optOuts.flatMap(o => [[o.phone, o.at], [o.openid, o.at]].filter(([to]) => to)));
  const late = messages.filter(m => at.has(m.to) && m.time_ms > at.get(m.to) + grace)
    .map(m => `${m.channel} ${m.to}: ${m.time_ms - at.get(m.to)} ms after`);
  assert.deepEqual(late.slice(0, 5), [], `I4: ${late.length} sent to after they had opted out`);
}

// Minutes of the day in Shanghai; from 21 * 60 until 8 * 60 is the night.
export function nightIsQuiet(messages, { from, until }) {
  const minute = ms => Math.floor((ms / 60000 + 8 * 60) % 1440);
  const quiet = m => from <= until ? from <= m && m < until : from <= m || m < until;
  const loud = messages.filter(m => quiet(minute(m.time_ms))).map(m => new Date(m.time_ms).toISOString());
  assert.deepEqual(loud.slice(0, 5), [], `I5: ${loud.length} sent in quiet hours`);
}

export function capsAreKept(messages, { sms = Infinity, wechat = Infinity }) {
  const first = messages.filter(m => m.channel === 'wechat' || (m.part ?? 1) === 1);
  const over = moreThan(tally(first.filter(m => m.channel === 'sms').map(m => m.to)), sms)
    .concat(moreThan(tally(first.filter(m => m.channel === 'wechat').map(m => m.to)), wechat));
  assert.deepEqual(over, [], 'I6: more messages than the cap allows');
}

// All of them. it: an Installation that has settled; expected: how many each campaign is for.
//   campaigns: [{ id, audience }]; people: subjects with contacts as they were fed; frozen: audiences() before
//   the end; optOuts, grace, caps, quiet: as above, where there are any.
export async function checkInvariants(it, redis, {
  campaigns, people, shards = 8, frozen = new Map(), optOuts = [], grace = 1000, caps = {}, quiet, inboxes = 4,
}) {
  const mine = new Set(people.flatMap(p => p.contacts ?? []).flatMap(c => [c.phone, c.openid]));
  const messages = it.messages().filter(m => mine.has(m.to));
  const told = new Map();
  for (const { id, audience } of campaigns) {
    const campaign = await it.api.json(`/api/v1/campaigns/${id}`);
    told.set(id, campaign);
    assert.equal(campaign.audience, audience, `I2: ${id} is for so many`);
    assert.equal(campaign.identity_holds, true, `I1: ${id} ${JSON.stringify(campaign.channels.map(statesOf))}`);
    for (const channel of campaign.channels) {
      const states = statesOf(channel);
      // A WeChat message in doubt is sent again, unless its recipient has opted out since.
      const doubt = channel.channel === 'wechat' && (states.unknown ?? 0) <= optOuts.length ? ['unknown'] : [];
      const open = Object.keys(states).filter(state => ![...terminal[channel.channel], ...doubt].includes(state));
      assert.deepEqual(open, [], `I2: ${id} ${channel.channel} has not come to its end: ${JSON.stringify(states)}`);
      const all = Object.values(states).reduce((a, b) => a + b, 0);
      assert.equal(all, audience, `I2: ${id} ${channel.channel} ${JSON.stringify(states)}`);
    }
  }
  nothingTwice(messages, campaigns.length);
  optOutsAreKept(messages, optOuts, grace);
  capsAreKept(messages, caps);
  if (quiet) nightIsQuiet(messages, quiet);

  const verified = it.command(['ledger', 'verify', '--json'], { check: false });
  assert.equal(verified.status, 0, `I1: zhida ledger verify: ${verified.stdout.slice(-2000)}${verified.stderr}`);
  const rows = JSON.parse(verified.stdout).campaigns;
  for (const { id } of campaigns) {
    const row = rows.find(c => c.id === id);
    const again = await it.api.json(`/api/v1/campaigns/${id}`);
    const page = (await it.api.get(`/campaigns/${id}`, 'demo-operator')).text;
    for (const channel of told.get(id).channels) {
      const states = statesOf(channel);
      assert.deepEqual(ledgerStates(row, channel.channel), states, `I10: ${id} ${channel.channel}, ledger and API`);
      assert.deepEqual(statesOf(channelOf(again, channel.channel)), states,
        `I7: ${id} ${channel.channel} moved after its end`);
      for (const n of Object.values(states)) {
        assert.ok(page.replaceAll(',', '').includes(String(n)), `I10: the page of ${id} shows ${n}`);
      }
    }
  }

  // Whoever has it delivered or submitted got it; whoever did not get it is in doubt or was passed over.
  for (const [via, contact] of [['sms', 'phone'], ['wechat', 'openid']]) {
    const got = new Set(messages.filter(m => m.channel === via).map(m => m.to));
    const reached = campaigns.map(({ id }) => statesOf(channelOf(told.get(id), via)))
      .map(s => (s.delivered ?? 0) + (s.submitted ?? 0));
    assert.ok(got.size >= Math.max(...reached), `I2: ${via}: ${reached} reached, ${got.size} got something`);
  }

  for (let i = 0; i < inboxes; ++i) {
    const { id } = people[Math.floor(i * people.length / inboxes)];
    const { items } = await it.api.json(`/api/v1/subjects/${id}/packages`, `demo-subject:${id}`);
    assert.deepEqual(items.map(p => p.campaign).sort(), campaigns.map(c => c.id).sort(), `I3: inbox of ${id}`);
  }

  const now = await audiences(redis, campaigns.map(c => c.id), shards);
  for (const [where, digest] of frozen) assert.equal(now.get(where), digest, `I9: the audience ${where}`);
  const letters = await it.api.json('/api/v1/dead-letters');
  assert.deepEqual(letters.items ?? letters, [], 'I2: something could not be read');
  return { messages, told };
}
