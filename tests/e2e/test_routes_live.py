"""The live watch over our routes (service_routes, routes_listener, routes_keeper, routes_flood, routes_routers):
real FRR tells by BMP, a server of RIS Live by WebSocket (ris_client, stream, websocket), real
stayrtr by RTR; what is wrong is an alarm (watch_tell), once, whatever is killed."""
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.request

import pytest

from community import Node, program
from conftest import BINARY
from ports import free_port
from routers import Cache, RisLive, certificate, monitored, neighbour, ris_message, ris_route
from waiting import PATIENCE, until

PROFILE = """signatory: {name: Ville Exemple, group: state}
assets:
  prefixes:
    - {prefix: 193.0.0.0/21, name: core, origins: [64501]}
    - {prefix: 84.205.64.0/24, name: dark, dormant: true}
  as:
    - {number: 64501}
"""
SILENCE = ("--routes-silence", "10")  # seconds: a busy machine may answer a ping late
OWN, PART, DARK = "193.0.0.0/21", "193.0.1.0/24", "84.205.64.0/24"


class Watch:
    """A signatory whose node watches."""

    def __init__(self, folder):
        self.me = program(folder)
        self.me("key", "new", "--name", "me.example")
        (folder / "entente.yaml").write_text(PROFILE)
        self.node, self.stops = None, []

    def serve(self, *options):
        self.node = Node(self.me, options=options)
        return self

    def routes(self):
        return self.node.get("/readyz")["routes"]

    def alarms(self, *more):
        rows = json.loads(self.me("alarm", "list", "--format", "json", *more).stdout)
        return [(row["state"], self.show(row["id"])) for row in rows["cases"]]

    def show(self, case):
        return self.me("alarm", "show", case).stdout

    def wait(self, state, *words, count=None):
        """Until an alarm in that state says all of this; its page."""
        def find():
            found = self.alarms()
            matching = [page for at, page in found
                        if at == state and all(word in page for word in words)]
            return matching and (count is None or len(found) == count) and matching[0]
        return until(find, why=lambda: f"{words}: {self.alarms()} {self.said()}")

    def said(self):
        return (pathlib.Path(self.me.folder) / "serve.err").read_text(errors="replace")[-3000:]

    def processes(self):
        """The node, its keeper, its listener."""
        found, parents = {}, {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = re.fullmatch(r"\d+ \((.*)\) (.*)", path.read_text(), re.S).groups()
            except (OSError, AttributeError):
                continue
            found[int(path.parent.name)] = name
            parents[int(path.parent.name)] = int(rest.split()[1])
        node = self.node.process.pid
        keeper = [pid for pid, parent in parents.items()
                  if parent == node and found[pid] == "entente-alarms"]
        listener = [pid for pid, parent in parents.items() if parent in keeper]
        return [node, *keeper, *listener]

    def kill(self):
        """All at once: nothing can be saved any more."""
        pids = until(lambda: (p := self.processes()) and len(p) == 3 and p)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in reversed(pids):
            os.kill(pid, signal.SIGKILL)
        self.node.process.wait()
        self.node.errors.close()
        until(lambda: not any(pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids[1:]))

    def stop(self):
        """In order; the listener ends a little after the node."""
        pids = self.processes()
        self.node.stop()
        until(lambda: not any(pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids))

    def saved(self):
        state = self.me.data / "routes" / "watch.state"
        return state.read_text() if state.exists() else ""


@pytest.fixture
def watch(tmp_path):
    made = Watch(tmp_path / "me")
    yield made
    for stop in made.stops:
        stop()
    if made.node and made.node.process.poll() is None:
        made.node.stop()


def kept(watch, thing):
    watch.stops.append(thing.stop)
    return thing


def metric(watch, name):
    with urllib.request.urlopen(watch.node.url + "/metrics", timeout=PATIENCE) as answer:
        (line,) = (line for line in answer.read().decode().splitlines()
                   if line.startswith(f"entente_{name} "))
    return int(line.split()[1])


def timeless(alarms):
    """Without how long it is until something is due, which a page says in minutes."""
    return [(state, re.sub(r"\bin (\d+ h )?\d+ (min|s)\b", "in time", page)) for state, page in alarms]


def lab(watch, tmp_path, *options):
    """Two networks, of which the first is ours, and the router of a third that hears both."""
    ours = kept(watch, neighbour(tmp_path / "ours", 2, 64501, [OWN]))
    other = kept(watch, neighbour(tmp_path / "other", 3, 64502, []))
    port = free_port()
    watch.serve("--bmp", f"127.0.0.1:{port}", *options)
    router = kept(watch, monitored(tmp_path / "router", [ours, other], port))
    until(lambda: (now := watch.routes())["held"] >= 1 and now["bmp"]["routers"] == 1,
          why=lambda: router.said() + watch.said())
    return ours, other, port


def connected(watch):
    """RIS Live, to which the watch listens."""
    ris = kept(watch, RisLive())
    watch.serve("--ris-live", ris.url)
    until(lambda: ris.clients, why=watch.said)
    return ris


def test_frr_tells_of_a_hijack(watch, tmp_path):
    _, other, _ = lab(watch, tmp_path)
    state = watch.routes()
    assert state["bmp"]["routers"] == 1 and state["alarms"] == 0 and watch.alarms() == []
    other.configure("address-family ipv4 unicast", f"network {DARK}")
    page = watch.wait("raised", DARK, "AS64502")
    assert "space that we do not announce is announced" in page
    assert "un espace d'adresses que nous n'annonçons pas est annoncé" in page
    assert "Severity: High" in page and "Seen by 127.0.0.3 AS64502" in page
    assert '"evidence":["127.0.0.3 AS64502 ' in page.replace("\n", "").replace('" :', '":')
    until(lambda: watch.routes()["alarms"] == 1 and metric(watch, "routes_incidents_open") == 1)
    assert metric(watch, "routes_bmp_routers") == 1 and metric(watch, "routes_unread_total") == 0


def test_killed_and_started_again_it_tells_nothing_twice(watch, tmp_path):
    _, other, port = lab(watch, tmp_path)
    other.configure("address-family ipv4 unicast", f"network {DARK}")
    watch.wait("raised", DARK)
    until(lambda: '"incident":"squatting"' in watch.saved() and '"untold"' not in watch.saved())
    before = timeless(watch.alarms())
    watch.kill()
    watch.serve("--bmp", f"127.0.0.1:{port}")
    until(lambda: watch.routes()["held"] >= 2, why=watch.said)  # the router told all again
    until(lambda: metric(watch, "routes_incidents_open") == 1, why=watch.said)
    assert metric(watch, "routes_alarms_total") == 0
    assert timeless(watch.alarms()) == before
    # What happens afterwards is another alarm.
    other.configure("address-family ipv4 unicast", "network 84.205.64.128/25")
    watch.wait("raised", "84.205.64.128/25", count=2)


def test_ris_live_over_tls(watch, tmp_path):
    """By a certificate that is trusted; routes that it does not tell again outlive the node."""
    files = certificate(tmp_path)
    ris = kept(watch, RisLive(certificate=files))
    options = ("--ris-live", ris.url, "--ca-file", files[0])
    watch.serve(*options)
    until(lambda: len(ris.requests) >= 4, why=watch.said)
    asked = {json.dumps(request["data"].get("prefix") or request["data"].get("path") or
                        request["data"].get("type")) for request in ris.requests}
    assert asked == {f'"{OWN}"', f'"{DARK}"', '"64501"', '"RIS_PEER_STATE"'}
    assert all(request["type"] == "ris_subscribe" for request in ris.requests)
    assert all(request["data"]["moreSpecific"] and request["data"]["lessSpecific"]
               for request in ris.requests if "prefix" in request["data"])
    assert set(ris.paths) == {"/v1/ws/?client=test"}
    ris.say(*(ris_route(peer, OWN, [64501]) for peer in range(1, 5)))
    ris.say(ris_route(1, PART, [666]))  # one peer alone may err
    until(lambda: watch.routes()["held"] == 5, why=watch.said)
    assert watch.alarms() == []
    until(lambda: watch.saved().count('"route":') == 5)
    watch.kill()
    asked = len(ris.requests)
    watch.serve(*options)
    until(lambda: len(ris.requests) >= asked + 4, why=watch.said)
    until(lambda: watch.routes()["held"] == 5, why=watch.said)
    ris.say(ris_route(2, PART, [666]))  # with what was held before, two see it
    page = watch.wait("raised", PART, "AS666", count=1)
    assert "Severity: Critical" in page and "65101 666" in page
    until(lambda: watch.routes()["ris_live"]["connected"], why=watch.said)


def test_an_untrusted_service_is_not_listened_to(watch, tmp_path):
    ris = kept(watch, RisLive(certificate=certificate(tmp_path)))
    watch.serve("--ris-live", ris.url, "--routes-silence", "1")
    page = watch.wait("raised", "RIS Live localhost", "we are blind")
    assert "nous sommes aveugles" in page
    until(lambda: "certificate" in watch.routes()["ris_live"]["problem"], why=watch.said)
    assert not watch.routes()["ris_live"]["connected"]
    assert ris.requests == []


def test_silence_is_an_alarm_and_its_end_is_said(watch):
    ris = RisLive(port=free_port())  # nobody takes it while it is away
    watch.serve("--ris-live", ris.url, *SILENCE)
    until(lambda: watch.routes()["ris_live"]["connected"], why=watch.said)
    ris.stop()
    watch.wait("raised", "RIS Live localhost", "we are blind", count=1)
    again = kept(watch, RisLive(port=ris.port))
    until(lambda: again.requests, why=watch.said)
    page = watch.wait("cleared", "RIS Live localhost", count=1)
    assert "Over: RIS Live localhost" in page


def test_what_nobody_sees_for_five_minutes_is_over(watch):
    """The minutes are those of the state that was saved: it is read as if it were from before."""
    ris = connected(watch)
    ris.say(ris_route(1, DARK, [666]))
    watch.wait("raised", DARK, count=1)
    ris.say(ris_message(1, withdrawals=[DARK]))
    until(lambda: re.search(r'"incident":"squatting".*"quiet":[1-9]', watch.saved())
          and '"untold"' not in watch.saved(), why=watch.said)
    watch.stop()
    lines = [json.loads(line) for line in watch.saved().splitlines()[:-1]]
    for line in lines:
        if "incident" in line:
            line.update({name: line[name] - 300_000_000 for name in ("first", "last", "told", "quiet")})
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    (watch.me.data / "routes" / "watch.state").write_text(
        f"{text}sha256 {hashlib.sha256(text.encode()).hexdigest()}\n")
    watch.serve("--ris-live", ris.url)
    page = watch.wait("cleared", DARK, count=1)
    assert f"Over: dark: {DARK}" in page
    assert metric(watch, "routes_incidents_open") == 0 and "begins anew" not in watch.said()


def test_a_flood_of_incidents_is_thirty_alarms_and_one(watch):
    """The one says how many more there are; the journal has each of them, and its end."""
    ris = connected(watch)
    parts = [str(part) for length in (29, 30) for part in ipaddress.ip_network(DARK).subnets(new_prefix=length)][:42]
    for part in parts:
        ris.say(ris_route(1, part, [666]))
    until(lambda: metric(watch, "routes_alarms_withheld_total") == 12, why=watch.said)

    def listed():
        return json.loads(watch.me("alarm", "list", "--format", "json").stdout)["cases"]

    title = "More incidents on our routes than the 30"
    flood = until(lambda: next((row["id"] for row in listed() if row["title"].startswith(title)), None))
    page = until(lambda: (page := watch.show(flood)) and "12 more since" in page and page)
    assert "0 of them critical" in page and "entente journal list --kind route-incident" in page

    def kept_incidents(step):
        rows = watch.me("journal", "list", "--kind", "route-incident", "--format", "json").stdout.splitlines()
        bodies = [json.loads(row)["body"] for row in rows]
        return {body["prefix"] for body in bodies if body["step"] == step}

    alone = {part for part in parts for row in listed() if f" {part}," in row["title"]}
    assert len(alone) == 30 and kept_incidents("opened") == set(parts) - alone and len(listed()) == 31
    assert metric(watch, "routes_alarms_total") == 30
    # Who starts again knows how many alarms there were: no other is raised for one more.
    watch.kill()
    watch.serve("--ris-live", ris.url)
    until(lambda: watch.routes()["ris_live"]["connected"], why=watch.said)
    ris.say(ris_route(1, "84.205.64.252/31", [666]))
    until(lambda: "84.205.64.252/31" in kept_incidents("opened"), why=watch.said)
    assert len(listed()) == 31


def test_a_router_that_goes_away(watch, tmp_path):
    """Its routes go with it, which is no loss of visibility; that nobody tells any more is said."""
    port = free_port()
    ours = kept(watch, neighbour(tmp_path / "ours", 2, 64501, [OWN]))
    watch.serve("--bmp", f"127.0.0.1:{port}", *SILENCE)
    router = kept(watch, monitored(tmp_path / "router", [ours], port))
    until(lambda: watch.routes()["held"] == 1, why=lambda: router.said() + watch.said())
    router.process.kill()
    until(lambda: watch.routes()["held"] == 0, why=watch.said)
    watch.wait("raised", "BMP 127.0.0.1", "we are blind", count=1)


def test_a_cache_changes_what_is_right(watch, tmp_path):
    cache = kept(watch, Cache(tmp_path / "cache", [(64501, OWN)]))
    ris = kept(watch, RisLive())
    watch.serve("--ris-live", ris.url, "--rtr", f"127.0.0.1:{cache.port}")
    until(lambda: watch.routes()["rtr"]["has_data"] and ris.clients, why=watch.said)
    ris.say(*(ris_route(peer, OWN, [64501]) for peer in range(1, 5)))
    until(lambda: watch.routes()["held"] == 4, why=watch.said)
    serial = watch.routes()["rtr"]["serial"]
    assert watch.routes()["rtr"]["vrps"] == 1 and watch.alarms() == []
    cache.write([(64999, OWN)])  # somebody took our ROA away, and signed another
    page = watch.wait("raised", OWN, "invalid-asn", count=1)
    assert "invalid by the RPKI" in page and "AS64501" in page
    until(lambda: watch.routes()["rtr"]["serial"] != serial)
    assert f"(serial {watch.routes()['rtr']['serial']})" in page


def test_a_listener_that_dies_is_started_anew(watch):
    ris = connected(watch)
    ris.say(ris_route(1, DARK, [666]))
    watch.wait("raised", DARK, count=1)
    until(lambda: '"untold"' not in watch.saved())
    before, asked = watch.processes(), len(ris.requests)
    os.kill(before[2], signal.SIGKILL)
    until(lambda: len(ris.requests) > asked, why=watch.said)
    assert "ended by signal 9" in watch.said()
    ris.say(ris_route(2, DARK, [666]), ris_route(3, DARK, [777]))
    watch.wait("raised", "AS777", count=2)
    assert watch.processes()[:2] == before[:2] and metric(watch, "routes_listeners_total") == 2


def test_a_state_that_was_changed_is_put_aside(watch):
    ris = connected(watch)
    ris.say(ris_route(1, OWN, [64501]))
    until(lambda: '"route":' in watch.saved(), why=watch.said)
    watch.stop()
    state = watch.me.data / "routes" / "watch.state"
    state.write_text(watch.saved().replace("64501", "64777"))
    watch.serve("--ris-live", ris.url)
    until(lambda: "begins anew" in watch.said(), why=watch.said)
    until(lambda: watch.routes()["ris_live"]["connected"], why=watch.said)
    assert watch.routes()["held"] == 0
    assert "64777" in (state.parent / "watch.state.damaged").read_text()


def test_hostile_messages_change_nothing(watch):
    ris = connected(watch)
    ris.say({"type": "ris_message", "data": 7}, {"type": "ris_error", "data": {"message": "\x1b"}},
            ris_message(1, raw="zz", announcements=[{"next_hop": "x", "prefixes": [OWN + "9"]}]),
            {"no": "type"})
    future = ris_route(1, DARK, [666])
    future["data"]["timestamp"] = 4e9  # as if it was the year 2096
    ris.say(future)
    page = watch.wait("raised", DARK, count=1)  # and no source is silent by that
    assert "2096" not in page
    until(lambda: metric(watch, "routes_unread_total") >= 1)


def test_leaks_and_name_servers(watch, tmp_path):
    """By files: who buys from whom, and where our name servers are."""
    ris = kept(watch, RisLive())
    (tmp_path / "as-rel").write_text("65101|64600|-1\n65102|64600|-1\n64777|64600|-1\n"
                                     "64777|64501|-1\n")
    (tmp_path / "ns").write_text("ns1.ville.example 198.51.100.53\n")
    watch.serve("--ris-live", ris.url, "--relationships", tmp_path / "as-rel", "--name-servers",
                tmp_path / "ns")
    until(lambda: len(ris.requests) >= 5, why=watch.said)
    assert "198.51.100.53/32" in [request["data"].get("prefix") for request in ris.requests]
    ris.say(*(ris_route(peer, "198.51.100.0/24", [4200]) for peer in range(1, 5)))
    # 64600 has it of one of its providers, and gives it to others.
    ris.say(*(ris_route(peer, OWN, [64600, 64777, 64501]) for peer in (1, 2)))
    page = watch.wait("raised", OWN, "AS64600", count=1)
    assert '"alarm":"leak"' in page.replace("\n", "").replace(" ", "")


def test_a_file_that_is_none_is_said(watch, tmp_path):
    (tmp_path / "as-rel").write_text("1|2|7\n")
    ris = kept(watch, RisLive())
    watch.serve("--ris-live", ris.url, "--relationships", tmp_path / "as-rel")
    until(lambda: "as-rel: line 1 " in watch.said(), why=watch.said)
    assert refused(watch.me, "--ris-live", ris.url, "--name-servers", tmp_path / "as-rel")[0] == 2
    assert refused(watch.me, "--name-servers", tmp_path / "as-rel")[0] == 2


def refused(folder, *options):
    """Exit status and what is said of a node that does not start."""
    done = subprocess.run([BINARY, "serve", "--listen", f"127.0.0.1:{free_port()}", *options],
                          cwd=folder.folder, env=folder.environment, capture_output=True, text=True,
                          timeout=PATIENCE)
    return done.returncode, done.stderr


def test_stopped_in_order_it_goes_on_at_once(watch):
    """The last that was heard is saved; who is started at once waits for who still saves."""
    ris, port = kept(watch, RisLive()), free_port()
    watch.serve("--ris-live", ris.url, "--bmp", f"127.0.0.1:{port}")
    until(lambda: ris.clients, why=watch.said)
    for peer in range(1, 6):
        ris.say(ris_route(peer, OWN, [64501]))
        until(lambda count=peer: watch.routes()["held"] == count, why=watch.said)
        watch.node.stop()
        asked = len(ris.requests)
        watch.serve("--ris-live", ris.url, "--bmp", f"127.0.0.1:{port}")
        until(lambda before=asked: len(ris.requests) >= before + 4, why=watch.said)
        until(lambda count=peer: watch.routes()["held"] == count, why=watch.said)


def test_what_cannot_be_is_said_at_once(watch, tmp_path):
    me = watch.me
    assert refused(me, "--ris-live", "https://ris.example/")[0] == 2
    assert refused(me, "--bmp", "nowhere")[0] == 2
    status, text = refused(me, "--bmp", "0.0.0.0:0")
    assert status == 4 and "--bmp-router" in text
    assert refused(me, "--bmp", "127.0.0.1:0", "--bmp-router", "router1")[0] == 2
    assert refused(me, "--rtr", "127.0.0.1:1")[0] == 2
    assert refused(me, "--bmp", "127.0.0.1:0", "--rtr", "127.0.0.1:0")[0] == 2
    (me.folder / "entente.yaml").write_text("signatory: {name: A, group: state}\n")
    status, text = refused(me, "--bmp", "127.0.0.1:0")
    assert status == 2 and "neither prefixes nor" in text
