// The same SMPP frames by node-smpp: node codec.mjs FOLDER, which bench_codec has filled. One JSON line a figure;
// `ratio`: how many PDUs Zhida writes and reads while the peer writes and reads one.
//   codec_vs_node_smpp           written and read
//   codec_encode_vs_node_smpp, codec_decode_vs_node_smpp    the one and the other
// Every frame must come out of the peer as it went in.
import { readFileSync } from 'node:fs';
import smpp from 'smpp';

const ours = JSON.parse(readFileSync(`${process.argv[2]}/codec.json`, 'utf8'));
const frames = ours.frames.map(({ frame }) => Buffer.from(frame, 'hex'));
const round = (x) => Number(x.toPrecision(4));

const decode = () => frames.map((frame) => smpp.PDU.fromBuffer(frame));
// It reads texts decoded, but its texts are encoded before the time starts, as ours are.
const pdus = decode().map((pdu, i) => Object.assign(pdu, 'short_message' in pdu
  && { short_message: Buffer.from(ours.frames[i].text, 'hex') }));
const encode = () => pdus.map((pdu) => pdu.toBuffer());

for (const written of [encode(), encode()]) {
  for (const [i, bytes] of written.entries()) {
    if (!bytes.equals(frames[i])) {
      throw new Error(`node-smpp wrote ${bytes.toString('hex')} for ${frames[i].toString('hex')}`);
    }
  }
}

function perSecond(step, milliseconds = 3000) {
  const run = (until) => {
    let count = 0;
    const began = process.cpuUsage();
    for (const end = performance.now() + until; performance.now() < end;) count += step().length;
    const { user, system } = process.cpuUsage(began);
    return count / ((user + system) / 1e6);
  };
  run(milliseconds / 3);
  return run(milliseconds);
}

function print(name, peer, zhida) {
  console.log(JSON.stringify({ name, value: Math.round(peer), unit: '1/s', ratio: round(zhida / peer) }));
}
print('codec_vs_node_smpp', perSecond(() => { encode(); return decode(); }), ours.pdus_per_s);
print('codec_encode_vs_node_smpp', perSecond(encode), ours.encode);
print('codec_decode_vs_node_smpp', perSecond(decode), ours.decode);
