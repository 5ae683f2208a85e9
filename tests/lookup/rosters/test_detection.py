"""Uploaded lists: read in their own format, or refused by name; never requested line by line as another."""

from __future__ import annotations

import codecs
import gzip

import pytest

from lookup.errors import InvalidInput
from lookup.rosters.copies import decompressed_text
from lookup.rosters.counting import count_entries
from lookup.rosters.formats.parsing import CUT_OFF, NOT_CLOSED, OTHER_HEADER, UNREADABLE
from tests.lookup.rosters.reading import asked, read

BOM = codecs.BOM_UTF8
EXPECTED = "customer_id, id, moengage_id, or identifier with identifier_type"
NO_COLUMN = f"has no column {EXPECTED}: line "
KEY_TWICE = "line has a key twice in one object"
CONTROL = "identifier must not hold control characters"
HEADERS = ("CUSTOMER_ID", "customerId", " customer-id ", '"Customer Id"', "uid", "UID", "User ID", "Identifier")
WIDE_HEADER = b"customer_id," + b",".join(b"custom_attribute_%04d" % n for n in range(300))
EMPTY_CELLS = b"," * 300
READ = {
    "sep hint, semicolon": (b"sep=;\r\ncustomer_id;name\r\nC-9001;Ann\r\nC-9002;Bob\r\n", ["C-9001", "C-9002"]),
    "sep hint, comma": (b"sep=,\r\ncustomer_id,name\r\nC-9001,Ann\r\n", ["C-9001"]),
    "sep hint, tab": (b"sep=\t\r\ncustomer_id\tname\r\nC-9001\tAnn\r\n", ["C-9001"]),
    "sep hint, quoted, capitals, mark": (BOM + b'"SEP=|"\r\ncustomer_id|name\r\nC-9001|Ann\r\n', ["C-9001"]),
    "sep hint, unusual": (b"sep=^\ncustomer_id^name\nC-9001^Ann\n", ["C-9001"]),
    "sep hint, one column": (b"sep=;\ncustomer_id\nC-9001\n", ["C-9001"]),
    "sep hint, joined": (b"sep=;\nid;customer_id\n1;C-9001\nsep=;\nid;customer_id\n2;C-9002\n", ["C-9001", "C-9002"]),
    "pipes": (b"customer_id|name\nC-9001|Ann\n", ["C-9001"]),
    "line break in a cell": (
        b'customer_id,address\r\nC-9001,"1 Main Street\r\nSpringfield"\r\nC-9002,"2 Oak Road"\r\n',
        ["C-9001", "C-9002"],
    ),
    "line breaks before the identifier": (
        b'note;customer_id\n"a ""b""\n\nC-1;C-2\n";C-9001\n"";C-9002\n',
        ["C-9001", "C-9002"],
    ),
    "line break in the header": (b'"a\nb",customer_id\nx,C-9001\n"y\n",C-9002\n', ["C-9001", "C-9002"]),
    "CR only, CSV": (b"customer_id\rC-9001\rC-9002\r", ["C-9001", "C-9002"]),
    "CR only, columns": (b'name,customer_id\rAnn,C-9001\r"B\rob",C-9002', ["C-9001", "C-9002"]),
    "CR only, plain": (b"C-9001\rC-9002", ["C-9001", "C-9002"]),
    "CR only, NDJSON": (b'{"customer_id":"C-9001"}\r"C-9002"\r', ["C-9001", "C-9002"]),
    "CR CR LF": (b"C-9001\r\r\nC-9002\r\r\n", ["C-9001", "C-9002"]),
    "all line ends": (b"C-9001\nC-9002\r\nC-9003\rC-9004", ["C-9001", "C-9002", "C-9003", "C-9004"]),
    "array, pretty": (
        b'[\n  {\n    "customer_id": "C-9001"\n  },\n  {\n    "customer_id": "C-9002"\n  }\n]',
        ["C-9001", "C-9002"],
    ),
    "array, one line": (b'["C-9001","C-9002"]\n', ["C-9001", "C-9002"]),
    "array, of one": (b'[{"customer_id":"C-9001"}]\n', ["C-9001"]),
    "array, an entry a line": (b'[\n"C-9001",\n"C-9002"\n]\n', ["C-9001", "C-9002"]),
    "array, mark and spaces": (BOM + b' \n [ "C-9001" ] ', ["C-9001"]),
    "array, CR only": (b'["C-9001",\r"C-9002"]\r', ["C-9001", "C-9002"]),
    "array, brackets in texts": (b'["a],[{\\"",{"customer_id":"C-9001","tags":["x",{"y":[]}]}]', ['a],[{"', "C-9001"]),
    "array, much white space": (
        b'["C-9001",' + b" " * 70_000 + b'"C-9002"' + b"\n" * 70_000 + b"]",
        ["C-9001", "C-9002"],
    ),
    "arrays, joined": (b'["C-9001"]\n' + BOM + b'["C-9002"]\n', ["C-9001", "C-9002"]),
    "object around a list": (
        b'{"count": 2, "users": [{"customer_id": "C-9001"}, "C-9002"], "next": null}',
        ["C-9001", "C-9002"],
    ),
    "object around a list, pretty": (b'{\n "meta": {"ids": ["x"]},\n "data": [\n  "C-9001"\n ]\n}\n', ["C-9001"]),
    "objects, pretty": (b'{\n  "customer_id": "C-9001"\n}\n{\n  "customer_id": "C-9002"\n}\n', ["C-9001", "C-9002"]),
    "object, pretty, one": (b'{\n  "tags": ["a"],\n  "customer_id": "C-9001"\n}', ["C-9001"]),
    "gzip of an array": (gzip.compress(b'["C-9001","C-9002"]'), ["C-9001", "C-9002"]),
    "gzip, joined members": (
        gzip.compress(BOM + b"customer_id\nC-9001\n") + gzip.compress(BOM + b"customer_id\nC-9002\n"),
        ["C-9001", "C-9002"],
    ),
    "joined, marks": (BOM + b"C-9001\n" + BOM + b"C-9002\n", ["C-9001", "C-9002"]),
    "joined, header written otherwise": (
        b'customer_id,Name\nC-9001,a\n\xef\xbb\xbf"Customer ID",name\nC-9002,b\n',
        ["C-9001", "C-9002"],
    ),
    "joined, NDJSON": (BOM + b'"C-9001"\n' + BOM + BOM + b'{"id":"C-9002"}\n', ["C-9001", "C-9002"]),
    "mark before quotes": (b"customer_id,a\nC-9001,b\n" + BOM + b'"C-9002","a\nb"\n', ["C-9001", "C-9002"]),
    "emptied rows": (b"customer_id,name,city\r\nC-9001,Ann,Bonn\r\n,,\r\n,,\r\n", ["C-9001"]),
    "emptied rows, quoted, spaces": (b'customer_id;name\nC-9001;Ann\n"";""\n ; \n;\n', ["C-9001"]),
    "wide header": (WIDE_HEADER + b"\r\nC-9001" + EMPTY_CELLS + b"\r\nC-9002,x\r\n", ["C-9001", "C-9002"]),
    "wide header, wide rows": (WIDE_HEADER + b"\nC-9001," + b"x" * 20_000 + b"\nC-9002,x\n", ["C-9001", "C-9002"]),
    "wide header, identifier last": (WIDE_HEADER[12:] + b",customer_id\n" + EMPTY_CELLS + b"C-9001\n", ["C-9001"]),
    "Customer ID": (b"Customer ID\r\nC-9001\r\nC-9002\r\n", ["C-9001", "C-9002"]),
    **{f"header {name}": (f"{name}\nC-9001\n".encode(), ["C-9001"]) for name in HEADERS},
    "header of several aliases": (b"Name,MoEngage ID,customerId\nAnn,62e7,C-9001\n", ["C-9001"]),
    "types, written otherwise": (b"Identifier Type,IDENTIFIER\nmoengage_id,C-9001\n", ["C-9001"]),
    "keys, written otherwise": (b'{"customerId":"C-9001"}\n{"Customer ID":"C-9002"}\n', ["C-9001", "C-9002"]),
    "padded cells": (b"name , Customer ID\nAnn , C-9001\nBob, C-9002 \n", ["C-9001", "C-9002"]),
    "delimiters within quotes": (b'customer_id\n"C-9001;a"\n"C-9002,b"\n', ["C-9001;a", "C-9002,b"]),
    "braces of a GUID": (b"{5e7d-11}\n{5e7d-12}\n", ["{5e7d-11}", "{5e7d-12}"]),
    "numbers as texts": (b"1e3\n12345.0\n0012\n", ["1e3", "12345.0", "0012"]),
}


