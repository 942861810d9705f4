"""Requests at mailboxes: their paths, the work a message takes, an owner's signature."""
import base64
import hashlib
import time

BOX = "/api/v1/mailboxes/{mailbox}"
MESSAGES = BOX + "/messages"
MESSAGE = MESSAGES + "/{number}"
HEAD = b"ENTSEAL1\0\x20\0\x01\0\x02"


def mailbox_id(actor_id, origin):
    return hashlib.sha256(f"entente/mailbox/1\n{origin}\n{actor_id}".encode()).hexdigest()


def path(actor_id, origin):
    return "/api/v1/mailboxes/" + mailbox_id(actor_id, origin)


def sealed(content):
    """What a mailbox takes for a sealed message: it cannot look inside."""
    return HEAD + content


def work(box, body, bits):
    mailbox, digest = box.split("/")[4], hashlib.sha256(body).digest()
    for number in range(1 << 30):
        nonce = f"{number:x}"
        value = hashlib.sha256(mailbox.encode() + digest + nonce.encode()).digest()
        if int.from_bytes(value, "big") >> (256 - bits) == 0:
            return {"Entente-Work": nonce}
    raise AssertionError


def authority(node):
    return f"127.0.0.1:{node.port}"


def naming(target, body):
    """The target of a DELETE: which message is meant, not only its number."""
    return f"{target}?sha256={hashlib.sha256(body).hexdigest()}"


def signed(key, at, method, target, body=b"", seconds=0):
    """The header of a request at a node, or at what is called so ("HOST:PORT")."""
    moment, at = int(time.time()) + seconds, at if isinstance(at, str) else authority(at)
    digest = hashlib.sha256(body).hexdigest()
    text = f"entente/mailbox/2\n{method}\n{at}\n{target}\n{moment}\n{digest}\n".encode()
    signature = base64.b64encode(key.private.sign(text)).decode()
    return {"Entente-Signature": f"{key.hint} {moment} {signature}"}
