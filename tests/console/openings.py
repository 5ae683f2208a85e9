"""Openings of rosters that the service and the console's page read: well and badly written, and damaged."""

from __future__ import annotations

import random
from collections.abc import Iterator

MARK = b"\xef\xbb\xbf"
WRITTEN = (
    b"C-1\nC-2\n\nC-3\n",
    b"C-1\r\nC-2\r\n",
    b"C-1\rC-2\rC-3\r",
    MARK + b"C-1\n" + MARK + b"C-2\n",
    b" C-1 \n\tC-2\n",
    b"null\n1\nx\nC-9\nuser_id\nnone\n" + b"y" * 600 + b"\n" + b"z" * 5000 + b"\nC-2",
    "Zo\u00eb\n\U0001f600\U0001f600\n\u2028x\n\ufeffa\ufeffb\n\u0085ab\x85\n".encode(),
    b"C-1\n\xff\xfe\nC-2\n",
    b"\xff\n\xfe\n",
    b"C-1\nC\x00-2\nC\x1f3\n",
    b"customer_id\nC-1\nC-2\ncustomer_id\n",
    b"Customer ID\n C-1\n",
    b"id;name\nC-1;Ann\nC-2;Bob;\nC-3\nC-4;a;b\n",
    b'customer_id,name\n"C-1","Ann, Bob"\n"C-2","a ""b"" c"\n"C-3,x\nC-4,y\n',
    b'customer_id,note\nC-1,"two\nlines"\nC-2,"a"b\nC-3,x\n',
    b'customer_id,note\nC-1,x"y\nC"2,x\n\\N,x\n(3 rows)\n',
    b"customer_id | name\nC-1 | Ann\n C-2 | Bob\n",
    b"identifier,identifier_type\nC-1,customer_id\n62e7a1b2c3d4e5f601234567,id\nx,mail\nC-2,moengage_id\nC-3\n",
    b"customer_id,user_id\nC-1,C-2\n",
    b"identifier,id\nC-1,C-2\n",
    b"name,,customer_id,,\nAnn,,C-1,,\nBob,,C-2,,x\n",
    b"sep=;\ncustomer_id;name\nC-1;Ann\n",
    b"sep=;\n",
    b"sep=;\nname;mail\nAnn;a@b\n",
    b"Report of May\n\ncustomer_id,name\nC-1,Ann\n",
    b"customer_id,name\nC-1,Ann\ncustomer_id,name\nC-2,Bob\nemail,customer_id\na@b,C-3\n",
    b"customer_id,name\n,,\n , \nC-1,\n",
    b"customer_id,name\n",
    b"name,mail\nAnn,a@b\n",
    b"customer_id  name\nC-1  Ann\n",
    b"\n \n\r\n",
    b"",
    (b'{"customer_id": "C-1"}\n'
    b'{"customer_id": 7}\n'
    b'{"id": "62e7a1b2c3d4e5f601234567"}\n'
    b'{"name": "x"}\n'
    b'{"customer_id": "a", "customer_id": "b"}\n'),
    (b'{"identifier": "C-1", "identifier_type": "id"}\n'
    b'{"identifier": "C-1", "identifier_type": 5}\n'
    b'{"uid": "a", "customer_id": "b"}\n'
    b'not json\n'
    b'"C-2"\n'
    b'{"customer_id": {"a": [1.50, true, null]}}\n'),
    b'"C-1"\n"C-2"\n7\n',
    b'"customer_id,name"\n"C-1,Ann"\n',
    b'["C-1", "C-2", {"customer_id": "C-3"}, 4, null, [1], {"x": 1}, {"id": "a", "id": "b"}, ""]',
    b'[\n  "C-1",\n  "C-2"\n]\n',
    b'{"users": [{"customer_id": "C-1"}, {"customer_id": "C-2"}], "total": 2}',
    b'{"users": ["C-1"], "others": ["C-2"]}',
    b'{"identifier_type": "id", "users": ["C-1"]}',
    b'{"a": 1}',
    b'{\n"customer_id": "C-1"\n}\n{\n"customer_id": "C-2"\n}',
    b'["C-1", "C-2"',
    b'["C-1"] x',
    b'["C-1","Ann"]\n["C-2","Bob"]\n',
    b"[true]",
    b"{}",
    b"[]",
    b'{"invalid": {"text": "t", "reason": "r", "identifier_type": "x"}}\nC-1\n',
    b"{5e7d-1}\n{5e7d-2}\n",
    b"<html><body>",
    b"%PDF-1.7 x",
    b"PK\x03\x04....xl/workbook",
    b"BZh\nC-2\n",
    b"BZh91AY&SY\x01\x02",
    b"PAR1\x15\x04",
    b"\xff\xfeC\x00-\x001\x00",
    b"C\x00-\x001\x00\n\x00C\x00-\x002\x00\n\x00",
    b"\x1f\x8bxx",
    b"0" * 257 + b"ustar",
    b"Content-Disposition: form-data; name=x\r\n\r\nC-1\n",
    b"--boundary\nC-1\n",
    b"+----+\n| id |\n",
    b" id | name\n----+-----\n 1 | x\n",
    b"|| id || name ||\n",
    b"- C-1\n- C-2\n",
    b"1. C-1\n",
    b"id=C-1\n",
    b"id: C-1\n",
    b"a%0Ab\n",
    b"SELECT a FROM b \n",
    b"INSERT INTO users VALUES\n",
    b"HTTP/1.1 200 OK\n",
    b"C-1, C-2\n",
    b"C-1   Ann\n",
    b"'C-1'\n",
    b'("C-1")\n',
    b"customer_id / name\nC-1 / Ann\n",
    b"1.5E+10\n2,5E+11\n12.0\n12.0\n",
    b"customer_id\n" + b"".join(b"C-%d\n" % number for number in range(300)),
)  # fmt: skip


def openings(seed: int, damaged: int) -> Iterator[bytes]:
    """Yield what is written above, then as many variations of it: cut, joined, with bytes changed or put in."""
    yield from WRITTEN
    chance = random.Random(seed)
    marks = [
        b"\n",
        b"\r",
        b"\r\n",
        b'"',
        b",",
        b";",
        b"\t",
        b"|",
        b" ",
        b"\xff",
        b"\x00",
        b"{",
        b"[",
        b"}",
        b"]",
        b":",
        MARK,
    ]
    for _ in range(damaged):
        one = chance.choice(WRITTEN)[:400]
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(one) + 1)
            match chance.randrange(4):
                case 0:
                    one = one[:at] + chance.choice(marks) + one[at:]
                case 1:
                    one = one[:at] + one[at + chance.randrange(1, 4) :]
                case 2:
                    one = one[:at]
                case _:
                    one = one[:at] + chance.choice(WRITTEN)[:200]
        yield one
