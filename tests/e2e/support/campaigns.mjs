// Reading a campaign's funnel.
import { until } from './wait.mjs';

export const channelOf = (campaign, name) => {
  const found = campaign.channels.find(c => c.channel === name);
  if (!found) throw new Error(`${campaign.id} has no channel ${name}`);
  return found;
};

// Only the states that are not zero.
export const statesOf = channel => Object.fromEntries(Object.entries(channel.states).filter(([, count]) => count > 0));

// The same of one campaign in the answer of `zhida ledger verify --json`.
export const ledgerStates = (campaign, name) => Object.fromEntries(
  Object.entries(campaign.channels[name]).filter(([state, count]) => state !== 'matched' && count > 0));

// Waits until nothing of the campaign is under way; `leave` names further states that may remain. WeChat ends at
// `submitted`: its report of the outcome (TEMPLATESENDJOBFINISH) is not asked for yet.
export const settled = (api, id, { leave = [], within = 60_000, every = 200 } = {}) => until(`${id} to be settled`, async () => {
  const campaign = await api.json(`/api/v1/campaigns/${id}`);
  const open = campaign.channels.filter(channel => {
    const states = ['queued', 'held', 'submitting', 'unknown', ...(channel.channel === 'wechat' ? [] : ['submitted'])];
    return states.some(state => !leave.includes(state) && channel.states[state] > 0);
  });
  if (campaign.audience > 0 && open.length === 0) return campaign;
  throw new Error(`audience ${campaign.audience}; ${open.map(c => `${c.channel} ${JSON.stringify(statesOf(c))}`).join(', ')}`);
}, { within, every });
