#!/usr/bin/env python3
"""Reads state files, written from docs/state-format.md alone: prints what each says as JSON, one line a file.
Checks framing, fields, and the order that decides what a reader may believe. Standard library only."""
import json
import re
import struct
import sys

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Refused(Exception):
    """AXL_STATE_CORRUPT or AXL_STATE_VERSION."""


class Payload:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise Refused('AXL_STATE_CORRUPT')
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack('<' + form, self.take(struct.calcsize(form)))[0]

    def u8(self): return self.number('B')
    def u32(self): return self.number('I')
    def u64(self): return self.number('Q')
    def string(self): return self.take(self.u32()).decode('latin-1')
    def id16(self): return self.take(16).hex()
    def time(self): return [self.number('q'), self.u32()]
    def many(self, what): return [what() for _ in range(self.u32())]
    def pair(self): return [self.string(), self.string()]

    def identity(self):
        bits = self.u8()
        fields = {1: ('inode', self.u64), 2: ('ctime', self.time), 4: ('birth', self.time), 8: ('handle', self.string)}
        return {name: take() for bit, (name, take) in fields.items() if bits & bit}

    def metadata(self):
        return {**self.fields('mode:u32 uid:u32 gid:u32 atime:time mtime:time'), 'xattrs': self.many(self.pair)}

    def fields(self, form):  # "name:kind name:kind ..." in the order of the page
        return {name: getattr(self, kind)() for name, kind in (field.split(':') for field in form.split())}


def file_record(p):
    f = p.fields('id:u32 kind:u8 phase:u8 source:string dest:string size:u64 inode:u64 ctime:time '
                 'metadata:metadata stood:u8')
    f.update({'there': p.identity()} if f['stood'] == 2 else {})
    f.update(p.fields({2: 'target:string', 3: 'linked:u32'}.get(f['kind'], '')))
    return f


def dir_record(p):
    d = p.fields('id:u32 path:string described:u8')
    return {**d, **p.fields('metadata:metadata' if d['described'] == 2 else '')}


def fields(form): return lambda p: p.fields(form)


RECORDS = {
    1: ('TRANSFER', fields('name:string backend:string rank:u32 size:u32 host:string boot:string pid:u32 start:u64 '
                           'namespace:u64 durability:u8 owner:u8 mode:u8 times:u8 xattrs:u8 acls:u8 chunk:u32 '
                           'job:string local:u32 all:u8 dataset:id16 attempt:u64 home:string homeIs:identity '
                           'self:identity directory:identity inodes:u8 heartbeat:u32')),
    2: ('FILE', file_record), 3: ('DIR', dir_record),
    4: ('SEALED', fields('files:u32 dirs:u32 anchors:u32 bytes:u64 dispatched:time')),
    5: ('CHUNK', fields('file:u32 index:u32 crc:u32')),
    6: ('DONE', fields('file:u32 temporary:identity size:u64 crc:u32 uid:u32 gid:u32 mode:u32 lacking:u8')),
    7: ('FAILED', fields('file:u32 code:u8 errno:u32 call:string path:string second:string detail:string')),
    8: ('CANCELED', fields('')), 9: ('RESUMED', fields('')), 10: ('RENOUNCED', fields('dir:u32')),
    11: ('SETTLED', fields('')), 12: ('PUBLISHED', fields('file:u32')), 13: ('FINAL', fields('outcome:u8')),
    14: ('KEPT', fields('file:u32')), 15: ('CONFIRMED', fields('')),
    16: ('ANCHOR', fields('id:u32 path:string identity:identity')),
    17: ('SUBMITTED', lambda p: {**p.fields('mover:string token:string'), 'files': p.many(p.u32)}),
    18: ('STAGED', lambda p: {**p.fields('file:u32 step:u8'), 'pairs': p.many(p.pair)}),
    19: ('DIRECTION', fields('direction:u8')), 20: ('CONTENT', fields('file:u32 bytes:string')),
    21: ('EXPECT', fields('file:u32 crc:u32')), 22: ('REPLACES', fields('file:u32 identity:identity')),
    23: ('PHASE', fields('phase:u8')), 24: ('RETIRE', fields('id:u32 path:string is:identity size:u64 crc:u32')),
    25: ('RETIRED', fields('id:u32')), 26: ('ADOPTED', fields('self:identity directory:identity')),
    129: ('HEARTBEAT', fields('time:time')),
}


def record_at(data, at, uuid):
    """(type, sequence, payload) of a record with a right CRC, or None."""
    if len(data) - at < 13:
        return None
    length, kind, sequence = struct.unpack_from('<IBI', data, at)
    end = at + 9 + length
    if length > 1 << 20 or end + 4 > len(data):
        return None
    good = data[end:end + 4] == struct.pack('<I', crc32c(uuid + data[at:end]))
    return (kind, sequence, data[at + 9:end]) if good else None


def check_header(data):
    if data[:8] != b'\x89AXL\r\n\x1a\n' or len(data) < 64 or struct.unpack_from('<I', data, 60)[0] != crc32c(data[:60]):
        raise Refused('AXL_STATE_CORRUPT')
    version, size = struct.unpack_from('<II', data, 8)
    if (version, size) != (1, 64) or data[32:60] != struct.pack('<I', 1) + bytes(24):
        raise Refused('AXL_STATE_VERSION')


def read(data, out):
    check_header(data)
    uuid, at = data[16:32], 64
    out.update(validBytes=at, torn=False, list=[])
    while at < len(data):
        record = record_at(data, at, uuid)
        if record is None or record[1] != len(out['list']):
            break
        kind, _, bytes_ = record
        name, parse = RECORDS.get(kind, (None, None))
        if name is None and not kind & 0x80:
            raise Refused('AXL_STATE_VERSION')
        payload = Payload(bytes_)
        out['list'].append([name, parse(payload) if name else {}])
        if name and payload.at != len(bytes_):
            raise Refused('AXL_STATE_CORRUPT')
        at += 13 + len(bytes_)
        out['validBytes'] = at
    out['torn'] = at < len(data)
    names = [name for name, _ in out['list']]
    copying = 'SEALED' in names and 'SETTLED' not in names and 'FINAL' not in names
    for later in range(at, len(data) if out['torn'] else at):
        found = record_at(data, later, uuid)
        if found and found[1] >= len(names) and not (copying and (5 <= found[0] <= 8 or found[0] & 0x80)):
            raise Refused('AXL_STATE_CORRUPT')


for path in sys.argv[1:]:
    said = {'file': re.sub(r'.*/', '', path)}
    try:
        with open(path, 'rb') as file:
            read(file.read(), said)
    except Refused as refused:
        said['code'] = str(refused)
    print(json.dumps(said))
