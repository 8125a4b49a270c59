// Hand-made subjects. Check characters are computed here after the standards' text (GB 32100-2015, GB 11714-1997),
// not by the program that is tested.

const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'; // of GB 32100: without I, O, S, V, Z

function organisationCheck(first8) {
  const weights = [3, 7, 9, 10, 5, 8, 4, 2];
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const sum = [...first8].reduce((total, c, i) => total + letters.indexOf(c) * weights[i], 0);
  const check = 11 - (sum % 11);
  return check === 10 ? 'X' : check === 11 ? '0' : String(check);
}

// A valid 统一社会信用代码 of an enterprise registered in Baoshan (310113), the n-th of its kind.
export function creditCode(n, division = '310113') {
  const organisation = 'MA1T' + String(n).padStart(4, '0');
  const first17 = '91' + division + organisation + organisationCheck(organisation);
  const sum = [...first17].reduce((total, c, i) => total + alphabet.indexOf(c) * (3 ** i % 31), 0);
  return first17 + alphabet[(31 - (sum % 31)) % 31];
}

export const residentId = n => `R310113-${String(n).padStart(8, '0')}`;
// 199 is a mobile prefix in use; the numbers are invented.
export const phone = n => '199' + String(n).padStart(8, '0');
export const openId = n => 'oTEST' + String(n).padStart(23, '0');

export const jsonLines = rows => rows.map(row => JSON.stringify(row)).join('\n') + '\n';

const profile = (id, type, name, attributes, contact) => ({
  schema: 'zhida.profile/1', id, type, name, origin: '端到端测试', as_of: '2026-01-01', attributes,
  contacts: contact ? [contact] : [],
});

// contact: { phone, openid }, either may be missing.
export const enterprise = (n, { division = '310113003', headcount, contact } = {}) => profile(
  creditCode(n), 'enterprise', `合成企业${n}`,
  { 'ent.reg_division': division, ...(headcount === undefined ? {} : { 'ent.headcount': headcount }) },
  contact && { role: '法人', ...contact });

export const resident = (n, { division = '310113003', born = '1980-06-01', contact } = {}) => profile(
  residentId(n), 'resident', `合成居民${n}`,
  { 'person.residence_division': division, ...(born ? { 'person.birth_date': born } : {}) },
  contact && { role: '本人', ...contact });
