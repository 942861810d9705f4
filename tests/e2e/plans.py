"""Plans of fixes: those that the program would not make, sound in themselves; and their confirmation."""
import hashlib
import json
import pathlib

from waiting import until

WINDOWS = ("0.02", "0.2", "2")  # minutes to confirm in; on a busy machine the first is soon over


def forged(text, old, new):
    """The plan with other content in its edits, and its hash."""
    plan = json.loads(text)
    changed = 0
    for edit in plan["edits"]:
        content = edit["new"].get("content")
        if content and old in content:
            content = content.replace(old, new)
            edit["new"].update(content=content,
                               sha256=hashlib.sha256(content.encode()).hexdigest())
            changed += 1
    assert changed
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text, hashlib.sha256(text.encode()).hexdigest()


def is_waited_for(plan_hash):
    """Whether the process that apply left behind, to undo what nobody confirms, is there."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--apply" in words and plan_hash.encode() in words:
            return True
    return False


def ended(plan_hash):
    """Waits until the process left behind is gone: it has undone the plan, or left it in peace."""
    until(lambda: not is_waited_for(plan_hash), what="the end of the process left behind")


def confirmed(entente, plan_of):
    """A plan that was applied, and confirmed before its time was over."""
    for minutes in WINDOWS:
        plan = plan_of()
        entente("fix", "--apply", "--plan-hash", plan["hash"], "--confirm-within", minutes)
        if entente("fix", "--confirm", plan["hash"][:16], status=None).returncode == 0:
            return plan
        ended(plan["hash"])
    raise AssertionError("never confirmed in time")
