// An SMSC by node-smpp, an SMPP implementation that is not ours: takes logins and submit_sms, sends a receipt for each
// and what people write back. Who uses it decides how receipts look, so that a client meets more than our simulator.
import smpp from 'smpp';

const { ESME_ROK, ESME_RINVPASWD, ESME_RINVSYSID, ESME_RTHROTTLED } = smpp;
const receiptClass = 0x04;
const ucs2 = 0x08;
const states = { DELIVRD: 2, EXPIRED: 3, DELETED: 4, UNDELIV: 5, ACCEPTD: 6, UNKNOWN: 7, REJECTD: 8 };

// Gives { port, taken, unconfirmed, throttle, write, logins, enquire, close }.
//   receipts   'text' (appendix B's text alone) | 'tlv' (receipted_message_id and message_state alone) | 'both' | 'none'
//   ids        how the receipt writes the message_id, which is hexadecimal: id => text
//   taken      [{ id, phone, from, text, parts }]: a text of several parts is one, when the last has come
//   unconfirmed()  deliver_sms that have no answer yet
//   throttle(n)    the next n submit_sms are answered ESME_RTHROTTLED
//   stat       phone => 'DELIVRD' | 'UNDELIV' ...: what its receipt says
//   write(phone, text)  sends an MO to every login that receives
//   enquire()      asks every login with enquire_link; resolves when all have answered
export async function startPeer({
  systemId = '900001', password = 'secret', receipts = 'both', ids = id => id, stat = () => 'DELIVRD', delay = 20,
} = {}) {
  const taken = [];
  const logins = new Set();
  const open = new Map(); // parts of texts that are not whole
  let last = 0xa0000000 + (Date.now() % 0x10000000);
  let throttled = 0;
  let waiting = 0;

  const deliver = (session, fields) => {
    waiting += 1;
    session.deliver_sm(fields, () => { waiting -= 1; });
  };
  const receipt = (session, pdu, id) => {
    const state = stat(pdu.destination_addr);
    const said = ids(id);
    const date = new Date().toISOString().replace(/[-T:]/g, '').slice(2, 12);
    deliver(session, {
      source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: receiptClass, data_coding: 0,
      short_message: receipts === 'tlv' ? '' : `id:${said} sub:001 dlvrd:${state === 'DELIVRD' ? '001' : '000'} `
        + `submit date:${date} done date:${date} stat:${state} err:000 text:`,
      ...(receipts === 'text' ? {} : { receipted_message_id: said, message_state: states[state] ?? states.UNKNOWN }),
    });
  };
  // node-smpp has read the header (05 00 03 ref total number) and the text already.
  const keep = (pdu, id) => {
    const { message, udh } = pdu.message_payload ?? pdu.short_message;
    const header = udh?.find(element => element[0] === 0);
    const record = { id, phone: pdu.destination_addr, from: pdu.source_addr, text: message, parts: 1 };
    if (!header) return taken.push(record);
    const [, , ref, total, number] = header;
    const key = `${record.phone} ${ref}`;
    const parts = open.get(key) ?? new Map();
    open.set(key, parts.set(number, message));
    if (parts.size < total) return taken.length;
    open.delete(key);
    const text = Array.from({ length: total }, (_, i) => parts.get(i + 1)).join('');
    return taken.push({ ...record, text, parts: total });
  };

  const server = smpp.createServer(session => {
    const login = pdu => {
      let status = ESME_ROK;
      if (pdu.system_id !== systemId) status = ESME_RINVSYSID;
      else if (pdu.password !== password) status = ESME_RINVPASWD;
      session.send(pdu.response({ command_status: status, system_id: 'node-smpp' }));
      if (status !== ESME_ROK) return session.close();
      session.receives = pdu.command !== 'bind_transmitter';
      return logins.add(session);
    };
    for (const how of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) session.on(how, login);
    session.on('enquire_link', pdu => session.send(pdu.response()));
    session.on('unbind', pdu => {
      session.send(pdu.response());
      session.close();
    });
    session.on('submit_sm', pdu => {
      if (throttled > 0) {
        throttled -= 1;
        return session.send(pdu.response({ command_status: ESME_RTHROTTLED }));
      }
      last += 1;
      const id = last.toString(16);
      keep(pdu, id);
      session.send(pdu.response({ message_id: id }));
      if (receipts === 'none' || (pdu.registered_delivery & 1) === 0) return undefined;
      return setTimeout(() => {
        const to = session.receives && logins.has(session) ? session : [...logins].find(other => other.receives);
        if (to) receipt(to, pdu, id);
      }, delay);
    });
    session.on('close', () => logins.delete(session));
    session.on('error', () => session.destroy());
  });
  await new Promise(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return {
    port: server.address().port,
    taken,
    unconfirmed: () => waiting,
    throttle: n => { throttled = n; },
    write: (phone, text, to = '10690000') => {
      for (const session of logins) {
        if (session.receives) {
          deliver(session, { source_addr: phone, destination_addr: to, data_coding: ucs2, short_message: text });
        }
      }
    },
    logins: () => logins.size,
    enquire: () => Promise.all([...logins].map(session => new Promise(resolve => { session.enquire_link(resolve); }))),
    close: () => {
      for (const session of logins) session.destroy();
      server.close();
    },
  };
}
