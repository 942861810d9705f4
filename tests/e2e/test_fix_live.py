"""entente fix on a running machine: a disposable copy of this one, with its own network.

What visudo and sshd refuse is not applied: fix_validate.
"""
import json
import pathlib
import re
import subprocess

import pytest

import plans
from waiting import until

SSHD, VISUDO = "/usr/sbin/sshd", "/usr/sbin/visudo"
needs_sshd = pytest.mark.skipif(not pathlib.Path(SSHD).exists(), reason="no sshd")
needs_sudo = pytest.mark.skipif(not pathlib.Path(VISUDO).exists(), reason="no visudo")
PORT = "2222"
# While sshd begins anew it ignores signals, and its file is not there, or empty.
RELOAD = "until grep -qs . /run/sshd.pid; do sleep 0.05; done\nkill -HUP $(cat /run/sshd.pid)\n"


def plan_of(machine, *ids):
    return json.loads(machine.entente("fix", "--format", "json", *ids).stdout)


def forge(machine, plan, old, new):
    """Saves a plan with other content than the program would make; its hash."""
    store = "/root/data/fixes"
    text, digest = plans.forged(machine.read(f"{store}/{plan['hash']}/plan.json"), old, new)
    machine.run("mkdir", "-m", "700", f"{store}/{digest}")
    machine.write(f"{store}/{digest}/plan.json", text, 0o600)
    return digest


# Name, kind, mode, owner, size, link, time and content of everything; folders' times aside.
FIND = ("find \"$@\" -type d -printf '%p %M %U:%G\\n' -o -printf '%p %M %U:%G %s %l %T@\\n';"
        "find \"$@\" -type f -exec sha256sum {} + || true")


class Before:
    """What is in folders of the copy, to tell what became different there. What others changed in
    the machine itself meanwhile shows through, and is none of it."""

    def __init__(self, machine, *folders):
        self.machine, self.command = machine, ("sh", "-c", FIND, "sh", *folders)
        self.around, self.here = self.look_around(), self.look()

    def look(self):
        return set(self.machine.run(*self.command).stdout.splitlines())

    def look_around(self):
        found = subprocess.run(self.command, capture_output=True, text=True, errors="replace")
        return set(found.stdout.splitlines())

    def differences(self):
        now = self.look()
        return sorted((now ^ self.here) - (self.look_around() ^ self.around))


def prepare_ssh(machine, text="Include /etc/ssh/sshd_config.d/*.conf\n"):
    machine.run("rm", "-rf", "/etc/ssh/sshd_config.d", "/etc/ssh/sshd_config")
    machine.run("mkdir", "-p", "/etc/ssh/sshd_config.d")
    machine.run("ssh-keygen", "-A")
    machine.write("/etc/ssh/sshd_config", text, 0o600)
    machine.run(SSHD, "-t")


def test_kernel_settings_are_set_and_put_back(machine):
    for name in ("eth7", "eth8.100"):
        machine.run("ip", "link", "add", name, "type", "veth")
        machine.run("ip", "link", "set", name, "up")
    keys = ["net.ipv4.conf.all.send_redirects", "net.ipv4.conf.eth7.send_redirects",
            "net/ipv4/conf/eth8.100/send_redirects"]
    machine.run("rm", "-f", "/etc/sysctl.conf")
    machine.run("sysctl", "-w", *[f"{key}=1" for key in keys])

    def values():
        return machine.run("sysctl", "-n", *keys).stdout.split()

    before = Before(machine, "/etc")
    plan = plan_of(machine, "host.network.redirects-not-sent")
    assert {"all", "eth7", "eth8.100"} <= {
        next(part for part in re.split(r"conf[./]|[./]send", value["key"])[1:])
        for value in plan["values"]}
    machine.entente("fix", "--apply", "--plan-hash", plan["hash"])
    assert values() == ["0", "0", "0"]
    assert plan_of(machine, "host.network.redirects-not-sent")["values"] == []
    machine.entente("fix", "--undo", plan["hash"])
    assert values() == ["1", "1", "1"]
    assert before.differences() == []


@needs_sshd
def test_a_whole_configuration_that_sshd_refuses_is_taken_back(machine):
    """Each file is fine by itself; together they are not, which only sshd -t of all can see."""
    prepare_ssh(machine, "Include /etc/ssh/sshd_config.d/*.conf\nPubkeyAuthentication no\n")
    before = Before(machine, "/etc")
    plan = plan_of(machine, "host.ssh.forwarding")
    forged = forge(machine, plan, "X11Forwarding no", "AuthenticationMethods publickey")
    done = machine.entente("fix", "--apply", "--plan-hash", forged, status=3)
    assert "nothing was changed" in done.stderr and "AuthenticationMethods" in done.stderr
    assert before.differences() == []
    machine.run(SSHD, "-t")


