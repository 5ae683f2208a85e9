"""A Get User call that the vendor accepts: the rows of the contract, over HTTP."""

from __future__ import annotations

import simplejson
import urllib3

from infra.local.simulator.process import DATA_API_KEY, WORKSPACE_ID, Simulator
from infra.local.simulator.users.identity import id_of
from tests.local.simulator.calling import Asker, named


def test_found_and_missing_come_back_together(simulator: Simulator, ask: Asker) -> None:
    """One answer holds the users found and the identifiers not found, with status success and type export_users."""
    simulator.configure(not_found_share=0.0)
    answer = ask("C-1", "missing-1")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert (answer.json["status"], answer.json["type"]) == ("success", "export_users")
    assert [user["customer_id"] for user in answer.users] == ["C-1"]
    assert answer.not_found == [("customer_id", "missing-1")]


def test_twenty_are_accepted_in_an_order_of_the_vendors(simulator: Simulator, ask: Asker) -> None:
    """Twenty identifiers are answered in one call, in an order that is not the request's, and always the same."""
    simulator.configure(not_found_share=0.0)
    asked = [f"C-{number}" for number in range(20)]
    answered = [user["customer_id"] for user in ask(*asked).users]
    assert sorted(answered) == sorted(asked)
    assert answered != asked
    assert answered == [user["customer_id"] for user in ask(*asked).users]


def test_types_may_be_mixed_and_name_one_person_once(simulator: Simulator, ask: Asker) -> None:
    """A user requested by customer id and by MoEngage id in one call is answered once; so is a duplicate."""
    simulator.configure(not_found_share=0.0)
    mixed = named(["C-1", "C-1"]) + named([id_of("C-1"), id_of("C-2")], "id")
    answer = ask.post({"data": {"identifiers": mixed}})
    assert sorted(user["customer_id"] for user in answer.users) == ["C-1", "C-2"]
    assert simulator.counters().users == 4


def test_missing_identifiers_are_named_as_asked(ask: Asker) -> None:
    """`users_not_found` repeats type and text of an identifier, duplicates once."""
    asked = named(["missing-1", "missing-1"]) + named([id_of("missing-2")], "moengage_id")
    answer = ask.post({"data": {"identifiers": asked}})
    assert answer.not_found == [("customer_id", "missing-1"), ("moengage_id", id_of("missing-2"))]
    assert answer.users == []


def test_junk_has_no_user(simulator: Simulator, ask: Asker) -> None:
    """What is never valid as a customer id is never found."""
    simulator.configure(not_found_share=0.0)
    assert ask("unknown", "NULL", "n/a", "-1", "x").users == []


def test_fields_restrict_the_attributes(simulator: Simulator, ask: Asker) -> None:
    """`user_fields_to_export` gives those attributes and no others, `customer_id` included."""
    simulator.configure(not_found_share=0.0)
    assert set(ask("C-1", fields=["customer_id", "u_em", "no such"]).users[0]) == {"customer_id", "u_em"}
    assert set(ask("C-1", fields=["u_em"]).users[0]) == {"u_em"}
    assert len(ask("C-1").users[0]) > 20


def test_body_shape_is_the_workspaces(simulator: Simulator, ask: Asker) -> None:
    """Each workspace accepts the wrapped body, the root body or both; a 400 names what is missing in the other."""
    root, wrapped = {"identifiers": named(["C-1"])}, {"data": {"identifiers": named(["C-1"])}}
    outcomes = {}
    for shape in ("data", "root", "both"):
        simulator.configure(workspaces={WORKSPACE_ID: {"body_shape": shape}})
        answers = ask.post(wrapped), ask.post(root)
        outcomes[shape] = [a.status if a.status == 200 else (a.status, a.error["attribute"]) for a in answers]
    assert outcomes == {"data": [200, (400, "data")], "root": [(400, "identifiers"), 200], "both": [200, 200]}


def test_spelling_of_the_id_is_the_workspaces(simulator: Simulator, ask: Asker) -> None:
    """MoEngage's own id is accepted as `id`, as `moengage_id` or as both; customer ids always."""
    outcomes = {}
    for name in ("id", "moengage_id", "both"):
        simulator.configure(workspaces={WORKSPACE_ID: {"id_name": name}})
        kinds = ("id", "moengage_id", "customer_id")
        outcomes[name] = [ask("62e7a1", identifier_type=kind).status for kind in kinds]
    assert outcomes == {"id": [200, 400, 200], "moengage_id": [400, 200, 200], "both": [200, 200, 200]}


def test_connections_are_kept(simulator: Simulator) -> None:
    """Refusals and answers travel over one kept connection."""
    with urllib3.HTTPConnectionPool("127.0.0.1", simulator.port, maxsize=1, retries=False) as pool:
        headers = {
            "Content-Type": "application/json",
            **urllib3.make_headers(basic_auth=f"{WORKSPACE_ID}:{DATA_API_KEY}"),
        }
        for content in ({"data": {"identifiers": named(["C-1"])}}, {}, {"data": {"identifiers": named(["C-2"])}}):
            url = f"/v1/customers/export?app_id={WORKSPACE_ID}"
            pool.request("POST", url, body=simplejson.dumps(content), headers=headers)
        assert (pool.num_connections, pool.num_requests) == (1, 3)
        assert simulator.counters().refusals == {400: 1}


def test_client_address_and_fields_are_logged(simulator: Simulator, ask: Asker) -> None:
    """The log holds the identifiers, the fields, and the address chain in X-Forwarded-For."""
    ask("C-1", fields=["u_em"], headers={"X-Forwarded-For": "203.0.113.195, 10.0.0.1"})
    arrival = simulator.arrivals()[0]
    assert arrival.forwarded_for == "203.0.113.195, 10.0.0.1"
    assert (arrival.identifiers, arrival.fields) == ((("customer_id", "C-1"),), ("u_em",))
    simulator.configure(log_identifiers=False)
    ask("C-1")
    assert simulator.arrivals(since=1)[0].identifiers is None