@pytest.mark.parametrize("part_size", [1, 2, 100])
@pytest.mark.parametrize("name", READ)
def test_what_is_read(name: str, part_size: int) -> None:
    """Each of these is a list of identifiers: exactly these are requested, and nothing is invalid."""
    body, expected = READ[name]
    assert asked(body, part_size) == (expected, [])
    assert count_entries(decompressed_text([body]), 9) == (len(expected), True)


UTF16 = "customer_id\r\nC-9001\r\nC-9002\r\n"
REFUSED = {
    "foreign columns, commas": (
        b"Kundennummer,Email\r\nC-9001,a@example.com\r\n",
        NO_COLUMN + "1 shows cells between commas",
    ),
    "foreign columns, semicolons": (
        b"Kundennummer;Name\r\n9001;Ann\r\n",
        NO_COLUMN + "1 shows cells between semicolons",
    ),
    "foreign columns, tabs": (b"\nKunde\tName\nC-9001\tAnn\n", NO_COLUMN + "2 shows cells between tabs"),
    "foreign columns, pipes": (b"Kunde|Name\nC-9001|Ann\n", NO_COLUMN + "1 shows cells between pipes"),
    "no header": (b"C-9001;Ann\nC-9002;Bob\n", NO_COLUMN + "1 shows cells between semicolons"),
    "foreign columns behind the hint": (b"sep=;\nKunde;Name\n1;Ann\n", NO_COLUMN + "2 is the header"),
    "the hint alone": (b"sep=;\n", "is empty but for the hint sep="),
    "title above the header": (
        b"Export of today\n\ncustomer_id,name\nC-9001,Ann\n",
        "has a header in line 3; it must be the first line",
    ),
    "column twice": (
        b"customer_id,name,customer_id\nC-9001,Ann,C-9002\n",
        "is ambiguous: in line 1 more than one column",
    ),
    "column twice by another name": (b"Customer ID;uid\nC-9001;7\n", "is ambiguous: in line 1 more than one column"),
    "identifier beside customer_id": (
        b"identifier,customer_id\na,C-9001\n",
        "is ambiguous: in line 1 more than one column",
    ),
    "id and moengage_id": (b"id\tmoengage_id\na\tC-9001\n", "is ambiguous: in line 1 more than one column"),
    "ambiguous keys": (b'{"customer_id":"C-9001","uid":"7"}\n', "is ambiguous: in line 1 more than one column"),
    "unknown keys": (b'{"name":"Ann"}\n{"name":"Bob"}\n', "is a JSON object without a key customer_id"),
    "unknown keys in an array": (
        b'[{"name":"Ann"}]',
        "is JSON, but its first entry is neither a text nor an object with a key",
    ),
    "nested arrays": (b'[["C-9001"],["C-9002"]]', "is JSON, but its first entry is neither"),
    "array of true": (b"[true]", "is JSON, but its first entry is neither"),
    "two lists": (b'{"users":["C-9001"],"fields":["name"]}', "is a JSON object without a key customer_id"),
    "a list twice": (b'{"users":["C-9001"],"users":["C-9002"]}', "is a JSON object without a key customer_id"),
    "nested object": (b'{"data":{"users":["C-9001"]}}', "is a JSON object without a key customer_id"),
    "array, cut off": (b'["C-9001",\n"C-90', "is not JSON behind entry 1"),
    "array and more": (b'["C-9001"] C-9002', "is not JSON behind entry 1"),
    "array, wrong bracket": (b'["C-9001"}', "begins like JSON in line 1, but is not readable as JSON there"),
    "empty array": (b"[]", "is empty"),
    "broken JSON line": (
        b'{"customer_id": "C-9001"\n{"customer_id": "C-9002"}\n',
        "begins like JSON in line 1, but is not",
    ),
    "header within quotes": (b'"customer_id,name"\n"C-9001,Ann"\n', NO_COLUMN + "1 is a whole header within quotes"),
    "colons": (b"customer_id:name\nC-9001:Ann\n", NO_COLUMN + "1 shows names of columns between marks"),
    "brackets": (b"[users]\nC-9001\n", NO_COLUMN + "1 shows brackets"),
    "INI": (b"[users]\nid=C-9001\n", NO_COLUMN + "1 shows brackets"),
    "key=value": (b"id=C-9001\n", NO_COLUMN + "1 shows a form or settings (key=value)"),
    "settings with spaces": (b"users = C-9001\n", NO_COLUMN + "1 shows a form or settings (key=value)"),
    "single quotes": (b"'C-9001'\n'C-9002'\n", NO_COLUMN + "1 shows quotes"),
    "typographic quotes": ("“C-9001”\n".encode(), NO_COLUMN + "1 shows quotes"),
    "quote that does not end": (b'"C-9001\n"C-9002\n', NO_COLUMN + "1 shows quotes"),
    "quotes over lines": (
        b'customer_id,note\nC-9001,"open\nC-9002,x\nC-9003,y\n',
        "cannot be read behind line 2: a quoted cell",
    ),
    "quotes that end in the midst": (
        b'customer_id,note\nC-9001,"a\nb"c\nC-9002,x\n',
        "cannot be read behind line 2: a quoted cell",
    ),
    "other header behind": (
        b"customer_id,name\nC-9001,Ann\nname,customer_id\nBob,C-9002\n",
        "cannot be read behind line 3: line is another",
    ),
    "markdown table": (
        b"| customer_id | name |\n| --- | --- |\n| C-9001 | Ann |\n",
        "is a printed table (line 2 is a ruler): export it as CSV",
    ),
    "psql, one column": (b" customer_id \n-------------\n C-9001\n(1 row)\n", "is a printed table"),
    "title underlined": (b"Users\n=====\nC-9001\n", "is a printed table"),
    "psql": (
        b" customer_id | name \n-------------+------\n C-9001      | Ann\n(1 row)\n",
        "is a printed table (line 2 is a ruler): export it as CSV",
    ),
    "mysql": (
        b"+-------------+\n| customer_id |\n+-------------+\n| C-9001      |\n",
        NO_COLUMN + "1 shows the ruler of a printed table",
    ),
    "fixed width": (b"customer_id   name\nC-9001        Ann\n", NO_COLUMN + "1 shows columns between spaces"),
    "multipart form": (
        b'------WebKitFormBoundaryQx7\r\nContent-Disposition: form-data; name="file"\r\n\r\ncustomer_id\r\nC-9001\r\n',
        "shows a form's envelope (Content-Disposition): upload the file itself by PUT",
    ),
    "multipart form, any boundary": (
        b"--x\r\ncontent-type: text/csv\r\n\r\ncustomer_id\r\nC-9001\r\n--x--\r\n",
        NO_COLUMN + "1 shows a form's boundary",
    ),
    "multipart form with a preamble": (
        b"preamble\r\n--x\r\nContent-Disposition: form-data\r\n\r\nC-9001\r\n",
        "shows a form's envelope",
    ),
    "urlencoded": (b"file=customer_id%0AC-9001", NO_COLUMN + "1 shows a form or settings"),
    "urlencoded list": (b"C-9001%0AC-9002", NO_COLUMN + "1 shows a URL-encoded form"),
    "HTML": (b"<!DOCTYPE html>\n<html>\n<body>Sign in to download</body>\n</html>\n", NO_COLUMN + "1 shows markup"),
    "HTML without a type": (b"\n  <html><body>C-9001</body></html>\n", NO_COLUMN + "2 shows markup"),
    "XML": (BOM + b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>\n', NO_COLUMN + "1 shows markup"),
    "YAML": (b"---\n- C-9001\n", NO_COLUMN + "1 shows the ruler"),
    "YAML list": (b"- C-9001\n- C-9002\n", NO_COLUMN + "1 shows a list, heading or comment"),
    "YAML key": (b"users:\n  - C-9001\n", NO_COLUMN + "1 shows YAML"),
    "numbered list": (b"1. C-9001\n2. C-9002\n", NO_COLUMN + "1 shows a list, heading or comment"),
    "heading": (b"# users\nC-9001\n", NO_COLUMN + "1 shows a list, heading or comment"),
    "SQL": (b"INSERT INTO users VALUES ('C-9001');\n", NO_COLUMN + "1 shows SQL"),
    "SQL dump": (b"-- MySQL dump 10.13\n", NO_COLUMN + "1 shows a form's boundary or a comment"),
    "mail": (b"From: a@example.com\nSubject: x\n\nC-9001\n", NO_COLUMN + "1 shows YAML or a message's header"),
    "vertical tab": (b"C-9001\x0bC-9002\n", NO_COLUMN + "1 shows control characters"),
    "form feed": (b"customer_id\x0cC-9001\n", NO_COLUMN + "1 shows control characters"),
    "NEL": ("C-9001\x85C-9002\n".encode(), NO_COLUMN + "1 shows control characters"),
    "line separators": ("C-9001\u2028C-9002\u2029".encode(), NO_COLUMN + "1 shows control characters"),
    "mark in the midst": (b"C-9001" + BOM + b"C-9002\n", NO_COLUMN + "1 shows control characters"),
    "NUL": (b"C-9001\0C-9002\n", NO_COLUMN + "1 shows control characters"),
    "UTF-16 LE": (UTF16.encode("utf-16-le"), "is UTF-16 or UTF-32 without a byte order mark; it must be UTF-8"),
    "UTF-16 BE": (UTF16.encode("utf-16-be"), "is UTF-16 or UTF-32 without a byte order mark"),
    "UTF-32 LE": (UTF16.encode("utf-32-le"), "is UTF-16 or UTF-32 without a byte order mark"),
    "UTF-32 BE": (UTF16.encode("utf-32-be"), "is UTF-16 or UTF-32 without a byte order mark"),
    "UTF-16 LE, one line": ("C-9001".encode("utf-16-le"), "is UTF-16 or UTF-32 without a byte order mark"),
    "UTF-16, not Latin": ("東京都庁\n東京都庁\n".encode("utf-16-le"), "is UTF-16 or UTF-32 without a byte order mark"),
    "UTF-16 with a mark": (UTF16.encode("utf-16"), "is UTF-16; it must be UTF-8"),
    "UTF-16 BE with a mark": (codecs.BOM_UTF16_BE + UTF16.encode("utf-16-be"), "is UTF-16; it must be UTF-8"),
    "UTF-32 with a mark": (UTF16.encode("utf-32"), "is UTF-32; it must be UTF-8"),
    "UTF-32 BE with a mark": (codecs.BOM_UTF32_BE + UTF16.encode("utf-32-be"), "is UTF-32; it must be UTF-8"),
    "Latin-1": ("Zoë\nJürgen\n".encode("latin-1"), "is not UTF-8: line 1 is the first that is not"),
    "Latin-1 header": (
        "customer_id;Straße\nC-9001;x\n".encode("latin-1"),
        "is not UTF-8: line 1 is the first that is not",
    ),
    "gzip of gzip": (gzip.compress(gzip.compress(b"C-9001\n")), "is gzip within gzip"),
    "gzip of HTML": (gzip.compress(b"<html></html>"), NO_COLUMN + "1 shows markup"),
    "tar": (b"users.csv".ljust(257, b"\0") + b"ustar\x0000" + b"\0" * 300, "is a tar archive"),
    "blank": (BOM + b"\r\n \r\n", "is empty"),
    **{
        name: (start + b"\x00\x01\x02rest\nC-9001\n", name)
        for start, name in (
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "is a PDF document"),
            (b"PK\x03\x04\x14 users.csv", "is a zip archive"),
            (b"PK\x03\x04\x14 [Content_Types].xml xl/workbook.xml", "is an Excel workbook (.xlsx)"),
            (b"PK\x03\x04\x14 word/document.xml", "is a Word document (.docx)"),
            (b"PK\x05\x06", "is an empty zip archive"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook or document of old"),
            (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive"),
            (b"Rar!\x1a\x07", "is a RAR archive"),
            (b"BZh91AY&SY", "is a bzip2 file"),
            (b"\xfd7zXZ\x00", "is an xz file"),
            (b"\x28\xb5\x2f\xfd", "is a Zstandard file"),
            (b"PAR1\x15", "is a Parquet file"),
            (b"Obj\x01", "is an Avro file"),
            (b"ORC\x08", "is an ORC file"),
            (b"SQLite format 3\x00", "is an SQLite database"),
            (b"\x89PNG\r\n\x1a\n", "is an image (PNG)"),
            (b"\xff\xd8\xff\xe0", "is an image (JPEG)"),
            (b"GIF89a", "is an image (GIF)"),
            (b"RIFF\x01", "is an image, sound"),
            (b"{\\rtf1", "is an RTF document"),
            (b"\x7fELF", "is a program"),
        )
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    """Each of these is no list that could be understood: refused as a whole, by what it is or by line and rule."""
    body, rule = REFUSED[name]
    with pytest.raises(InvalidInput) as refused:
        read(body)
    assert refused.value.field == "roster"
    assert refused.value.rule.startswith(rule)


INVALID = {
    "key twice": (b'{"customer_id":"C-9001","customer_id":"C-9002"}\n', [], [(1, KEY_TWICE)]),
    "key twice, deep": (b'"C-9001"\n{"customer_id":"C-9002","a":{"b":1,"b":2}}\n', ["C-9001"], [(2, KEY_TWICE)]),
    "key twice in an array": (
        b'["C-9001",{"customer_id":"a","customer_id":"b"}]',
        ["C-9001"],
        [(2, "entry has a key twice in one object")],
    ),
    "two keys": (
        b'"C-9001"\n{"customer_id":"a","uid":"b"}\n',
        ["C-9001"],
        [(2, f"entry has more than one key that is known as {EXPECTED}")],
    ),
    "numbers in an array": (
        b'[12345,1e3,12345.0,"C-9001"]',
        ["C-9001"],
        [(n, "identifier must be a string") for n in (1, 2, 3)],
    ),
    "row with a lone CR": (
        b"customer_id,a\nC-9001,b\nC-9002,x\rC-9003\nC-9004,y\n",
        ["C-9001", "C-9004"],
        [(3, UNREADABLE)],
    ),
    "quote that does not end, last": (b'customer_id,a\nC-9001,b\nC-9002,"x\n', ["C-9001"], [(3, UNREADABLE)]),
    "unquoted quotes": (b'customer_id\nC-9001\nC"9002"\n "C-9003"\n', ["C-9001"], [(3, UNREADABLE), (4, UNREADABLE)]),
    "space before quotes": (b'customer_id, a\nC-9001, "x\nmiddle\ny"\nC-9002, z\n', ["C-9002"], [(2, UNREADABLE)]),
    "quotes in a plain list": (
        b'C-9001\n"C-9002"\n"C-9003\nC-9004"\n',
        ["C-9001"],
        [(n, UNREADABLE) for n in (2, 3, 4)],
    ),
    "JSON and markup in a plain list": (
        b'C-9001\n{"id":"a"}\n["a"]\n<html>\n',
        ["C-9001"],
        [(n, UNREADABLE) for n in (2, 3, 4)],
    ),
    "header in a plain list": (
        b"C-9001\nCustomer ID\nC-9002\n",
        ["C-9001", "C-9002"],
        [(2, "line is the name of a column")],
    ),
    "marks in the midst": (b"C-9001\nC-9002" + BOM + b"C-9003\n", ["C-9001"], [(2, CONTROL)]),
    "line separator behind": ("C-9001\nC-9002\u2028C-9003\n".encode(), ["C-9001"], [(2, CONTROL)]),
    "other delimiter": (b"customer_id\nC-9001\nC-9002;Ann\nC-9003|x\n", ["C-9001"], [(3, UNREADABLE), (4, UNREADABLE)]),
    "columns' names": (
        b"customer_id,n\nuser_id,a\nCustomer ID,b\nC-9001,c\n",
        ["C-9001"],
        [(2, "identifier is a value that MoEngage blocks as a customer_id"), (3, "line is the name of a column")],
    ),
    "marks of databases": (b"customer_id\tn\nC-9001\ta\n\\N\tb\n\\.\n", ["C-9001"], [(3, UNREADABLE), (4, UNREADABLE)]),
    "number of rows": (b"C-9001\n(1 row)\n\\N\n", ["C-9001"], [(2, UNREADABLE), (3, UNREADABLE)]),
    "identifier empty": (b"customer_id,a\nC-9001,b\n,c\n", ["C-9001"], [(3, "identifier must not be empty")]),
    "NUL behind": (b"C-9001\nC-9002\0\nC-9003\n", ["C-9001", "C-9003"], [(2, CONTROL)]),
    "Latin-1 behind": (b"C-9001\nJ\xfcrgen\n", ["C-9001"], [(2, "line is not UTF-8")]),
}


@pytest.mark.parametrize("part_size", [1, 100])
@pytest.mark.parametrize("name", INVALID)
def test_what_is_invalid(name: str, part_size: int) -> None:
    """An unparsable line is invalid, by number and rule; nothing of it is requested, its neighbours are."""
    body, expected, invalid = INVALID[name]
    assert asked(body, part_size) == (expected, invalid)
    assert count_entries(decompressed_text([body]), 99) == (len(expected) + len(invalid), True)


def test_what_turns_unreadable_late() -> None:
    """Where quotes or brackets break behind the start, one invalid entry replaces the rest, which is not requested."""
    good = [f"user-{number:06}" for number in range(9_000)]
    table = "customer_id,note\n" + "".join(f"{one},x\n" for one in good)
    assert asked(table.encode() + b'C-9001,"open\nC-9002,y\nC-9003,z\n') == (good, [(9_002, NOT_CLOSED)])
    assert asked(table.encode() + b'C-9001,"open\n' + b"C-9002,y\n" * 300_000) == (good, [(9_002, NOT_CLOSED)])
    joined = table.encode() + b"note,customer_id\nx,C-9001\n"
    assert asked(joined)[1][0] == (9_002, OTHER_HEADER)
    listed = "[" + ",".join(f'"{one}"' for one in good)
    assert asked(listed.encode() + b',"C-90') == (good, [(9_001, CUT_OFF)])
    found, invalid = asked(gzip.compress(listed.encode())[:-40])
    assert (found, invalid) == (good[: len(found)], [(len(found) + 1, CUT_OFF)])
