#!/usr/bin/env python3
"""A CMPP client of its own, written from the specification's field tables and nothing else.

cmpp_peer.py PORT SP_ID SECRET VERSION PHONE TEXT
Logs in, submits one message, waits for its status report, confirms it, logs out.
"""
import hashlib
import socket
import struct
import sys
import time

port, sp_id, secret, version, phone, text = sys.argv[1:7]
v3 = version == '3.0'
link = socket.create_connection(('127.0.0.1', int(port)), timeout=10)


def send(command, sequence, body=b''):
    link.sendall(struct.pack('>III', 12 + len(body), command, sequence) + body)


def exactly(count):
    data = b''
    while len(data) < count:
        more = link.recv(count - len(data))
        if not more:
            sys.exit('connection closed')
        data += more
    return data


def receive(wanted):
    """The first PDU of that command; keepalives in between are answered."""
    while True:
        length, command, sequence = struct.unpack('>III', exactly(12))
        body = exactly(length - 12)
        if command == 8:
            send(0x80000008, sequence, b'\0')
        elif command == wanted:
            return sequence, body
        else:
            sys.exit(f'unexpected command {command:#x}')


def text_of(field):
    return field.split(b'\0')[0].decode('ascii')


# 8.4.1.1 CMPP_CONNECT: Source_Addr 6, AuthenticatorSource 16, Version 1, Timestamp 4
stamp = time.strftime('%m%d%H%M%S', time.gmtime(time.time() + 8 * 3600))
proof = hashlib.md5(sp_id.encode() + bytes(9) + secret.encode() + stamp.encode()).digest()
send(1, 1, struct.pack('>6s16sBI', sp_id.encode(), proof, 0x30 if v3 else 0x20, int(stamp)))
_, body = receive(0x80000001)
status, ismg, _ = struct.unpack('>I16sB' if v3 else '>B16sB', body)
if status:
    sys.exit(f'login refused: {status}')
shown = struct.pack('>I', status) if v3 else bytes([status])
if ismg != hashlib.md5(shown + proof + secret.encode()).digest():
    sys.exit('AuthenticatorISMG is wrong')

# 8.4.3.1 CMPP_SUBMIT
content = text.encode('utf-16-be')
number = 32 if v3 else 21
submit = struct.pack('>8sBBBB10sB', bytes(8), 1, 1, 1, 0, b'PEER', 2)
submit += struct.pack(f'>{number}s', b'') + (b'\0' if v3 else b'')  # Fee_terminal_Id, Fee_terminal_type
submit += struct.pack('>BBB6s2s6s17s17s21sB', 0, 0, 8, sp_id.encode(), b'01', b'000000', b'', b'', b'10690000', 1)
submit += struct.pack(f'>{number}s', phone.encode()) + (b'\0' if v3 else b'')  # Dest_terminal_Id, its type
submit += bytes([len(content)]) + content + bytes(20 if v3 else 8)  # LinkID | Reserve
send(4, 2, submit)
_, body = receive(0x80000004)
msg_id, result = struct.unpack('>8sI' if v3 else '>8sB', body)
if result:
    sys.exit(f'submit refused: {result}')
print('submitted', msg_id.hex())

# 8.4.5.1 CMPP_DELIVER with a status report
sequence, body = receive(5)
registered_at = 8 + 21 + 10 + 3 + number + (1 if v3 else 0)
if body[registered_at] != 1:
    sys.exit('not a status report')
report = body[registered_at + 2:registered_at + 2 + body[registered_at + 1]]
about, stat, _, _, to, _ = struct.unpack(f'>8s7s10s10s{number}sI', report)
print('report', about.hex(), text_of(stat), text_of(to))
send(0x80000005, sequence, body[:8] + (bytes(4) if v3 else b'\0'))
send(2, 3)
receive(0x80000002)
