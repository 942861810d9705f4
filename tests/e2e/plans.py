"""Plans of fixes that the program would not make, sound in themselves."""
import hashlib
import json


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
