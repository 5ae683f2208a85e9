"""One call of a receiver: pinned to its address, bounded as a whole, and led nowhere else by what it answers."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from lookup.webhook_settings import WebhookAddress
from lookup.webhooks.sender import Answer, Sender
from tests.lookup.scripted_server import Script, Scripted, request_of, scripted
from tests.lookup.webhooks.receivers import HOST, Authority, Receiver, resolving, sender_to
from tests.waiting import GIVE_UP

TO = WebhookAddress(HOST, "/moengage?key=1")
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
BODY = b'{"type":"webhook.test"}'
ALLOWED = 0.5  # seconds for a call of a receiver that does not answer


def test_what_a_receiver_gets(listening: Receiver, authority: Authority) -> None:
    """It gets the body and the headers of Standard Webhooks, and of us nothing but the stage's name."""
    assert sender_to(listening.port, authority.client).post(TO, BODY, HEADERS).status == 204
    (got,) = listening.received
    assert (got.path, got.body) == ("/moengage?key=1", BODY)
    assert got.headers == HEADERS | {
        "host": HOST,
        "user-agent": "moengage-lookup/test",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "accept-encoding": "identity",
    }


@pytest.mark.parametrize("status", [200, 400, 410, 429, 500, 503])
def test_an_answer(listening: Receiver, authority: Authority, status: int) -> None:
    """Status and headers are what the receiver answers; its body is not read, however long it is."""
    listening.answer = lambda _: (status, {"Retry-After": "7"})
    listening.body = b"x" * 1_000_000
    answer = sender_to(listening.port, authority.client).post(TO, BODY, HEADERS)
    assert (answer.status, answer.error, answer.headers["retry-after"]) == (status, None, "7")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(listening: Receiver, authority: Authority, status: int) -> None:
    """A redirect to the metadata service, or anywhere, is an answer like any other: there is one request."""
    listening.answer = lambda _: (status, {"Location": "http://169.254.169.254/latest/meta-data/"})
    assert sender_to(listening.port, authority.client).post(TO, BODY, HEADERS).status == status
    assert len(listening.received) == 1


def hanging(connection: socket.socket, server: Scripted) -> None:
    request_of(connection)
    server.over.wait(GIVE_UP)


def dripping_head(connection: socket.socket, server: Scripted) -> None:
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not server.over.wait(0.05):
        connection.sendall(b"x")


def unending_interim(connection: socket.socket, server: Scripted) -> None:
    request_of(connection)
    while not server.over.wait(0.05):
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


@pytest.mark.parametrize("script", [hanging, dripping_head])
def test_a_receiver_that_does_not_answer(authority: Authority, script: Script) -> None:
    """A receiver that hangs, or answers a byte at a time, costs the seconds of a call and no more."""
    with scripted(script, authority.server) as server:
        begun = time.monotonic()
        answer = sender_to(server.port, authority.client, max_seconds=ALLOWED).post(TO, BODY, HEADERS)
    assert (answer.status, answer.error) == (None, "timeout")
    assert ALLOWED <= answer.seconds <= time.monotonic() - begun < GIVE_UP


def test_interim_responses_without_end(authority: Authority) -> None:
    """A receiver that goes on to answer 1xx is given up."""
    with scripted(unending_interim, authority.server) as server:
        answer = sender_to(server.port, authority.client).post(TO, BODY, HEADERS)
    assert (answer.status, answer.error) == (None, "no_response")


def test_a_body_that_drips_is_not_waited_for(authority: Authority) -> None:
    """The status counts: what drips behind the headers is left where it is."""

    def dripping_body(connection: socket.socket, server: Scripted) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not server.over.wait(0.05):
            connection.sendall(b"1\r\nx\r\n")

    with scripted(dripping_body, authority.server) as server:
        assert sender_to(server.port, authority.client).post(TO, BODY, HEADERS).status == 200


