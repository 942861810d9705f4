"""The packet filter: real rule sets, loaded by nft and as files of a tree, are read alike.

Exercises firewall_kernel and firewall_follow (the running rules), firewall_text (rule files) and
firewall_measures (src/p7_hygiene/host).
"""
import json
import os
import shutil

import pytest

MEASURES = ["input-filter", "default-deny", "ipv6", "base-rules", "rules-match-listeners",
            "persistent", "single-tool"]
LISTEN = """
import socket, sys, time
sockets = [socket.create_server(("0.0.0.0", int(port))) for port in sys.argv[1:]]
print("ready", flush=True)
time.sleep(3600)
"""
BASE = """
    iif lo accept
    iif != lo ip saddr 127.0.0.0/8 drop
    iif != lo ip6 saddr ::1 drop
"""
# Ways to say the same of connections; each is found in published rule sets.
STATES = {
    "masks": "ct state established,related accept\n ct state invalid drop",
    "a set": "ct state { established, related } accept\n ct state invalid drop",
    "a map": "ct state vmap { established : accept, related : accept, invalid : drop }",
    "a tight map": "ct state vmap { established:accept,related:accept,invalid:drop }",
    "a jump": "jump base",
}


def rules(states="ct state established,related accept; ct state invalid drop", more="",
          policy="drop", family="inet"):
    return f"""#!/usr/sbin/nft -f
flush ruleset
table {family} filter {{
  chain base {{
    ct state established,related accept
    ct state invalid drop
  }}
  chain input {{
    type filter hook input priority filter; policy {policy};
    {states}
    {BASE if family == "inet" else "iif lo accept; ip saddr 127.0.0.0/8 drop"}
    {more}
  }}
}}
"""


@pytest.fixture
def filtered(machine):
    if not shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin"):
        pytest.skip("no nft")

    def load(text, *ports):
        """Findings of the kernel's rules and of the same text as a file; by measure."""
        machine.write("/etc/nftables.conf", text)
        machine.run("nft", "-f", "/etc/nftables.conf")
        if ports:
            machine.run("sh", "-c", 'python3 -c "$0" "$@" > /run/listen 2>&1 &'
                        " while ! grep -q ready /run/listen; do sleep 0.1; done", LISTEN, *ports)
        machine.run("mkdir", "-p", "/tree/etc")
        machine.run("cp", "/etc/nftables.conf", "/tree/etc/nftables.conf")
        return [found(machine), found(machine, "--root", "/tree")]

    return load


def found(machine, *options):
    chosen = [word for name in MEASURES for word in ("--measure", f"host.firewall.{name}")]
    done = machine.entente("assess", "--format", "json", "--quiet", *options, *chosen)
    return {finding["measure"].removeprefix("host.firewall."): finding
            for finding in json.loads(done.stdout)["findings"]}


@pytest.mark.parametrize("states", STATES)
def test_a_good_rule_set_passes_however_it_is_written(filtered, states):
    live, file = filtered(rules(STATES[states]))
    assert live["input-filter"]["evidence"][0]["path"] == "nf_tables"
    assert file["input-filter"]["evidence"][0]["path"] == "/etc/nftables.conf"
    for outcomes in (live, file):
        for name in ("input-filter", "default-deny", "ipv6", "base-rules"):
            assert outcomes[name]["outcome"] == "pass", (name, outcomes[name])


def test_what_a_rule_set_lacks_is_told(filtered):
    for outcomes in filtered(rules("ct state new accept", policy="accept", family="ip")):
        assert outcomes["input-filter"]["outcome"] == "pass"
        assert outcomes["default-deny"]["outcome"] == "fail"
        assert outcomes["ipv6"]["outcome"] == "fail"
        failing = [line["key"] for line in outcomes["base-rules"]["evidence"]
                   if line["outcome"] == "fail"]
        assert failing == ["ct state established", "ct state invalid"]
    for outcomes in filtered("flush ruleset\n"):
        assert outcomes["input-filter"]["outcome"] == "fail"
        assert outcomes["ipv6"]["outcome"] == "not-applicable"


def test_holes_are_matched_with_listeners(filtered):
    """Ports of a set, of an interval, of a map and of a named set, against real sockets."""
    more = """
    tcp dport { 2222, 2280 } accept
    ip saddr 10.0.0.0/8 tcp dport 2300-2310 accept
    tcp dport vmap { 2400 : accept, 2401 : drop }
    udp dport 5353 accept
    """
    live, _ = filtered(rules(more=more), "2222", "2305", "2400", "2401", "2500")
    finding = live["rules-match-listeners"]
    told = {line["key"]: line["outcome"] for line in finding["evidence"]}
    assert finding["outcome"] == "fail"
    assert told == {"2222-2222": "pass", "2280-2280": "fail", "2300-2310": "pass",
                    "2400-2400": "pass", "5353-5353": "fail", "0.0.0.0:2222": "pass",
                    "0.0.0.0:2305": "pass", "0.0.0.0:2400": "pass", "0.0.0.0:2401": "fail",
                    "0.0.0.0:2500": "fail"}


def test_rules_that_cannot_be_read_are_not_measured(entente, tmp_path):
    """A gigabyte where the rules of the next boot stand is no missing rule set."""
    root = tmp_path / "root"
    wants = root / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir(parents=True)
    unit = root / "usr/lib/systemd/system/nftables.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Unit]\n[Service]\nExecStart=/usr/sbin/nft -f /etc/nftables.conf\n"
                    "[Install]\nWantedBy=sysinit.target\n")
    (wants / "nftables.service").symlink_to("/usr/lib/systemd/system/nftables.service")
    config = root / "etc/nftables.conf"

    def outcomes():
        chosen = [word for name in MEASURES for word in ("--measure", f"host.firewall.{name}")]
        done = entente("assess", "--root", root, "--format", "json", "--quiet", *chosen)
        return {finding["measure"].removeprefix("host.firewall."): finding
                for finding in json.loads(done.stdout)["findings"]}

    config.write_text(rules())
    assert outcomes()["persistent"]["outcome"] == "pass"
    assert outcomes()["single-tool"]["outcome"] == "pass"
    os.truncate(config, 1 << 30)
    for name in ("persistent", "single-tool", "input-filter"):
        finding = outcomes()[name]
        assert (finding["outcome"], finding["reason"]) == ("not-measured", "unreadable"), finding
        assert finding["detail"]
    config.unlink()
    assert outcomes()["persistent"]["outcome"] == "fail"
