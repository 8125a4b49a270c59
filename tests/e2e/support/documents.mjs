// Policy documents for the tests, small but whole.

const base = {
  schema: 'zhida.policy/1', version: 1, issuer: '上海市宝山区端到端测试局', level: '区', region: '310113',
  disclosure: '主动公开', published: '2026-01-15',
};

const item = {
  id: '1', mode: '申请享受', benefit: '一次性补贴 1 万元', materials: ['申请表'],
  link: 'https://example.org/apply', contact: '12345',
};

const prop = property => ({ property });
const like = (property, pattern) => ({ op: 'like', args: [prop(property), pattern] });
const atMost = (property, value) => ({ op: '<=', args: [prop(property), value] });
const all = (...args) => ({ op: 'and', args });

// Enterprises of Baoshan with at most 300 persons.
export const forSmallEnterprises = (id, title) => ({
  ...base, id, title,
  items: [{
    ...item, title: `${title}：补贴`, subject: 'enterprise',
    eligibility: all(like('ent.reg_division', '310113%'), atMost('ent.headcount', 300)),
    labels: { '/args/1': { text: '从业人员不超过300人', clause: '第三条' } },
  }],
});

// Residents of Baoshan born before 1962, with a condition that only a person can decide.
export const forElderly = (id, title) => ({
  ...base, id, title,
  items: [{
    ...item, title: `${title}：津贴`, subject: 'resident',
    eligibility: all(
      like('person.residence_division', '310113%'),
      { op: '<', args: [prop('person.birth_date'), { date: '1962-01-01' }] },
      { op: 'manual', args: ['经居委会核实长期独居'] },
    ),
  }],
});

// Everybody in Baoshan, of both kinds, who is at home there.
export const forEverybody = (id, title, more = {}) => ({
  ...base, id, title, ...more,
  items: [
    { ...item, id: '1', title: `${title}：企业`, subject: 'enterprise', eligibility: like('ent.reg_division', '310113%') },
    { ...item, id: '2', title: `${title}：居民`, subject: 'resident', eligibility: like('person.residence_division', '310113%') },
  ],
});

// Something of each for a check-up: checked by hand, data missing, one short, and another region's.
export const forCheckup = (id, title) => ({
  ...base, id, title,
  items: [
    { ...item, id: '1', title: '须核对的补贴', subject: 'enterprise', window: { end: '2099-12-31' },
      eligibility: all(like('ent.reg_division', '310113%'), { op: 'manual', args: ['经认定具有示范作用'] }) },
    { ...item, id: '2', title: '缺资料的补贴', subject: 'enterprise',
      eligibility: all(like('ent.reg_division', '310113%'), like('ent.tax_division', '310113%'), atMost('ent.headcount', 300)) },
    { ...item, id: '3', title: '微型企业补贴', subject: 'enterprise',
      eligibility: all(like('ent.reg_division', '310113%'), atMost('ent.headcount', 10)),
      labels: { '/args/1': { text: '从业人员不超过10人', clause: '第五条' } } },
    { ...item, id: '4', title: '外区补贴', subject: 'enterprise',
      eligibility: all(like('ent.reg_division', '310112%'), atMost('ent.headcount', 300)) },
  ],
});