def test_a_handshake_that_never_ends(authority: Authority) -> None:
    """A receiver that accepts a connection and does not speak TLS costs the seconds of a call."""
    with scripted(lambda _, server: (server.over.wait(GIVE_UP), None)[1]) as server:
        answer = sender_to(server.port, authority.client, max_seconds=ALLOWED).post(TO, BODY, HEADERS)
    assert (answer.status, answer.error) == (None, "timeout")


def test_an_untrusted_certificate(listening: Receiver) -> None:
    """A certificate of an authority that is not trusted ends the call before anything is sent."""
    answer = sender_to(listening.port, ssl.create_default_context()).post(TO, BODY, HEADERS)
    assert (answer.status, answer.error, listening.received) == (None, "tls_failed", [])


def test_a_certificate_of_another_name(listening: Receiver, authority: Authority) -> None:
    """The certificate must be of the name in the URL, though the connection is made to an address."""
    answer = sender_to(listening.port, authority.client).post(WebhookAddress("other.example.com", "/"), BODY, HEADERS)
    assert (answer.status, answer.error, listening.received) == (None, "tls_failed", [])


def test_the_name_is_sent_in_the_handshake(authority: Authority, tmp_path: Path) -> None:
    """Server name indication names the host, so that receivers behind one address are told apart."""
    asked: list[str | None] = []
    context = Authority(authority.pem).server
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    def script(connection: socket.socket, _: Scripted) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with scripted(script, context) as server:
        assert sender_to(server.port, authority.client).post(TO, BODY, HEADERS).status == 204
    assert asked == [HOST]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"]])
def test_a_name_that_leads_inside(listening: Receiver, authority: Authority, addresses: list[str]) -> None:
    """In production no private address is called, and nothing when one of several is private."""
    sender = Sender("test", resolve=resolving(*addresses), port=listening.port, tls=authority.client)
    assert sender.post(TO, BODY, HEADERS).error == "address_not_allowed"
    assert listening.received == []


def test_a_name_is_resolved_once(listening: Receiver, authority: Authority) -> None:
    """The address that was checked is the one that is called: what the name has a moment later is not looked at."""
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        found = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    assert sender_to(listening.port, authority.client, resolve=rebinding).post(TO, BODY, HEADERS).status == 204
    assert asked == [HOST]


def test_the_next_address_is_tried(listening: Receiver, authority: Authority) -> None:
    """Where nobody listens at one address the next one is called."""
    resolve = resolving("127.0.0.9", "127.0.0.1")
    assert sender_to(listening.port, authority.client, resolve=resolve).post(TO, BODY, HEADERS).status == 204
    nobody = sender_to(listening.port, authority.client, resolve=resolving("127.0.0.9")).post(TO, BODY, HEADERS)
    assert (nobody.status, nobody.error) == (None, "connection_failed")


def test_a_name_that_is_not_resolved(authority: Authority) -> None:
    """A name that nobody has, or that nobody answers for in time, ends the call."""

    def unknown(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def slow(*_: object, **__: object) -> list[Any]:
        time.sleep(2 * ALLOWED)
        return []

    assert sender_to(443, authority.client, resolve=unknown).post(TO, BODY, HEADERS).error == "name_not_resolved"
    late = sender_to(443, authority.client, resolve=slow, max_seconds=ALLOWED).post(TO, BODY, HEADERS)
    assert late.error == "timeout"
    assert sender_to(443, authority.client, resolve=resolving()).post(TO, BODY, HEADERS).error == "name_not_resolved"


def test_a_connection_that_breaks(authority: Authority) -> None:
    """A receiver that hangs up, or speaks no HTTP, gave no response."""
    for said in (b"", b"SSH-2.0-OpenSSH\r\n"):

        def script(connection: socket.socket, _: Scripted, said: bytes = said) -> None:
            request_of(connection)
            connection.sendall(said)

        with scripted(script, authority.server) as server:
            answer = sender_to(server.port, authority.client).post(TO, BODY, HEADERS)
        assert answer == Answer(None, "no_response", seconds=answer.seconds)