@needs_sudo
def test_rules_that_visudo_refuses_are_not_applied(machine):
    before = Before(machine, "/etc")
    plan = plan_of(machine, "host.account.sudo-defaults")
    forged = forge(machine, plan, "Defaults ", "Default$ ")
    done = machine.entente("fix", "--apply", "--plan-hash", forged, status=3)
    assert "visudo" in done.stderr and "/etc/sudoers" in done.stderr
    assert before.differences() == []
    machine.entente("fix", "--apply", "--plan-hash", plan["hash"])
    machine.run(VISUDO, "-c")
    machine.entente("fix", "--undo")
    assert before.differences() == []


def offered_macs(machine):
    """What the running sshd offers, as a client sees it; None while it begins anew."""
    debug = machine.run("ssh", "-vv", "-p", PORT, "-o", "BatchMode=yes", "-o",
                        "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                        "nobody@127.0.0.1", "true", status=None).stderr
    server = debug.partition("peer server KEXINIT proposal")[2]
    found = re.search(r"MACs stoc: (\S+)", server)
    return found and found[1].split(",")


def offered_before_the_undo(machine, plan, old):
    """What sshd offers once it has read the new settings, if they are not gone by then."""
    machine.run("sh", "-c", RELOAD)
    while plans.is_waited_for(plan["hash"]):
        offered = offered_macs(machine)
        if offered and offered != old:
            return offered
    return None


@needs_sshd
def test_unconfirmed_ssh_settings_go_and_sshd_reads_the_old_ones(machine):
    """A real sshd, and a systemctl that does what the unit's ExecReload says."""
    prepare_ssh(machine, f"Port {PORT}\nListenAddress 127.0.0.1\nPidFile /run/sshd.pid\n"
                "Include /etc/ssh/sshd_config.d/*.conf\n")
    machine.run("mkdir", "-p", "/run/systemd/system")
    machine.run("rm", "-f", "/usr/bin/systemctl")
    machine.write("/usr/bin/systemctl", f'#!/bin/sh\necho "$*" >> /run/systemctl.log\n{RELOAD}', 0o755)
    machine.run(SSHD)
    old = until(lambda: offered_macs(machine), what="sshd's answer")
    before = Before(machine, "/etc")

    reloads = ""
    for minutes in ("0.08", "0.5", "2"):  # on a busy machine the first is soon over
        plan = plan_of(machine, "host.ssh.macs")
        assert plan["risky"]
        done = machine.entente("fix", "--apply", "--plan-hash", plan["hash"], "--confirm-within",
                               minutes)
        assert "--confirm" in done.stdout
        new = offered_before_the_undo(machine, plan, old)
        plans.ended(plan["hash"])
        reloads += "try-reload-or-restart ssh.service\n"
        if new:
            break
    assert new and "hmac-sha1" not in new
    assert before.differences() == []
    until(lambda: offered_macs(machine) == old, what="the old offer")
    assert machine.read("/run/systemctl.log") == reloads
    assert '"undone"' in machine.entente("fix", "--list", "--format", "json").stdout

    # Confirmed, it stays, and nothing is reloaded.
    plan = plans.confirmed(machine.entente, lambda: plan_of(machine, "host.ssh.macs"))
    reloads = machine.read("/run/systemctl.log")
    plans.ended(plan["hash"])
    assert "hmac-sha2-512-etm" in machine.read("/etc/ssh/sshd_config.d/00-entente.conf")
    assert machine.read("/run/systemctl.log") == reloads


def test_everything_there_and_back(machine):
    """All fixes of a whole machine: nothing is left to fix, and the undo leaves no trace."""
    folders = ["/etc", "/var/log", "/boot", "/home"]
    before = Before(machine, *folders)
    plan = plan_of(machine)
    assert len(plan["edits"]) > 10
    machine.entente("fix", "--apply", "--plan-hash", plan["hash"])
    if pathlib.Path(VISUDO).exists():
        machine.run(VISUDO, "-c")
    assert plan_of(machine)["edits"] == []
    machine.entente("fix", "--undo")
    assert before.differences() == []
